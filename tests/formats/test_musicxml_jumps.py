"""The way through a MusicXML score: words, signs and names, wherever in a measure they stand."""

from __future__ import annotations

import pytest

from perfsynth.formats.musicxml import read_musicxml

MEASURE = """<note id="{0}"><pitch><step>{1}</step><octave>4</octave></pitch><duration>2</duration></note>{2}
<note><pitch><step>{1}</step><octave>5</octave></pitch><duration>2</duration></note>"""
SEGNO, CODA = "<segno/>", "<coda/>"


def direction(*types: str, sound: str = "") -> str:
    inner = "".join(f"<direction-type>{kind}</direction-type>" for kind in types)
    return f"<direction>{inner}{sound and f'<sound {sound}/>'}</direction>"


def words(text: str, sound: str = "") -> str:
    return direction(f"<words>{text}</words>", sound=sound)


def repeat(kind: str, more: str = "") -> str:
    return f'<barline><repeat direction="{kind}" {more}/></barline>'


def order(begins: dict[str, str], ends: dict[str, str], *, middles: dict[str, str] | None = None, n: int = 4) -> str:
    """The measures as they are played, by letter; where halves are left out, each second half as a dot.

    `begins`, `middles` and `ends` tell what stands in a measure, by its letter.
    """
    measures = ""
    for name in "abcdefgh"[:n]:
        attributes = "<attributes><divisions>1</divisions></attributes>" if name == "a" else ""
        inner = MEASURE.format(name, name.upper() if name < "h" else "C", (middles or {}).get(name, ""))
        measures += f"<measure>{attributes}{begins.get(name, '')}{inner}{ends.get(name, '')}</measure>"
    part_list = '<part-list><score-part id="P1"><part-name>Piano</part-name></score-part></part-list>'
    score = read_musicxml(f'<score-partwise>{part_list}<part id="P1">{measures}</part></score-partwise>'.encode())
    played = "".join(str(name)[0] if str(name)[0] != "p" else "." for name in score.notes["note_id"])
    assert score.notes["onset_beat"].tolist() == [2.0 * index for index in range(len(score.notes))]
    is_whole = len(played) % 2 == 0 and set(played[1::2]) == {"."}
    return played[::2] if is_whole else played


@pytest.mark.parametrize(
    "said",
    [
        "D.C. al Fine", "DC al fine", "Da Capo", "Menuetto D.C.", "Menuetto I da capo", "Scherzo D. C. al Fine",
        "D.C. senza repetizione",
    ],
)  # fmt: skip
def test_a_da_capo_in_words(said: str) -> None:
    assert order({}, {"b": words("Fine"), "d": words(said)}) == "abcdab"


@pytest.mark.parametrize("said", ["Doloroso", "senza D.C.", "Washington is far from the D.C.", "alla danza capo"])
def test_words_that_are_no_da_capo(said: str) -> None:
    assert order({}, {"b": words("Fine"), "d": words(said)}) == "abcd"


@pytest.mark.parametrize(
    "said",
    [
        [words("D.S. al Fine")], [words("Dal \U0001d10b al Fine")], [words("Dal \ue047 al Fine")], [words("da segno")],
        [direction("<words>Dal</words>", SEGNO, "<words>al Fine</words>")],
        [direction("<words>D.S.</words>", "<words>al Fine</words>")],
    ],
)  # fmt: skip
def test_a_dal_segno_in_words_and_signs(said: list[str]) -> None:
    assert order({"b": direction(SEGNO)}, {"c": words("Fine"), "d": "".join(said)}) == "abcdbc"


@pytest.mark.parametrize("said", ["Fine", "(Fine)", "FINE.", "Fin", "Fine del Menuetto"])
def test_a_fine_in_words(said: str) -> None:
    assert order({}, {"b": words(said), "d": words("D.C.")}) == "abcdab"


@pytest.mark.parametrize("said", ["accelerando sin al fine", "a fine tone", "finer"])
def test_words_that_are_no_fine(said: str) -> None:
    assert order({}, {"b": words(said), "d": words("D.C.")}) == "abcdabcd"


@pytest.mark.parametrize(
    ("leaves", "arrives"),
    [
        (words("To Coda"), direction(CODA)),
        (words("to the Coda"), direction(CODA, "<words>Coda</words>")),
        (words("al Coda \U0001d10c"), words("CODA")),
        (words("To \u2295"), words("\u2295 Coda")),
        (direction("<words>To</words>", CODA), direction(CODA)),
        (direction("<words>To Coda</words>", CODA), direction(CODA)),
        (direction(CODA), direction(CODA)),
        (direction(CODA), words("Coda")),
        (words("To Coda", 'tocoda="x"'), '<barline location="left" coda="x"><coda/></barline>'),
    ],
)
def test_to_the_coda(leaves: str, arrives: str) -> None:
    assert order({"e": arrives}, {"b": leaves, "d": words("D.C. al Coda")}, n=6) == "abcdabef"


