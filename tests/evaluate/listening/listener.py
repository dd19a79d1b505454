"""What a listener does on the page of a listening test."""

from __future__ import annotations

from pathlib import Path

from perfsynth.evaluate.listening.answers import Sheet, read_sheet
from tests.evaluate.listening.chromium import Chromium

PLAYERS = "[...document.querySelectorAll('.player')]"


class Listener(Chromium):
    """A browser with the habits of a listener."""

    downloads: Path

    @property
    def heading(self) -> str:
        """Where the listener is."""
        return self.js("document.querySelector('h1').textContent")

    def click_on(self, element: str) -> None:
        """Click an element, given as an expression."""
        place = self.js(
            f"(() => {{ const found = {element}; found.scrollIntoView({{block: 'center'}});"
            "const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        self.click_at(*place)

    def listen(self) -> None:
        """Play every sound of the page until some of it was heard."""
        for index in range(self.js(f"{PLAYERS}.length")):
            self.click_on(f"{PLAYERS}[{index}].querySelector('button')")
            self.wait_for_sound(index)

    def wait_for_sound(self, index: int) -> None:
        """Wait until the player of that number has sounded."""
        self.until(f"{PLAYERS}[{index}].querySelector('input').value > 0")

    def compare_all(self, count: int, choice: str) -> None:
        """Make the same choice in every comparison."""
        for number in range(1, count + 1):
            assert self.heading == f"Comparison {number} of {count}"
            self.listen()
            self.click(choice)
            self.click("Next")

    def rate_all(self, count: int, value: int) -> None:
        """Give every sound the same rating."""
        for number in range(1, count + 1):
            assert self.heading == f"Sound {number} of {count}"
            self.listen()
            self.rate([value])
            self.click("Next")

    def rate(self, values: list[int]) -> None:
        """Click a value for each question."""
        for index, value in enumerate(values):
            self.click_on(f"document.querySelectorAll('fieldset')[{index}].querySelector('input[value=\"{value}\"]')")

    def chosen(self) -> list[int]:
        """The values that are checked."""
        return self.js("[...document.querySelectorAll('fieldset :checked')].map((input) => Number(input.value))")

    def saved(self, kind: str) -> Sheet:
        """The answers, saved with the button and read back."""
        self.click(f"Save answers ({kind.upper()})")
        found = self.wait_for_file(f"*.{kind}")
        return read_sheet(found.read_bytes(), name=found.name)

    def wait_for_file(self, pattern: str) -> Path:
        """A file that was downloaded."""
        for _ in range(400):
            done = [path for path in self.downloads.glob(pattern) if path.stat().st_size]
            if done:
                return done[0]
            self.js("new Promise((done) => setTimeout(done, 25))")
        raise AssertionError(f"no {pattern} in {self.downloads}")

    def assert_clean(self) -> None:
        """Nothing was asked of anybody, and nothing went wrong."""
        assert self.requests
        assert {url.split(":")[0] for url in self.requests} <= {"file", "blob", "data"}
        assert self.errors == []
