"""``deep-performer-align``: the network of the paper, its segments, and that it learns."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth import formats
from perfsynth.errors import UsageError
from perfsynth.perform.core import perform
from perfsynth.perform.deep_performer_align import (
    FRAME_S,
    OVERLAP,
    SEGMENT,
    STEPS_PER_BEAT,
    Config,
    DeepPerformerAlign,
    segment_notes,
)
from perfsynth.train.checkpoint import to_toml
from perfsynth.train.deep_performer_align import DeepPerformerAlignTask, Pair, squared_errors, stacked
from perfsynth.types import Score

SMALL = Config(width=32, layers=1, heads=2, feed_forward=32, dropout=0.0, pianists=("Ann", "Ben"))


@pytest.fixture(scope="module")
def score(example: bytes) -> Score:
    return formats.read_score(example)


def saved(folder: Path, network: DeepPerformerAlign) -> str:
    from safetensors.torch import save_file

    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    table = {"system": "deep-performer-align", "model": asdict(network.config)}
    (folder / "config.toml").write_text(to_toml(table))
    return str(folder)


def network(*, steady: bool = False) -> DeepPerformerAlign:
    torch.manual_seed(0)
    made = DeepPerformerAlign(SMALL)
    if steady:
        torch.nn.init.zeros_(made.out.weight)
        torch.nn.init.zeros_(made.out.bias)
    return made


def test_the_network_has_the_layers_and_the_width_of_the_paper() -> None:
    made = DeepPerformerAlign(Config(pianists=("Ann", "Ben")))
    assert (len(made.encoder.layers), made.config.width) == (3, 128)
    assert made.pianist.num_embeddings == 3
    assert 0.5e6 < sum(p.numel() for p in made.parameters()) < 0.8e6


def test_what_strays_from_nothing_is_the_tempo(score: Score, tmp_path: Path) -> None:
    made = perform(score, model="deep-performer-align", weights=saved(tmp_path, network(steady=True)), bpm=120.0)
    np.testing.assert_array_equal(made.notes["note_id"], score.notes["note_id"])
    beat = np.rint((score.notes["onset_beat"] - score.notes["onset_beat"].min()) * STEPS_PER_BEAT) / STEPS_PER_BEAT
    np.testing.assert_allclose(made.notes["onset_s"], beat * 0.5, atol=FRAME_S)
    assert set(made.notes["velocity"]) == {64}


def test_segments_meet_without_a_jump(score: Score, tmp_path: Path) -> None:
    assert len(score.notes) > SEGMENT + OVERLAP
    late = network(steady=True)
    with torch.no_grad():  # three quarter notes late, wherever a segment begins
        late.out.bias[0] = 3.0
    made = perform(score, model="deep-performer-align", weights=saved(tmp_path, late), bpm=100.0)
    beat = np.rint((score.notes["onset_beat"] - score.notes["onset_beat"].min()) * STEPS_PER_BEAT) / STEPS_PER_BEAT
    np.testing.assert_allclose(made.notes["onset_s"], 0.6 * beat, atol=FRAME_S)


def test_padding_changes_nothing(score: Score) -> None:
    made = network().eval()
    notes = torch.from_numpy(segment_notes(score.notes[:20]))[None]
    more = torch.cat([notes, torch.full((1, 5, 3), 7)], dim=1)
    who, rate = torch.tensor([1]), torch.tensor([1.5])
    alone = made(notes, who, rate, torch.zeros(1, 20, dtype=torch.bool))
    padded = torch.arange(25)[None] >= 20
    assert torch.allclose(made(more, who, rate, padded)[:, :20], alone, atol=1e-4)


def test_it_learns_one_batch_by_heart(score: Score) -> None:
    rows = score.notes[:120]
    rng = np.random.default_rng(0)
    beat = rows["onset_beat"] - rows["onset_beat"][0]
    slow = np.interp(beat, [0, beat.max() / 2, beat.max()], [0, 0.35 * beat.max(), 0.6 * beat.max()])
    pair = Pair(rows, slow, rows["duration_beat"] * rng.uniform(0.3, 0.6, len(rows)), "Ann")
    batch = stacked([(pair, 0)], SMALL.pianists)
    made = network()
    optimizer = torch.optim.Adam(made.parameters(), 3e-3)
    losses = []
    for _ in range(250):
        onset, duration = squared_errors(made, batch)
        optimizer.zero_grad()
        (onset + duration).backward()
        optimizer.step()
        losses.append((float(onset.detach()), float(duration.detach())))
    assert losses[-1][0] < 0.2 * losses[0][0]
    assert losses[-1][1] < 0.35 * losses[0][1]


def test_errors_are_those_of_the_notes_there_are(score: Score) -> None:
    rows = score.notes[:60]
    pair = Pair(rows, 0.5 * rows["onset_beat"], 0.4 * np.maximum(rows["duration_beat"], 0.1), "Ben")
    made = network(steady=True).eval()
    notes, who, rate, padded, frames = stacked([(pair, 0)], SMALL.pianists)
    with torch.inference_mode():
        errors = squared_errors(made, (notes, who, rate, padded, frames))
        alone = squared_errors(made, (notes[:, :60], who, rate, padded[:, :60], frames[:, :60]))
        missed = made(notes[:, :60], who, rate, padded[:, :60])[..., 1] - frames[:, :60, 1]
    assert float(errors[1]) == pytest.approx(float((missed**2).mean()), rel=1e-4)
    assert [float(e) for e in errors] == pytest.approx([float(e) for e in alone], rel=1e-4)


def test_validation_weighs_each_note_alike(score: Score) -> None:
    rows = score.notes[:60]
    pairs = [
        Pair(rows[:n], 0.5 * rows["onset_beat"][:n], late * np.maximum(rows["duration_beat"][:n], 0.1), "Ben")
        for late, n in ((0.4, 60), (2.0, 33))
    ]
    made = network(steady=True).eval()
    task = object.__new__(DeepPerformerAlignTask)
    task.config, task.held_out = SMALL, [pairs[0]] * 16 + [pairs[1]]
    missed = []
    for pair in task.held_out:
        notes, who, rate, padded, frames = stacked([(pair, 0)], SMALL.pianists)
        n = len(pair.notes)
        with torch.inference_mode():
            missed.append(made(notes, who, rate, padded)[0, :n, 1] - frames[0, :n, 1])
    expected = float((torch.cat(missed) ** 2).mean()) ** 0.5 * FRAME_S * 1000
    assert task.validate(made)["valid_duration_ms"] == pytest.approx(expected, rel=1e-4)


def test_a_segment_may_begin_anywhere_in_time(score: Score) -> None:
    rows = score.notes[:60]
    pair = Pair(rows, 0.5 * rows["onset_beat"], 0.4 * np.maximum(rows["duration_beat"], 0.1), "Ben")
    later = replace(pair, onset_s=pair.onset_s + 100.0)
    made = network()
    errors = [squared_errors(made, stacked([(one, 0)], SMALL.pianists)) for one in (pair, later)]
    assert float(errors[0][0].detach()) == pytest.approx(float(errors[1][0].detach()), rel=1e-3)


def test_a_pianist_that_is_not_known_is_refused(score: Score, tmp_path: Path) -> None:
    weights = saved(tmp_path, network())
    with pytest.raises(UsageError, match="pianist 'Eve': this network knows Ann, Ben"):
        perform(score, model="deep-performer-align", weights=weights, pianist="Eve")