@pytest.mark.parametrize(
    "segno",
    [
        words("\U0001d10b"), words("Segno"), '<barline location="left"><segno/></barline>',
        '<barline location="left" segno="x"><segno/></barline>',
    ],
)  # fmt: skip
def test_a_segno_may_be_a_word_or_stand_at_the_bar_line(segno: str) -> None:
    assert order({"b": segno}, {"c": words("Fine"), "d": words("D.S. al Fine")}) == "abcdbc"


def test_a_sign_at_the_bar_line_behind_a_measure_is_that_of_the_next() -> None:
    segno = "<barline><segno/></barline>"
    assert order({}, {"a": segno, "c": words("Fine"), "d": words("D.S. al Fine")}) == "abcdbc"


@pytest.mark.parametrize("where", ["begins", "middles", "ends"])
def test_jumps_are_taken_where_a_measure_ends_and_lead_to_where_one_begins(where: str) -> None:
    marks = {"c": words("Fine"), "d": words("D.S. al Fine", 'dalsegno="x"')}
    segno = direction(SEGNO, sound='segno="x"')
    places = {"begins": {"b": segno}, "middles": {}, "ends": {}}
    places[where] = places[where] | marks
    assert order(places["begins"], places["ends"], middles=places["middles"]) == "abcdbc"
    assert order({}, marks, middles={"b": segno}) == "abcdbc"


def test_at_a_double_bar_line_a_jump_may_be_in_the_midst_of_a_measure() -> None:
    double = '<barline location="middle"><bar-style>light-heavy</bar-style></barline>'
    assert order({}, {"d": words("D.C.")}, middles={"b": words("Fine") + double}) == "a.b.c.d.a.b"


def test_a_jump_waits_for_the_voice_that_lasts_longest() -> None:
    short = "<backup><duration>4</duration></backup><note><rest/><duration>1</duration><voice>2</voice></note>"
    assert order({}, {"b": short + words("Fine", 'fine="yes"'), "d": short + words("D.C.", 'dacapo="yes"')}) == "abcdab"


def test_every_jump_to_a_sign_goes_to_the_one_it_names_and_is_taken_once() -> None:
    segni = {name: direction(SEGNO, sound=f'segno="{name}"') for name in "bc"}
    ends = {"d": words("D.S.", 'dalsegno="b"'), "f": words("D.S.S.", 'dalsegno="c"')}
    assert order(segni, ends, n=6) == "abcdbcdefcdef"


def test_two_codas() -> None:
    begins = {"b": direction(SEGNO)} | {name: direction(CODA, sound=f'coda="{name}"') for name in "eg"}
    leaves = {"b": words("To Coda 1", 'tocoda="e"'), "c": words("To Coda 2", 'tocoda="g"')}
    back = {name: words("D.S. al Coda") for name in "df"}
    assert order(begins, leaves | back, n=8) == "abcdbefbcgh"


def test_a_sign_beside_its_name_in_sound_is_not_another() -> None:
    begins = {"b": direction(SEGNO, sound='segno="x"'), "d": direction(SEGNO)}
    assert order(begins, {"c": words("Fine"), "d": words("D.S.", 'dalsegno="x"')}) == "abcdbc"


def test_repeats_that_are_played_again_after_a_da_capo() -> None:
    assert order({}, {"a": repeat("backward", 'after-jump="yes"'), "d": words("D.C.")}) == "aabcdaabcd"
    assert order({}, {"a": repeat("backward"), "d": words("D.C.")}) == "aabcdabcd"


def test_a_forward_repeat_that_is_not_printed() -> None:
    assert order({"c": '<sound forward-repeat="yes"/>'}, {"d": repeat("backward")}) == "abcdcd"


@pytest.mark.parametrize(("back", "played"), [("d", "abcdbcd"), ("", "abcd")])
def test_a_forward_repeat_that_nothing_sends_back_to_is_passed_over(back: str, played: str) -> None:
    forward = repeat("forward").replace("<barline>", '<barline location="left">')
    begins = {"a": forward, "b": forward} if back else {"b": forward}
    assert order(begins, {back: repeat("backward")}) == played


def test_a_repeat_without_a_forward_sign_begins_behind_the_endings_before_it() -> None:
    def bracket(number: str, back: str = "") -> tuple[str, str]:
        begin = f'<barline location="left"><ending number="{number}" type="start"/></barline>'
        return begin, f'<barline><ending number="{number}" type="stop"/>{back}</barline>'

    back = '<repeat direction="backward"/>'
    (first, again), (second, on) = bracket("1", back), bracket("2")
    begins, ends = {"b": first, "c": second}, {"b": again, "c": on}
    assert order(begins, ends | {"d": repeat("backward")}, n=5) == "abacdde"
    assert order(begins | {"e": first, "f": second}, ends | {"e": again, "f": on}, n=6) == "abacdedf"
    third, last = bracket("3")
    assert order(begins | {"d": third}, ends | {"c": bracket("2", back)[1], "d": last}, n=5) == "abacade"
