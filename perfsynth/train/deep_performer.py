"""How ``deep-performer`` learns: squared error of ln mel bands in clips of 5 s (Dong et al. 2022, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.data.pieces import folder_of
from perfsynth.data.sound_corpus import Recording
from perfsynth.dsp.mel import spectrogram
from perfsynth.synth.deep_performer import CLIP, FLOOR_LN, FRAME_S, PRESET, clip_notes, notes_of
from perfsynth.synth.deep_performer_network import Config, DeepPerformer, Notes
from perfsynth.train.configured import Configured
from perfsynth.train.recordings import kept, parted, recordings_of, with_instruments
from perfsynth.train.soundings import soundings_of

FEWEST_FRAMES = 32
PER_DB = 5.0  # velocities that a clip is louder by: as many as make a note louder, where they were measured


@dataclass(frozen=True)
class Settings:
    """What a batch is made of."""

    clips: int = 16
    louder_db: float = 0.0  # a clip is made up to so much louder or softer, in its velocities by `PER_DB`


@dataclass(frozen=True)
class Example:
    """A performance and the spectrogram of its recording."""

    recording: Recording
    table: np.ndarray  # SOUNDING
    values: np.ndarray  # (n_frames, n_bands) float32
    instrument: int


class DeepPerformerTask(Configured):
    """What the training loop asks of a model: batches, losses, validation."""

    config: Config
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.settings = Settings(**settings)
        self.config = Config(**with_instruments(model, corpus))
        folder, found = folder_of(corpus), []
        for heard in soundings_of(recordings_of(corpus, splits), folder, PRESET.sample_rate):
            recording = heard.recording
            values = kept(folder, recording.audio, f"mel-{recording.start_s:g}", partial(_frames, heard.sound))
            if len(values) >= FEWEST_FRAMES:
                number = self.config.instruments.index(recording.instrument)
                found.append(Example(recording, heard.table, values, number))
        self.examples, self.held_out = parted(found, splits, corpus)

    def network(self) -> DeepPerformer:
        """A network with fresh weights."""
        return DeepPerformer(self.config)

    def batch(self, rng: np.random.Generator) -> tuple[Notes, Tensor, Tensor, Tensor]:
        """Notes, instruments (B,), ln mel bands (B, T, n_bands), and which frames there are (B, T)."""
        chosen = [self.examples[i] for i in rng.integers(len(self.examples), size=self.settings.clips)]
        starts = [int(rng.integers(0, max(len(example.values) - CLIP, 0) + 1)) for example in chosen]
        return _stacked([(self._levelled(one, rng), start) for one, start in zip(chosen, starts, strict=True)])

    def _levelled(self, example: Example, rng: np.random.Generator) -> Example:
        """The example louder or softer by up to `Settings.louder_db`, in its velocities and in its bands."""
        if not self.settings.louder_db:
            return example
        by_db = rng.uniform(-self.settings.louder_db, self.settings.louder_db)
        table = example.table.copy()
        table["velocity"] = np.clip(np.round(table["velocity"] + PER_DB * by_db), 1, 127)
        louder = example.values + np.float32(by_db / 20 * np.log(10))
        values = np.where(example.values > FLOOR_LN, np.maximum(louder, FLOOR_LN), FLOOR_LN)
        return replace(example, table=table, values=values.astype(np.float32))

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The mean squared error over the frames that there are."""
        notes, instrument, values, there = batch
        loss = ((network(notes, instrument, CLIP).float() - values) ** 2).mean(dim=-1)[there].mean()
        return loss, {"mse": float(loss.detach())}

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """The paper's figure over the validation split, and each instrument's; ``score`` is minus the mean."""
        errors: dict[str, list[float]] = {}
        for example, start in _rows(self.held_out):
            loss, _ = self.loss(network, _stacked([(example, start)]))
            errors.setdefault(self.config.instruments[example.instrument], []).append(float(loss))
        figures = {f"mse_{name}": float(np.mean(found)) for name, found in errors.items()}
        return figures | {"score": -float(np.mean(list(figures.values())))}


def _frames(sound: np.ndarray) -> np.ndarray:
    """(n_frames, n_bands) ln mel bands."""
    return spectrogram(sound, PRESET).T


def _rows(examples: list[Example]) -> Iterator[tuple[Example, int]]:
    for example in examples:
        for start in range(0, max(len(example.values) - CLIP // 2, 1), CLIP):
            yield example, start


def _stacked(rows: list[tuple[Example, int]]) -> tuple[Notes, Tensor, Tensor, Tensor]:
    values = np.zeros((len(rows), CLIP, PRESET.n_bands), np.float32)
    there = np.zeros((len(rows), CLIP), bool)
    for index, (example, start) in enumerate(rows):
        cut = example.values[start : start + CLIP]
        values[index, : len(cut)], there[index, : len(cut)] = cut, True
    notes = notes_of([clip_notes(example.table, start * FRAME_S) for example, start in rows])
    instrument = torch.tensor([example.instrument for example, _ in rows])
    return notes, instrument, torch.from_numpy(values), torch.from_numpy(there)
