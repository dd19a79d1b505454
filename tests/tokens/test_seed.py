"""The seed's vocabulary: exact up to the quantisation it states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.tokens import seed
from perfsynth.tokens.core import detokenize, tokenize
from perfsynth.types import CONTROL, PERFORMED_NOTE, Part, Performance, Tokens
from tests.strategies import performances

TICK_S = 1 / 192


def played(*rows: tuple[float, float, int, int]) -> Performance:
    return Performance(np.array([("", *row, 0) for row in rows], PERFORMED_NOTE))


def test_tokens_worked_out_by_hand() -> None:
    # Ticks 0, 96 and 96 + 384 + 3; every id is its value + 4.
    tokens = tokenize(played((0.0, 1.0, 60, 2), (0.5, 0.25, 21, 127), (483 * TICK_S, 9.0, 108, 64)))
    assert tokens.fields == ("pitch", "velocity", "duration", "ioi", "position", "bar")
    assert tokens.ids.tolist() == [
        [60 - 21 + 4, 0 + 4, 192 - 1 + 4, 384 + 4, 0 + 4, 0 + 4],
        [0 + 4, 63 + 4, 48 - 1 + 4, 384 + 96 + 4, 96 + 4, 0 + 4],
        [87 + 4, 31 + 4, 1152 - 1 + 4, 384 + 383 + 4, 99 + 4, 1 + 4],
    ]
    assert all((tokens.ids < [seed.SIZES[field] for field in seed.FIELDS]).all(axis=0))


def test_velocity_bins_are_the_nearest_of_64() -> None:
    assert seed.VELOCITIES[[0, -1]].tolist() == [127 / 64, 127.0]
    assert seed.nearest_bin(np.array([1, 127, 64])).tolist() == [0, 63, 31]
    every = np.arange(1, 128)
    assert np.abs(seed.VELOCITIES[seed.nearest_bin(every)] - every).max() <= 127 / 128


def test_every_token_of_every_field_is_decoded_and_encoded_to_itself() -> None:
    n_rows = seed.MAX_DURATION
    values = np.arange(n_rows)
    onset = values * 999  # ascending, over all positions and most bars
    ids = np.zeros((n_rows, 6), np.int32)
    ids[:, :3] = np.stack([values % 88, values % 64, values], axis=1) + 4
    ids[:, 3] = np.append(384, np.full(n_rows - 1, 384 + 383)) + 4
    ids[:, 4], ids[:, 5] = onset % 384 + 4, onset // 384 + 4
    back = tokenize(detokenize(Tokens(ids, seed.FIELDS, "seed")))
    assert np.array_equal(back.ids, ids)


def test_the_last_tick_of_100_minutes_has_a_token() -> None:
    tokens = tokenize(played((6000 - TICK_S, 1.0, 60, 64)))
    assert tokens.ids[0, 4:].tolist() == [387, 3003]
    assert detokenize(tokens).notes["onset_s"].tolist() == [6000 - TICK_S]


@settings(max_examples=60, deadline=None)
@given(performances(low=21, high=108, n_parts=1))
def test_a_round_trip_is_exact_up_to_the_grid(performance: Performance) -> None:
    back = detokenize(tokenize(performance)).notes
    ticks = np.rint(performance.notes["onset_s"] * 192)
    sent = performance.notes[np.lexsort([performance.notes["pitch"], ticks])]
    assert np.array_equal(back["pitch"], sent["pitch"])
    assert np.abs(back["onset_s"] - sent["onset_s"]).max() <= TICK_S / 2 + 1e-9
    assert np.abs(back["velocity"] - sent["velocity"]).max() <= 1
    bounded = np.clip(sent["duration_s"], TICK_S, 6.0)
    assert np.abs(back["duration_s"] - bounded).max() <= TICK_S / 2 + 1e-9


@settings(max_examples=60, deadline=None)
@given(performances(low=21, high=108, n_parts=1))
def test_the_second_round_trip_changes_nothing(performance: Performance) -> None:
    once = detokenize(tokenize(performance))
    assert detokenize(tokenize(once)).notes.tolist() == once.notes.tolist()
    assert tokenize(once).ids.tolist() == tokenize(performance).ids.tolist()


def test_onsets_do_not_drift_over_an_hour() -> None:
    onsets = np.arange(0, 3600, 0.1231)
    notes = np.zeros(len(onsets), PERFORMED_NOTE)
    notes["onset_s"], notes["duration_s"], notes["pitch"], notes["velocity"] = onsets, 0.1, 60, 64
    back = detokenize(tokenize(Performance(notes))).notes
    assert np.abs(back["onset_s"] - onsets).max() <= TICK_S / 2 + 1e-9


def test_a_models_output_is_read_by_its_ioi() -> None:
    tokens = tokenize(played((1.0, 1.0, 60, 64), (1.5, 1.0, 62, 64), (1.25, 1.0, 64, 64)))
    ids = tokens.ids.copy()
    ids[1:, 4:] = 4  # no bars and positions, as a model leaves them
    assert seed.decode(Tokens(ids, tokens.fields, "seed"), onsets="ioi").notes["onset_s"].tolist() == [1.0, 1.25, 1.5]


def test_no_onset_is_before_the_beginning_whatever_a_model_says() -> None:
    ids = tokenize(played((0.0, 1.0, 60, 64), (0.5, 1.0, 62, 64))).ids.copy()
    ids[1, 3] = 384 - 383 + 4  # two seconds before the first
    assert seed.decode(Tokens(ids, seed.FIELDS, "seed"), onsets="ioi").notes["onset_s"].tolist() == [0.0, 0.0]


@example(253)
@example(254)
@example(255)
@given(st.integers(1, 700))
def test_blocks_hold_all_notes_between_bos_and_eos(n_notes: int) -> None:
    ids = np.arange(4, 4 + n_notes, dtype=np.int32)[:, None].repeat(6, axis=1)
    blocks = seed.to_blocks(ids)
    flat = blocks.reshape(-1, 6)
    assert blocks.shape == (-(-(n_notes + 2) // 256), 256, 6)
    assert (flat[0, 0], flat[n_notes + 1, 0]) == (seed.BOS, seed.EOS)
    assert (flat[n_notes + 2 :] == seed.PAD).all()
    assert np.array_equal(flat[1 : n_notes + 1], ids)


def test_pedals_are_dropped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    controls = np.array([(0.0, 64, 127, 0)], CONTROL)
    tokenize(Performance(played((0.0, 1.0, 60, 64)).notes, controls))
    assert "no pedal" in caplog.text


def test_notes_longer_than_any_token_are_cut_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    tokens = tokenize(played((0.0, 30.0, 60, 64), (0.0, 6.0, 62, 64)))
    assert detokenize(tokens).notes["duration_s"].tolist() == [6.0, 6.0]
    assert "ends at 6 s: 1 longer notes are cut" in caplog.text


def test_parts_become_one_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    notes = np.array([("", 0.0, 1.0, 60, 64, 0), ("", 0.0, 1.0, 62, 64, 1)], PERFORMED_NOTE)
    assert len(tokenize(Performance(notes, parts=(Part(), Part()))).ids) == 2
    assert "2 parts" in caplog.text


@pytest.mark.parametrize(
    ("performance", "words"),
    [
        (played(), "no notes"),
        (played((0.0, 1.0, 20, 64)), "pitch 20"),
        (played((0.0, 1.0, 109, 64)), "pitch 109"),
        (played((6000.0, 1.0, 60, 64)), "100 min"),
        (played((-1.0, 1.0, 60, 64)), "negative"),
    ],
)
def test_what_has_no_token_is_refused(performance: Performance, words: str) -> None:
    with pytest.raises(InputError, match=words):
        tokenize(performance)


def test_ids_that_are_no_tokens_are_refused() -> None:
    for wrong in ([3, 5, 5, 5, 5, 5], [96, 5, 5, 5, 5, 5]):
        with pytest.raises(InputError, match="note 1: pitch"):
            detokenize(Tokens(np.array([wrong], np.int32), seed.FIELDS, "seed"))
    with pytest.raises(InputError, match="no tokens"):
        detokenize(Tokens(np.zeros((0, 6), np.int32), seed.FIELDS, "seed"))
    with pytest.raises(InputError, match="vocabulary 'other'"):
        detokenize(Tokens(np.zeros((1, 6), np.int32), seed.FIELDS, "other"))
    with pytest.raises(InputError, match="fields"):
        detokenize(Tokens(np.zeros((1, 1), np.int32), ("pitch",), "seed"))
