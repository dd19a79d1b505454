"""deadpan plays exactly what is written."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from perfsynth.dynamics import LEVELS
from perfsynth.errors import InputError, UsageError
from perfsynth.perform import core
from perfsynth.perform.tempo_words import bpm_of_words, change_of_words, stated_tempos
from perfsynth.types import DIRECTION, MEASURE, SCORE_NOTE, SUSTAIN, TEMPO, Mark, Score

perform = partial(core.perform, model="deadpan")


def score(*notes: dict, **tables: np.ndarray) -> Score:
    """Notes of a quarter each, C4 in part 0, staff 1, unless they say otherwise."""
    rows = np.zeros(len(notes), SCORE_NOTE)
    for index, note in enumerate(notes):
        values = {"note_id": f"n{index}", "onset_beat": float(index), "duration_beat": 1.0, "pitch": 60, "staff": 1}
        for field, value in {**values, **note}.items():
            rows[index][field] = value
    return Score(rows, **tables)


def directions(*rows: tuple) -> np.ndarray:
    """(onset, end, kind, text) for all staves of part 0."""
    return np.array([(*row, 0, 0) for row in rows], DIRECTION)


def test_without_any_mark_it_is_120_bpm_at_velocity_64() -> None:
    notes = perform(score({}, {}, {})).notes
    assert notes["onset_s"].tolist() == [0.0, 0.5, 1.0]
    assert notes["duration_s"].tolist() == [0.5, 0.5, 0.5]
    assert notes["velocity"].tolist() == [64, 64, 64]
    assert notes["note_id"].tolist() == ["n0", "n1", "n2"]


def test_tempo_marks_are_followed() -> None:
    tempos = np.array([(0.0, 60.0), (2.0, 120.0)], TEMPO)
    notes = perform(score({}, {}, {}, {}, tempos=tempos)).notes
    assert notes["onset_s"].tolist() == [0.0, 1.0, 2.0, 2.5]


def test_a_note_across_a_tempo_change_has_both_tempi() -> None:
    tempos = np.array([(0.0, 60.0), (1.0, 120.0)], TEMPO)
    assert perform(score({"duration_beat": 2.0}, tempos=tempos)).notes["duration_s"].tolist() == [1.5]


def test_tempo_words_stand_in_for_metronome_marks() -> None:
    words = directions((0.0, 0.0, "tempo", "Largo"))
    assert perform(score({}, {}, directions=words)).notes["onset_s"][1] == pytest.approx(60 / 50)
    assert bpm_of_words("Andantino grazioso") == 84
    assert bpm_of_words("Prestissimo") == 204
    assert bpm_of_words("con fuoco") is None
    assert bpm_of_words("rallentando") is None


def test_a_tempo_that_is_denied_is_none() -> None:
    for words in ("Sehr innig und nicht zu rasch", "Not too presto", "non allegro", "con moto, ma non troppo vivace"):
        assert bpm_of_words(words) is None
    assert bpm_of_words("Allegro ma non troppo") == bpm_of_words("Allegro, non troppo presto") == 132
    assert change_of_words("non più mosso") is None


@pytest.mark.parametrize(
    ("words", "factor"),
    [
        ("più mosso", 1.2), ("Poco più mosso", 1.2), ("sempre più animato", 1.2), ("Etwas bewegter", 1.2),
        ("meno adagio", 1.2), ("meno mosso", 0.8), ("Etwas langsamer", 0.8), ("un peu plus lent", 0.8),
        ("doppio movimento", 2.0), ("Allegro animato", None), ("Langsam", None), ("più f", None),
    ],
)  # fmt: skip
def test_comparisons_change_the_tempo_and_name_none(words: str, factor: float | None) -> None:
    assert change_of_words(words) == factor
    assert factor is None or bpm_of_words(words) is None


def test_words_between_marks_say_what_changes() -> None:
    marks = np.array([(0.0, 100.0), (16.0, 60.0)], TEMPO)
    words = directions(
        (0.0, 0.0, "tempo", "Allegro"), (0.0, 0.0, "words", "dolce"),
        (2.0, 2.0, "words", "dolce"), (4.0, 4.0, "words", "etwas langsamer"), (8.0, 8.0, "tempo", "Allegro"),
        (10.0, 10.0, "words", "attacca subito l'Adagio"), (16.5, 16.5, "tempo", "Presto"),
        (20.0, 20.0, "tempo", "Largo"), (24.0, 24.0, "tempo", "Tempo I"), (28.0, 28.0, "tempo", "Largo"),
    )  # fmt: skip
    stated = stated_tempos(score({}, tempos=marks, directions=words))
    assert stated["onset_beat"].tolist() == [0, 4, 8, 16, 20, 24, 28]
    np.testing.assert_allclose(stated["quarter_bpm"], [100, 80, 100, 60, 50, 100, 50])


def test_comparisons_upon_comparisons_stay_playable() -> None:
    words = directions(
        (0.0, 0.0, "tempo", "Presto"),
        *[(float(2 + b), 2.0 + b, "tempo", ("più mosso", "ancora più mosso")[b % 2]) for b in range(5000)],
    )
    music = score({}, {}, {}, directions=words)
    assert stated_tempos(music)["quarter_bpm"].max() == 600
    assert np.isfinite(perform(music).notes["onset_s"]).all()


def test_a_comparison_that_is_said_again_adds_nothing() -> None:
    words = directions(
        (0.0, 0.0, "tempo", "Allegro"), (4.0, 4.0, "words", "sempre più animato"),
        (8.0, 8.0, "words", "sempre più animato"), (12.0, 12.0, "tempo", "Adagio"),
        (16.0, 16.0, "words", "sempre più animato"),
    )  # fmt: skip
    stated = stated_tempos(score({}, directions=words))
    assert stated["onset_beat"].tolist() == [0, 4, 12, 16]
    np.testing.assert_allclose(stated["quarter_bpm"], [132, 1.2 * 132, 66, 1.2 * 66])


@pytest.mark.parametrize("word", ["riten.", "rit", "poco rall.", "ritardando", "ten", "tenuto", "allargando"])
@pytest.mark.parametrize(
    ("after", "until", "then"),
    [(None, 20.0, 120), ("a tempo", 12.0, 120), ("Tempo I", 12.0, 100), ("più mosso", 12.0, 144)],
)
def test_a_slower_mark_at_a_ritardando_is_no_tempo_of_a_section(
    word: str, after: str | None, until: float, then: float
) -> None:
    marks = np.array([(0.0, 100.0), (4.0, 120.0), (8.0, 50.0), (40.0, 90.0)], TEMPO)
    rows = [(7.5, 7.5, "ritardando", word)] + ([(12.0, 12.0, "tempo", after)] if after else [])
    stated = stated_tempos(score({}, tempos=marks, directions=directions(*rows)))
    expected = [(0, 100), (4, 120), (8, 50), (until, then), (40, 90)]
    np.testing.assert_allclose(stated.tolist(), expected)


@pytest.mark.parametrize(
    ("bpm", "rows"),
    [
        (105.0, [(8.0, 8.0, "ritardando", "rit.")]),  # hardly slower
        (50.0, [(4.0, 4.0, "ritardando", "rit.")]),  # not beside it
        (50.0, [(8.0, 8.0, "ritardando", "rit."), (8.0, 8.0, "tempo", "Adagio")]),
        (50.0, [(8.0, 8.0, "words", "intenso")]),
    ],
)
def test_other_slower_marks_hold(bpm: float, rows: list[tuple]) -> None:
    marks = np.array([(0.0, 120.0), (8.0, bpm)], TEMPO)
    assert stated_tempos(score({}, tempos=marks, directions=directions(*rows))).tolist() == marks.tolist()


def test_slowings_upon_slowings_lead_back_to_the_tempo_before_them() -> None:
    marks = np.array([(0.0, 120.0), (8.0, 90.0), (10.0, 60.0)], TEMPO)
    words = directions((8.0, 8.0, "ritardando", "rit."), (10.0, 10.0, "ritardando", "molto rit."))
    stated = stated_tempos(score({}, tempos=marks, directions=words))
    assert stated.tolist() == [(0, 120), (8, 90), (10, 60), (22, 120)]


def test_a_repeat_goes_as_it_went_the_first_time() -> None:
    """Bars 1 to 4 of four beats, 3 and 4 again, then on: what is faster there is no faster still the second time."""
    measures = np.array([(4.0 * i, n) for i, n in enumerate((1, 2, 3, 4, 3, 4, 5))], MEASURE)
    for place in (8.0, 13.0):  # where the repeat begins, and within it
        words = directions(
            (0.0, 0.0, "tempo", "Allegro"), (place, place, "tempo", "più mosso"),
            (place + 8, place + 8, "tempo", "più mosso"), (24.0, 24.0, "tempo", "ancora più mosso"),
        )  # fmt: skip
        notes = [{} for _ in range(28)]
        stated = stated_tempos(score(*notes, measures=measures, directions=words))
        at = np.searchsorted(stated["onset_beat"], [0, place, 16, place + 8, 24], side="right") - 1
        began = 132 if place > 8 else 1.2 * 132
        np.testing.assert_allclose(stated["quarter_bpm"][at], [132, 1.2 * 132, began, 1.2 * 132, 1.44 * 132])


def test_bars_that_are_counted_anew_are_no_repeat() -> None:
    measures = np.array([(4.0 * i, n) for i, n in enumerate((1, 2, 1, 2))], MEASURE)
    words = directions(
        (0.0, 0.0, "tempo", "Allegro"), (4.0, 4.0, "tempo", "più mosso"), (8.0, 8.0, "tempo", "Adagio"),
        (12.0, 12.0, "tempo", "ancora più mosso"),
    )  # fmt: skip
    stated = stated_tempos(score(*[{} for _ in range(16)], measures=measures, directions=words))
    np.testing.assert_allclose(stated["quarter_bpm"], [132, 1.2 * 132, 66, 1.2 * 66])


def test_a_comparison_with_nothing_says_nothing() -> None:
    assert len(stated_tempos(score({}, directions=directions((0.0, 0.0, "tempo", "più mosso"))))) == 0


@pytest.mark.parametrize("bpm", [30.0, 100.0, 333.0])
def test_bpm_is_the_mean_tempo_and_keeps_proportions(bpm: float) -> None:
    tempos = np.array([(0.0, 60.0), (2.0, 120.0)], TEMPO)
    performance = perform(score({}, {}, {}, {}, tempos=tempos), bpm=bpm)
    assert 60 * 4 / performance.end_s == pytest.approx(bpm)
    gaps = np.diff(performance.notes["onset_s"])
    assert gaps[0] / gaps[2] == pytest.approx(2.0)


def test_dynamics_set_the_velocity_from_where_they_stand() -> None:
    marks = directions((2.0, 2.0, "dynamic", "p"), (4.0, 4.0, "dynamic", "ff"))
    assert perform(score(*[{}] * 5, directions=marks)).notes["velocity"].tolist() == [64, 64, 36, 36, 96]


def test_the_softest_and_the_loudest_dynamics_have_levels_of_their_own() -> None:
    signs = ("n", "pppppp", "ppppp", "pppp", "mf", "pf", "f", "ffff", "fffff", "ffffff", "sfzp")
    marks = directions(*[(beat, beat, "dynamic", sign) for beat, sign in enumerate(signs)])
    velocity = perform(score(*[{}] * (len(signs) + 1), directions=marks)).notes["velocity"].tolist()
    assert sorted(set(velocity[:10])) == velocity[:10]
    assert velocity[-1] == LEVELS["p"] < velocity[-2]


def test_a_first_dynamic_soon_after_the_beginning_holds_from_there() -> None:
    marks = directions((1.0, 1.0, "dynamic", "p"))
    assert perform(score({}, {}, directions=marks)).notes["velocity"].tolist() == [36, 36]


def test_dynamics_of_one_staff_hold_for_the_other_where_it_has_none_beside_them() -> None:
    rows = [(0, 0, "dynamic", "p", 0, 1), (2, 2, "dynamic", "f", 0, 1), (2, 2, "dynamic", "pp", 0, 2)]
    rows += [(4, 4, "dynamic", "ff", 0, 1), (1, 1, "dynamic", "sf", 0, 2)]
    hands = ({"staff": 2, "pitch": 50}, {"staff": 1, "pitch": 60})
    both = [{"onset_beat": float(beat), **hand} for beat in range(5) for hand in hands]
    notes = perform(score(*both, directions=np.array(rows, DIRECTION))).notes
    assert notes["velocity"][1::2].tolist() == [36, 36, 80, 80, 96]
    assert notes["velocity"][0::2].tolist() == [36, 56, 22, 22, 96]


def test_hairpins_upon_hairpins_stay_among_the_levels_that_there_are() -> None:
    marks = directions((0, 0, "dynamic", "pp"), *[(beat, beat + 1, "diminuendo", "") for beat in range(9)])
    velocity = perform(score(*[{}] * 10, directions=marks)).notes["velocity"]
    assert velocity.min() == LEVELS["pppp"]


@pytest.mark.parametrize(("kind", "least", "most"), [("crescendo", 64, 85), ("diminuendo", 43, 64)])
def test_hairpins_that_lead_nowhere_gain_a_level_and_a_half_at_most(kind: str, least: int, most: int) -> None:
    marks = directions((0, 0, "dynamic", "mf"), *[(beat, beat + 1, kind, "") for beat in range(5)])
    velocity = perform(score(*[{}] * 8, directions=marks)).notes["velocity"]
    assert (velocity.min(), velocity.max()) == (least, most)
    back = np.array(sorted([*marks.tolist(), *directions((6, 6, "dynamic", "p")).tolist()]), DIRECTION)
    assert perform(score(*[{}] * 8, directions=back)).notes["velocity"][6:].tolist() == [36, 36]


def test_a_hairpin_leads_to_the_next_dynamic() -> None:
    marks = directions((0, 0, "dynamic", "p"), (0, 4, "crescendo", ""), (4, 4, "dynamic", "f"))
    velocity = perform(score(*[{}] * 6, directions=marks)).notes["velocity"]
    assert velocity.tolist() == [36, 47, 58, 69, 80, 80]


def test_a_hairpin_to_nowhere_gains_one_level_and_holds_it() -> None:
    marks = directions((0, 0, "dynamic", "f"), (0, 2, "diminuendo", ""))
    assert perform(score(*[{}] * 4, directions=marks)).notes["velocity"].tolist() == [80, 73, 66, 66]


def test_accents_hold_for_their_own_onset() -> None:
    marks = directions((1, 1, "dynamic", "sfz"), (2, 2, "dynamic", "fp"))
    velocity = perform(score({}, {}, {}, {}, {"marks": int(Mark.ACCENT)}, directions=marks)).notes["velocity"]
    assert velocity.tolist() == [64, 84, 56, 36, 48]


def test_velocities_of_a_score_midi_are_taken() -> None:
    assert perform(score({"velocity": 93}, {})).notes["velocity"].tolist() == [93, 64]


@pytest.mark.parametrize(
    ("marks", "share"),
    [
        (Mark.STACCATO, 0.5),
        (Mark.STACCATISSIMO, 0.25),
        (Mark.TENUTO, 1.0),
        (Mark.STACCATO | Mark.TENUTO, 0.75),
        (Mark.STACCATO | Mark.ACCENT, 0.5),
    ],
)
def test_articulation_shortens(marks: Mark, share: float) -> None:
    assert perform(score({"marks": int(marks)})).notes["duration_s"][0] == pytest.approx(0.5 * share)


def test_short_graces_come_before_the_beat_in_their_order() -> None:
    grace = {"onset_beat": 1.0, "duration_beat": 0.0, "grace": 1}
    played = perform(score({}, {**grace, "pitch": 62}, {**grace, "pitch": 61}, {"onset_beat": 1.0, "pitch": 64})).notes
    assert played["onset_s"].tolist() == pytest.approx([0.0, 0.34, 0.42, 0.5])
    assert (played["duration_s"] > 0).all()


def test_short_graces_before_the_first_beat_delay_the_piece() -> None:
    grace = {"onset_beat": 0.0, "duration_beat": 0.0, "grace": 1}
    played = perform(score(grace, {"onset_beat": 0.0})).notes
    assert played["onset_s"].tolist() == pytest.approx([0.0, 0.08])


def test_a_long_grace_takes_half_of_its_note() -> None:
    grace = {"onset_beat": 0.0, "duration_beat": 0.0, "grace": 2}
    played = perform(score(grace, {"onset_beat": 0.0, "pitch": 62})).notes
    assert played["onset_s"].tolist() == pytest.approx([0.0, 0.25])
    assert played["duration_s"].tolist() == pytest.approx([0.25, 0.25])


def test_a_group_of_graces_is_short_whatever_its_slash() -> None:
    grace = {"onset_beat": 1.0, "duration_beat": 0.0, "grace": 2}
    played = perform(score({}, grace, grace, grace, {"onset_beat": 1.0})).notes
    assert played["onset_s"][4] == 0.5
    assert (np.diff(played["onset_s"]) > 0).all()


def test_a_pickup_starts_at_zero_and_a_rest_is_waited_for() -> None:
    assert perform(score({"onset_beat": -1.0}, {})).notes["onset_s"].tolist() == [0.0, 1.0]
    assert perform(score({"onset_beat": 2.0})).notes["onset_s"].tolist() == [1.0]


def test_pedal_marks_move_the_pedal() -> None:
    controls = perform(score({}, {}, {}, directions=directions((0, 1, "pedal", ""), (1, 2, "pedal", "")))).controls
    assert controls["number"].tolist() == [SUSTAIN] * 4
    assert controls["time_s"].tolist() == [0.0, 0.5, 0.5, 1.0]
    assert controls["value"].tolist() == [127, 0, 127, 0]  # up before down where the pedal is changed


def test_every_note_is_played_once_in_score_order(example: bytes) -> None:
    from perfsynth import formats

    read = formats.read_score(example)
    performance = perform(read)
    assert performance.notes["note_id"].tolist() == read.notes["note_id"].tolist()
    assert performance.notes["pitch"].tolist() == read.notes["pitch"].tolist()
    assert performance.end_s == pytest.approx(96.0)  # 192 quarters at 120
    assert [step.model for step in performance.history] == ["musicxml", "deadpan"]


def test_nothing_to_play_and_nobody_to_play_it() -> None:
    with pytest.raises(InputError, match="no notes"):
        perform(score())
    with pytest.raises(UsageError, match="no-such-model"):
        perform(score({}), model="no-such-model")
