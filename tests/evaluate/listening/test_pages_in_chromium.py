"""The pages in a real browser, driven as a listener would; collected where Chromium is installed."""

from __future__ import annotations

from itertools import pairwise

from perfsynth.evaluate.listening.answers import read_sheet
from tests.evaluate.listening.listener import PLAYERS


def test_the_headphone_check_comes_first_and_asks_to_listen(listener, test_page) -> None:
    listener.open(test_page(headphones=True))
    listener.click("Begin")
    listener.click("First")
    assert "Play the three tones first." in listener.text()
    for number in range(1, 7):
        assert listener.heading == f"Headphone check, {number} of 6"
        listener.listen()
        listener.click("First")
    assert listener.heading == "This does not sound like headphones"  # nobody is right with the first one always
    listener.click("Try again")
    assert listener.heading == "Headphone check, 1 of 6"
    listener.click("Skip the check")
    assert listener.heading == "Sound 1 of 6"
    listener.click("Back")
    assert listener.heading == "Headphone check, 1 of 6"
    listener.assert_clean()


def test_a_rating_test_from_the_first_page_to_the_saved_file(listener, test_page) -> None:
    listener.open(test_page())
    listener.js("document.getElementById('participant').focus()")
    for letter in "Ann":
        listener.press(letter, text=letter)
    listener.click("Begin")

    # Neither unheard nor unanswered does it go on.
    assert listener.heading == "Sound 1 of 6"
    listener.rate([1, 2, 3, 4, 5])
    listener.click("Next")
    assert "Play every sound first." in listener.text()
    listener.listen()
    assert "Play every sound first." not in listener.text()  # it was done
    listener.click("Next")
    assert listener.heading == "Sound 2 of 6"
    listener.listen()
    listener.rate([2, 2, 2])
    listener.click("Next")
    assert "Not answered yet: Does the performance express emotion? Your overall" in listener.text()
    listener.rate([2, 2, 2, 2, 2])
    listener.js("document.getElementById('comment').focus()")
    for letter in 'odd, "very"':
        listener.press(letter, text=letter)
    listener.click("Next")

    # Back, change one's mind, reload in the middle.
    listener.listen()
    listener.rate([3, 3])
    listener.click("Back")
    listener.click("Back")
    assert (listener.heading, listener.chosen()) == ("Sound 1 of 6", [1, 2, 3, 4, 5])
    listener.rate([5])
    listener.click("Next")
    listener.click("Next")
    listener.reload()
    assert (listener.heading, listener.chosen()) == ("Sound 3 of 6", [3, 3])
    listener.rate([3, 3, 3, 3, 3])
    listener.click("Next")
    for value in (4, 5, 1):
        listener.listen()
        listener.rate([value] * 5)
        listener.click("Next")
    assert listener.heading == "Thank you"

    sheet = listener.saved("json")
    assert (sheet.participant, sheet.complete, len(sheet.answers)) == ("Ann", True, 30)
    by_trial: dict[str, list[float]] = {}
    for answer in sheet.answers:
        by_trial.setdefault(answer.trial, []).append(answer.value)
    assert list(by_trial.values()) == [[5, 2, 3, 4, 5], [2] * 5, [3] * 5, [4] * 5, [5] * 5, [1] * 5]
    assert {(a.system, a.piece) for a in sheet.answers} == {
        (system, piece) for system in ("human", "model", "deadpan") for piece in ("bach", "mozart")
    }
    assert [a.comment for a in sheet.answers[5:10]] == ['odd, "very"'] * 5
    assert all(a.seconds > 0 and a.heard_s > 0 and a.audio_s == 1.2 for a in sheet.answers)
    assert sheet.headphones is None
    assert listener.saved("csv").answers == sheet.answers
    listener.assert_clean()


