"""How ``lan-rnn`` learns: by one of the poster's two losses, and measured alike whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.errors import InputError
from perfsynth.synth.lan_rnn import RATE, SAMPLES, pitch_matrix, windowed
from perfsynth.synth.lan_rnn_network import Config, LanRNN, spectral_loss, waveform_loss
from perfsynth.train.configured import Configured
from perfsynth.train.recordings import first_instrument
from perfsynth.train.soundings import drawn, soundings

LOSSES = {"spectral": spectral_loss, "waveform": waveform_loss}
MEASURED = PRESETS["deep-performer-16k"]  # what runs with either loss are compared by


@dataclass(frozen=True)
class Settings:
    """What a batch is made of, and what is minimised."""

    loss: str = "spectral"
    clips: int = 8  # the poster's batch
    clip_windows: int = 94  # 3 s
    valid_s: float = 12.0  # of each recording


class LanRNNTask(Configured):
    """What the training loop asks of a model: batches, losses, validation."""

    validates_on_device = True
    config: Config
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.settings = Settings(**settings)
        if self.settings.loss not in LOSSES:
            raise InputError(f"loss {self.settings.loss!r}: it is one of {', '.join(LOSSES)}")
        self.config = Config(**{"instrument": first_instrument(corpus)} | model)
        self.examples, self.held_out = soundings(corpus, splits, RATE, (self.config.instrument,))

    def network(self) -> LanRNN:
        """A network with fresh weights."""
        return LanRNN(self.config)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Pitch matrices (B, T, 176) and samples (B, T * 512)."""
        size = self.settings.clip_windows
        rows = drawn(self.examples, self.settings.clips, size, SAMPLES, rng)
        pitches = np.stack([pitch_matrix(example.table, first, size) for example, first in rows])
        sound = np.stack([example.cut(first * SAMPLES, size * SAMPLES) for example, first in rows])
        return torch.from_numpy(pitches), torch.from_numpy(sound)

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The loss of the run."""
        pitches, sound = batch
        return LOSSES[self.settings.loss](network(pitches).float(), sound), {}

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Of the held-out recordings, whatever is minimised: ``mse`` of ln mel bands (the figure of Dong et al. 2022),
        ``spectral`` and ``waveform``, the two losses; ``score`` is minus the first."""  # fmt: skip
        assert isinstance(network, LanRNN)
        device = str(next(network.parameters()).device)
        rows = []
        for example in self.held_out:
            n_windows = min(round(self.settings.valid_s * RATE), len(example.sound)) // SAMPLES
            made = np.concatenate(list(windowed(example.table, network, device, n_windows)))[:, 0]
            wanted = example.cut(0, n_windows * SAMPLES)
            mel = float(((spectrogram(made, MEASURED) - spectrogram(wanted, MEASURED)) ** 2).mean())
            pair = torch.from_numpy(made)[None], torch.from_numpy(wanted)[None]
            rows.append((mel, float(spectral_loss(*pair)), float(waveform_loss(*pair))))
        mel, spectral, waveform = np.mean(rows, axis=0).tolist()
        return {"mse": mel, "spectral": spectral, "waveform": waveform, "score": -mel}
