"""What the pages never do, and that they are for everybody: in a real browser, where Chromium is installed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from perfsynth.evaluate.listening.answers import read_sheet


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any]]]:
    """An address that takes answers, and what it was sent."""
    taken: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            self.reply()

        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.reply()

        def do_GET(self) -> None:
            taken.append(self.path)
            self.reply()

        def reply(self) -> None:
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "Content-Type")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    made = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/answers", taken
    made.shutdown()
    made.server_close()


def test_a_preference_test_is_posted_only_when_the_listener_says_so(listener, test_page, server) -> None:
    url, taken = server
    listener.open(test_page("ab", post_url=url))
    assert "Nothing is sent before you do so." in listener.text()
    listener.click("Begin")
    listener.compare_all(6, "A")
    assert taken == []
    listener.click("Send answers")
    listener.until("document.body.innerText.includes('Your answers were sent.')")
    (posted,) = taken
    sheet = read_sheet(json.dumps(posted).encode())
    assert sheet.participant.startswith("anonymous-")
    assert [answer.value for answer in sheet.answers] == [1.0] * 6
    assert len({(a.piece, *sorted((a.system, a.other))) for a in sheet.answers}) == 6
    assert sheet.answers == listener.saved("json").answers


def test_a_server_that_is_gone_loses_nothing(listener, test_page) -> None:
    listener.open(test_page("ab", post_url="http://127.0.0.1:1/"))
    listener.click("Begin")
    listener.compare_all(6, "No difference")
    listener.click("Send answers")
    listener.until("document.body.innerText.includes('Your answers were not sent')")
    assert [answer.value for answer in listener.saved("json").answers] == [0.5] * 6


def test_the_page_is_forbidden_to_call_anybody(listener, test_page, server) -> None:
    url, taken = server
    listener.open(test_page())
    called = (
        f"fetch('{url}').then(() => 'reached', () => 'refused')",
        f"new Promise((done) => {{ const image = new Image(); image.onload = () => done('reached');"
        f"image.onerror = () => done('refused'); image.src = '{url}'; }})",
    )
    assert [listener.js(call) for call in called] == ["refused", "refused"]
    assert taken == []


def test_a_browser_that_keeps_nothing_is_said_to_and_still_works(listener, test_page) -> None:
    broken = "Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error('no storage'); };"
    listener.call("Page.addScriptToEvaluateOnNewDocument", source=broken)
    listener.open(test_page(questions="mos"))
    assert "keeps nothing for this page" in listener.text()
    listener.click("Begin")
    listener.rate_all(6, 3)
    assert len(listener.saved("json").answers) == 6


@pytest.mark.parametrize("method", ["rating", "mushra", "ab"])
def test_everything_has_a_name_for_screen_readers_and_fits_a_phone(listener, test_page, method) -> None:
    listener.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    listener.call("Accessibility.enable")
    listener.open(test_page(method, headphones=True))
    for step in ("Begin", "Skip the check", None):
        nodes = listener.call("Accessibility.getFullAXTree")["nodes"]
        controls = [
            node
            for node in nodes
            if node["role"]["value"] in ("button", "radio", "slider", "textbox", "checkbox", "progressbar")
        ]
        assert controls
        assert all(node["name"]["value"].strip() for node in controls)
        assert listener.js("document.documentElement.scrollWidth") <= 360
        small = (
            "[...document.querySelectorAll('button')].filter((one) => one.getBoundingClientRect().height < 44).length"
        )
        assert listener.js(small) == 0
        assert listener.js("document.activeElement.tagName") == "H1"
        if step:
            listener.click(step)