def test_a_mushra_test_with_the_keyboard_alone(listener, test_page) -> None:
    listener.open(test_page("mushra") + "?participant=Key.1")

    def tab_to(condition: str) -> None:
        for _ in range(60):
            if listener.js(f"(() => {{ const on = document.activeElement; return Boolean({condition}); }})()"):
                return
            listener.press("Tab", code=9)
        raise AssertionError(f"not reached by the tab key: {condition}")

    def push(words: str) -> None:
        tab_to(f"on.tagName === 'BUTTON' && on.textContent.startsWith('{words}')")
        listener.press("Enter", code=13, text="\r")

    push("Begin")
    for trial in (1, 2):
        assert listener.heading == f"Comparison {trial} of 2"
        for index, letter in enumerate(("the reference", "A", "B", "C", "D")):
            push(f"Play {letter}")
            listener.wait_for_sound(index)
            if letter == "the reference":
                continue
            tab_to(f"on.type === 'range' && on.getAttribute('aria-label').endsWith('Sound {letter}')")
            assert listener.js("document.activeElement.getAttribute('aria-valuetext')") == "not rated yet"
            for _ in range(index):
                listener.press("ArrowRight", code=39)
        push("Next")
    assert listener.heading == "Thank you"
    sheet = listener.saved("json")
    assert sorted(answer.value for answer in sheet.answers) == [51, 51, 52, 52, 53, 53, 54, 54]
    assert sorted(answer.role for answer in sheet.answers[:4]) == ["anchor", "reference", "system", "system"]
    listener.assert_clean()


def test_a_slider_left_in_the_middle_is_no_rating(listener, test_page) -> None:
    listener.open(test_page("mushra"))
    listener.click("Begin")
    listener.listen()
    listener.click("Next")
    assert "Not answered yet: sound A. sound B. sound C. sound D." in listener.text()
    assert listener.heading == "Comparison 1 of 2"


def test_order_is_by_seed_and_participant(listener, test_page) -> None:

    def order(address: str) -> list[tuple[str, str]]:
        listener.renew(listener.downloads)
        listener.open(address)
        listener.click("Begin")
        for path in listener.downloads.iterdir():
            path.unlink()
        listener.rate_all(6, 3)
        return [(answer.piece, answer.system) for answer in listener.saved("json").answers]

    first = order(test_page(questions="mos") + "?participant=1")
    assert order(test_page(questions="mos") + "?participant=1") == first
    others = {tuple(order(test_page(questions="mos") + f"?participant={number}")) for number in (2, 3)}
    assert len({tuple(first), *others}) > 1
    for found in (first, *others):
        pieces = [piece for piece, _ in found]
        assert all(here != there for here, there in pairwise(pieces))


def test_versions_are_switched_at_one_position(listener, test_page) -> None:
    listener.open(test_page("ab"))
    listener.click("Begin")
    listener.click("Play A")
    listener.until(f"{PLAYERS}[0].querySelector('input').value > 0.4")
    listener.click("Play B")
    listener.until(f"{PLAYERS}[1].querySelector('input').value > 0")
    assert listener.js(f"Number({PLAYERS}[1].querySelector('input').value)") >= 0.4
    assert listener.js(f"{PLAYERS}[0].querySelector('button').textContent") == "Play A"


def test_enough_of_a_sound_has_to_be_heard(listener, test_page) -> None:
    listener.open(test_page(questions="mos", must_hear=1.0))
    listener.click("Begin")
    listener.rate([3])
    listener.click("Next")
    assert "Listen to every sound first." in listener.text()
    listener.listen()
    listener.until("document.querySelector('.player button').textContent === 'Play the sound'")  # to its end
    listener.click("Next")
    assert listener.heading == "Sound 2 of 6"


def test_breaking_off_saves_what_there_is(listener, test_page) -> None:
    listener.open(test_page(questions="mos") + "?participant=half")
    listener.click("Begin")
    listener.listen()
    listener.rate([4])
    listener.click("Next")
    listener.click("Stop here")
    sheet = read_sheet(listener.wait_for_file("*.json").read_bytes())
    assert (sheet.complete, len(sheet.answers), sheet.participant) == (False, 1, "half")


def test_another_listener_may_begin_on_the_same_device(listener, test_page) -> None:
    listener.open(test_page(questions="mos"))
    listener.click("Begin")
    listener.rate_all(6, 3)
    listener.js("window.confirm = () => true")
    listener.click("Begin anew")
    assert listener.heading == "Welcome"
    listener.click("Begin")
    assert listener.chosen() == []


def test_of_two_windows_one_gives_way(listener, test_page) -> None:
    listener.open(test_page(questions="mos"))
    listener.click("Begin")
    key = listener.js("Object.keys(localStorage)[0]")
    listener.js(f"window.dispatchEvent(new StorageEvent('storage', {{ key: {key!r} }}))")
    assert listener.heading == "This test is open in another window"
    kept = listener.js(f"localStorage.getItem({key!r})")
    listener.js("new Promise((done) => setTimeout(done, 700))")
    assert listener.js(f"localStorage.getItem({key!r})") == kept
    listener.reload()
    assert listener.heading == "Sound 1 of 6"
    listener.assert_clean()
