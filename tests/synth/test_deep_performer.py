"""Deep Performer's synthesis model: its size, its mixer, clips that overlap, pedals."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth.errors import InputError, UsageError
from perfsynth.synth import deep_performer
from perfsynth.synth.deep_performer import CLIP, FLOOR_LN, FRAME_S, PRESET, clip_notes, notes_of
from perfsynth.synth.deep_performer_network import Config, DeepPerformer, Notes, mix, rolls
from perfsynth.synth.roll import sounding
from perfsynth.synth.spectrogram import synthesize_spectrogram
from perfsynth.train.checkpoint import to_toml
from perfsynth.types import SUSTAIN, Part
from tests.synth.modal_instrument import played

SMALL = Config(width=16, encoder_layers=1, decoder_layers=1, inner=32, kernel=3, instruments=("here", "there"))


def network(config: Config = SMALL) -> DeepPerformer:
    torch.manual_seed(0)
    made = DeepPerformer(config)
    with torch.no_grad():
        made.slope.normal_()
    return made.eval()


def saved(made: DeepPerformer, folder: Path) -> str:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in made.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.toml").write_text(to_toml({"system": "deep-performer", "model": asdict(made.config)}))
    return str(folder)


@pytest.mark.parametrize(("inner", "kernel", "millions"), [(1024, 9, 12.45), (512, 1, 1.83)])
def test_the_sizes_of_the_paper(inner: int, kernel: int, millions: float) -> None:
    n_parameters = sum(p.numel() for p in DeepPerformer(Config(inner=inner, kernel=kernel)).parameters())
    assert n_parameters / 1e6 == pytest.approx(millions, abs=0.005)


def drawn(rng: np.random.Generator, size: int = 2, n_notes: int = 7) -> Notes:
    begin = torch.from_numpy(rng.uniform(-20, 50, (size, n_notes)).astype(np.float32))
    length = torch.from_numpy(rng.uniform(0, 40, (size, n_notes)).astype(np.float32))
    pitch, velocity = (torch.from_numpy(rng.integers(21, 109, (size, n_notes))) for _ in range(2))
    padded = torch.arange(n_notes)[None] >= torch.from_numpy(rng.integers(1, n_notes + 1, size))[:, None]
    return Notes(pitch, velocity, begin, begin + length, padded)


@pytest.mark.parametrize("seed", range(5))
def test_the_mixer_is_the_sum_over_the_notes_that_sound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    notes, n_frames = drawn(rng), 40
    x, slope = (torch.from_numpy(rng.normal(size=shape)) for shape in ((2, 7, 5), (5,)))
    plain = torch.zeros(2, n_frames, 5, dtype=torch.double)
    for b in range(2):
        for i in range(7):
            begin, end = float(notes.begin[b, i]), float(notes.end[b, i])
            for t in range(n_frames):
                if round(begin) <= t < max(round(end), round(begin) + 1) and not notes.padded[b, i]:
                    plain[b, t] += (1 + (t - begin) / max(end - begin, 1.0) * slope) * x[b, i]
    assert plain.any()
    assert float((mix(x, notes, slope, n_frames) - plain).abs().max()) < 1e-9
    assert float((mix(x.float(), notes, slope.float(), n_frames) - plain).abs().max()) < 1e-4


def test_the_shortest_note_sounds_in_the_frame_where_it_begins() -> None:
    begin = torch.tensor([[-0.9, 10.2, 10.6, 19.3, 19.7]])
    times = begin, begin + 0.2, torch.zeros(1, 5, dtype=torch.bool)
    notes = Notes(torch.full((1, 5), 60), torch.full((1, 5), 90), *times)
    sounds = mix(torch.ones(1, 5, 1), notes, torch.zeros(1), 20)[0, :, 0]
    assert sounds.nonzero()[:, 0].tolist() == [10, 11, 19]


def test_the_mixer_takes_a_thousand_frames_and_notes_in_one_go() -> None:
    notes = drawn(np.random.default_rng(1), 1, 1000)
    assert mix(torch.ones(1, 1000, 3), notes, torch.zeros(3), 1000).shape == (1, 1000, 3)


def test_rolls_have_velocities_and_fall_from_one_to_zero() -> None:
    notes = Notes(
        *(torch.tensor([[v]]) for v in (60, 127)), *(torch.tensor([[v]]) for v in (2.0, 6.0)), torch.tensor([[False]])
    )
    made = rolls(notes, 8)[0]
    assert made[:, 60].tolist() == pytest.approx([0, 0, 1, 1, 1, 1, 0, 0])
    assert made[:, 128 + 60].tolist() == pytest.approx([0, 0, 1, 0.75, 0.5, 0.25, 0, 0], abs=1e-6)
    assert float(made.sum()) == pytest.approx(6.5)


def test_neighbouring_velocities_sound_alike() -> None:
    made, table = network(), sounding(played((0.0, 0.5, 60, 64)))
    tables = [table.copy() for _ in range(3)]
    for given, velocity in zip(tables, (64, 65, 104), strict=True):
        given["velocity"] = velocity
    with torch.no_grad():
        as_is, near, far = made(notes_of(tables), torch.zeros(3, dtype=torch.int64), 40)
    assert 0 < float((near - as_is).abs().mean()) < 0.15 * float((far - as_is).abs().mean())


@pytest.mark.parametrize("config", [SMALL, replace(SMALL, encoder=False), replace(SMALL, performer=False)])
def test_a_clip_does_not_hear_its_neighbours_in_the_batch(config: Config) -> None:
    made = network(config)
    notes = drawn(np.random.default_rng(3), 3)
    numbers = torch.tensor([0, 1, 1])
    alone = Notes(**{name: value[1:2] for name, value in vars(notes).items()})
    with torch.no_grad():
        together = made(notes, numbers, 30)
        assert together.shape == (3, 30, 80)
        assert float((made(alone, numbers[1:2], 30)[0] - together[1]).abs().max()) < 1e-4


def test_ablations_leave_out_what_they_say() -> None:
    notes, numbers = drawn(np.random.default_rng(4)), torch.tensor([0, 0])
    with torch.no_grad():
        for config, makes_a_difference in ((SMALL, True), (replace(SMALL, note_position=False), False)):
            made = network(config)
            before = made(notes, numbers, 30)
            made.slope += 1.0
            assert bool((made(notes, numbers, 30) - before).abs().max() > 1e-4) == makes_a_difference
        for config, makes_a_difference in ((SMALL, True), (replace(SMALL, performer=False), False)):
            made = network(config)
            other = made(notes, numbers + 1, 30)
            assert bool((made(notes, numbers, 30) - other).abs().max() > 1e-4) == makes_a_difference


def test_it_learns_one_batch_by_heart() -> None:
    made = network().train()
    notes, numbers = drawn(np.random.default_rng(5)), torch.tensor([0, 1])
    wanted = torch.randn(2, 1, 80, generator=torch.Generator().manual_seed(0)).expand(2, 30, 80) - 6
    optimizer = torch.optim.Adam(made.parameters(), 1e-2)
    costs = []
    for _ in range(80):
        loss = ((made(notes, numbers, 30) - wanted) ** 2).mean()
        costs.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert costs[-1] < 0.15 * costs[0]


def test_the_pedal_holds_notes_until_it_comes_up_or_the_key_is_struck_again() -> None:
    pedal = [(0.5, SUSTAIN, 127, 0), (2.0, SUSTAIN, 0, 0)]
    performance = played((0.0, 0.1, 60, 80), (0.6, 0.1, 62, 80), (1.0, 0.1, 64, 80), (1.5, 1.0, 64, 80), controls=pedal)
    table = sounding(performance)
    assert table["end_s"].tolist() == pytest.approx([0.1, 2.0, 1.5, 2.5])
    assert sounding(played((0.0, 0.1, 60, 80), controls=[(0.05, SUSTAIN, 100, 0)]))["end_s"] == pytest.approx(0.1)


def test_odd_notes(caplog: pytest.LogCaptureFixture) -> None:
    performance = replace(played((0.0, 0.1, 0, 80), (np.nan, 1.0, 60, 80), (1.0, 0.0, 127, 80)), parts=(Part(),))
    with caplog.at_level(logging.WARNING, "perfsynth"):
        table = sounding(performance)
    assert table["pitch"].tolist() == [0, 127]
    assert "1 notes" in caplog.text


def test_too_many_notes_for_attention(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(deep_performer, "MOST_NOTES", 3)
    table = sounding(played(*((0.1 * i, 0.5, 50 + i, 20 + i) for i in range(9))))
    with caplog.at_level(logging.WARNING, "perfsynth"):
        assert clip_notes(table, 0.0)["velocity"].tolist() == [26, 27, 28]
    assert "3 loudest" in caplog.text


def test_long_pieces_have_no_seam_and_silence_is_silent(tmp_path: Path) -> None:
    weights = saved(network(), tmp_path)
    performance = played(*((0.5 * i, 0.5, 60, 80) for i in range(30)), (60.0, 1.0, 60, 80))
    made = synthesize_spectrogram(performance, model="deep-performer", weights=weights)
    assert made.preset == PRESET.name
    assert made.values.shape == (80, round(63.0 / FRAME_S) + 1)
    silent = slice(round(18 / FRAME_S), round(59 / FRAME_S))
    assert np.all(made.values[:, silent] == np.float32(FLOOR_LN))
    inside = made.values[:, 10 : round(14.5 / FRAME_S)]
    assert (inside > FLOOR_LN).any()
    jumps = np.abs(np.diff(inside, axis=1)).mean(axis=0)
    borders = np.array([248, 312, 496, 560]) - 10  # where clips begin and end
    assert max(jumps[b - 2 : b + 2].max() for b in borders) <= np.percentile(jumps, 99) * 1.5


def test_a_sound_that_is_cut_off_fades(tmp_path: Path) -> None:
    performance = played((0.0, 0.5, 60, 80))
    values = synthesize_spectrogram(performance, model="deep-performer", weights=saved(network(), tmp_path)).values
    level = values.mean(axis=0)
    assert level[-10] > FLOOR_LN + 1
    assert (values[:, -2:] == FLOOR_LN).all()
    assert level[-10] > level[-5] > level[-3] > FLOOR_LN


def test_instruments(tmp_path: Path) -> None:
    weights = saved(network(), tmp_path)
    performance = played((0.0, 1.0, 60, 80))
    here, there = (
        synthesize_spectrogram(performance, model="deep-performer", weights=weights, instrument=name).values
        for name in ("here", "there")
    )
    assert np.abs(here - there).max() > 1e-3
    with pytest.raises(UsageError, match="here, there"):
        synthesize_spectrogram(performance, model="deep-performer", weights=weights, instrument="nowhere")
    with pytest.raises(InputError, match="nowhere"):
        synthesize_spectrogram(performance, model="deep-performer", weights=str(tmp_path / "nowhere"))


def test_clips_know_the_notes_that_sound_in_them() -> None:
    table = sounding(played((0.0, 0.1, 60, 80), (1.0, 9.0, 62, 80), (7.5, 0.2, 64, 80), (30.0, 1.0, 65, 80)))
    rows = clip_notes(table, 5.0)
    assert rows["pitch"].tolist() == [62, 64]
    assert rows["begin_s"].tolist() == pytest.approx([-4.0, 2.5])
    batch = notes_of([rows, rows[:0]])
    assert batch.padded.tolist() == [[False, False], [False, True]]
    assert float(batch.begin[0, 1]) == pytest.approx(2.5 / FRAME_S)
    assert pytest.approx(5.0, abs=0.01) == CLIP * FRAME_S


@pytest.mark.parametrize("instrument", ["salamander", "fluidr3", "violin", "violin-minji-kim"])
def test_level_follows_velocity_evenly_to_the_ends(instrument: str) -> None:
    keys, velocities = (62, 69, 74, 77, 81, 76, 73), range(5, 126, 5)
    levels = []
    for velocity in velocities:
        music = played(*((0.3 * i, 0.28, key, velocity) for i, key in enumerate(keys)))
        power = np.exp(2 * deep_performer.predict(music, instrument=instrument).values).sum(axis=0)
        levels.append(10 * np.log10(power.mean()))
    assert np.diff(levels).min() > -0.2
    assert np.corrcoef(velocities, levels)[0, 1] > 0.93
    assert levels[-1] - levels[0] > 18
