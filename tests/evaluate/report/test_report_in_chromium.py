"""A report in a browser, opened from disk and used as its reader would."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from perfsynth.evaluate.report.page import Section, Sound, Sounds, Table, page
from perfsynth.evaluate.report.sounds import opus
from tests.evaluate.listening.chromium import Chromium

PLAYERS = "document.querySelectorAll('audio')"
LOADED = f"[...{PLAYERS}].every((player) => player.readyState >= 2)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A page with two sounds of which one plays its bars at half the speed, and a table wider than a phone."""
    folder = tmp_path_factory.mktemp("report")
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(20 * 8000) / 8000)[:, None]
    sounds = [
        Sound("fast", "", opus(tone, 8000), tuple(range(0, 10))),
        Sound("slow", "", opus(tone, 8000), tuple(range(0, 20, 2))),
    ]
    head = ["", *(f"column {number}" for number in range(30))]
    wide = Table("figures", [head, ["a longer name", *(str(number) for number in range(30))]])
    (folder / "page.html").write_bytes(page("A page", "", [Section("Listen", "", [Sounds(sounds), wide])]))
    started = Chromium()
    started.renew(folder)
    started.open((folder / "page.html").as_uri())
    yield started
    started.close()


def test_nothing_leaves_the_machine_and_every_sound_can_be_sought_in(browser: Chromium) -> None:
    browser.until(LOADED)
    assert [url for url in browser.requests if not url.startswith(("file:", "data:"))] == []
    assert browser.errors == []
    ends = browser.js(f"[...{PLAYERS}].map((player) => player.seekable.end(0))")
    assert ends == pytest.approx([20, 20], abs=0.1)


def test_another_player_goes_on_from_the_same_bar(browser: Chromium) -> None:
    browser.until(LOADED)
    browser.js(f"{PLAYERS}[0].currentTime = 5; {PLAYERS}[0].play()")
    browser.until(f"{PLAYERS}[0].currentTime > 5")
    at = browser.js(f"{PLAYERS}[1].play().then(() => [{PLAYERS}[0].currentTime, {PLAYERS}[1].currentTime])")
    assert at[1] == pytest.approx(2 * at[0], abs=1.0)
    browser.until(f"{PLAYERS}[0].paused && !{PLAYERS}[1].paused")
    browser.js(f"{PLAYERS}[1].pause()")


def test_the_keyboard_reaches_players_and_tables(browser: Chromium) -> None:
    browser.js("document.activeElement.blur()")
    seen = []
    for _ in range(30):
        browser.press("Tab", code=9)
        seen.append(browser.js("document.activeElement.tagName + ' ' + document.activeElement.className"))
    assert "A " in seen and "AUDIO " in seen and "DIV wide" in seen


def test_a_phone_scrolls_the_table_and_not_the_page(browser: Chromium) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    assert browser.js("document.documentElement.scrollWidth") == 360
    assert browser.js(
        "(({scrollWidth, clientWidth}) => scrollWidth > 2 * clientWidth)(document.querySelector('.wide'))"
    )
    broken = "[...document.querySelectorAll('th')].filter((one) => one.clientHeight > 3 * 24).length"
    assert browser.js(broken) == 0  # no name is broken letter by letter
    browser.call("Emulation.clearDeviceMetricsOverride")
