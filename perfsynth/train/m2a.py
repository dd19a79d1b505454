"""How ``m2a`` learns: the acoustic model, the vocoder, then both together (Tang et al. 2025; Shi et al. 2023).

One part after the other, each a run that begins with the weights of the last (``--init RUN/best``). The same command
with recordings of another instrument fine-tunes a network from one corpus to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # noqa: TID253  imported only for training
from torch import Tensor, nn  # noqa: TID253

from perfsynth.data.pieces import folder_of
from perfsynth.dsp.mel import spectrogram_torch
from perfsynth.errors import InputError
from perfsynth.synth.m2a import FRAME_S, PRESET, SEGMENT, segmented
from perfsynth.synth.m2a_network import M2A, REDUCTION, Config, guided_attention_loss
from perfsynth.synth.roll import sounding_roll
from perfsynth.train.adversarial import Adversarial, opponents, sound_loss
from perfsynth.train.configured import Configured
from perfsynth.train.recordings import first_instrument, kept
from perfsynth.train.soundings import Sounding, drawn, soundings

if TYPE_CHECKING:
    from perfsynth.train.learner import Learner

PARTS = ("acoustic", "vocoder", "joint")


@dataclass(frozen=True)
class Settings(Adversarial):
    """What a batch is made of, and how much each part of the loss counts; the weights are the paper's."""

    part: str = "acoustic"  # what learns
    clips: int = 8
    clip_frames: int = SEGMENT
    segment_frames: int = 32  # of each clip, for the vocoder
    guided: float = 10.0  # of the guided attention
    valid_s: float = 12.0  # of each recording


@dataclass(frozen=True)
class Batch:
    """Clips, and where in each the vocoder's segment begins."""

    roll: Tensor  # (B, 128, T)
    values: Tensor  # (B, 128, T) log10 bands
    pianist: Tensor  # (B,)
    album: Tensor  # (B,)
    begin: Tensor  # (B,) frames
    sound: Tensor  # (B, segment_frames * 288)


class M2ATask(Configured):
    """What the training loop asks of a model: batches, steps, validation."""

    validates_on_device = True
    config: Config
    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        self.settings = self.chosen(settings)
        if self.settings.part not in PARTS:
            raise InputError(f"part {self.settings.part!r}: it is one of {', '.join(PARTS)}")
        if self.settings.clip_frames % REDUCTION:
            raise InputError(f"clip_frames {self.settings.clip_frames}: it is a multiple of {REDUCTION}")
        self.config = self.configured(corpus, model)
        if self.settings.part != "acoustic" and not self.config.vocoder_channels:
            raise InputError(f"part {self.settings.part!r} needs a vocoder; set vocoder_channels in [model]")
        if self.settings.part != "acoustic" and self.settings.clip_frames < self.settings.segment_frames:
            raise InputError(f"clip_frames {self.settings.clip_frames}: segments are longer; make them shorter")
        self.folder = folder_of(corpus)
        self.examples, self.held_out = soundings(corpus, splits, PRESET.sample_rate, self.instruments())
        self.values = {id(each): self._values(each) for each in (*self.examples, *self.held_out)}

    def chosen(self, settings: dict[str, Any]) -> Settings:
        """What ``[task]`` says."""
        return Settings(**settings)

    def configured(self, corpus: Path, model: dict[str, Any]) -> Config:
        """The network's sizes and names."""
        return Config(**{"instrument": first_instrument(corpus)} | model)

    def instruments(self) -> tuple[str, ...]:
        """Those to learn from."""
        return (self.config.instrument,)

    def given(self, example: Sounding) -> np.ndarray:
        """The notes (`perfsynth.synth.roll.SOUNDING`) that the network reads of a recording."""
        return example.table

    def who(self, example: Sounding) -> tuple[int, int]:
        """The numbers of pianist and album."""
        return 0, 0

    def _values(self, example: Sounding) -> np.ndarray:
        """(n_frames, 128): the recording's spectrogram, kept beside the corpus."""

        def made() -> np.ndarray:
            return example.frames(0, example.n_frames(PRESET), PRESET).T

        return kept(self.folder, example.recording.audio, f"m2a-{example.recording.start_s:g}", made)

    def network(self) -> M2A:
        """A network with fresh weights."""
        return M2A(self.config)

    def companions(self) -> dict[str, nn.Module]:
        """The discriminators, if any."""
        return {} if self.settings.part == "acoustic" else opponents(self.settings)

    def model_config(self) -> dict[str, Any]:
        """What the network must be told to be made again."""
        learnt = self.config.vocoder_learnt or self.settings.part != "acoustic"
        return super().model_config() | {"vocoder_learnt": learnt}

    def batch(self, rng: np.random.Generator) -> Batch:
        """Clips of the recordings."""
        settings = self.settings
        size = settings.clip_frames
        rows = drawn(self.examples, settings.clips, size, PRESET.hop, rng)
        roll = np.stack([sounding_roll(self.given(example), first, size, FRAME_S) for example, first in rows])
        values = np.full((len(rows), PRESET.n_bands, size), np.log10(PRESET.floor), np.float32)
        for row, (example, first) in zip(values, rows, strict=True):
            cut = self.values[id(example)][first : first + size].T
            row[:, : cut.shape[1]] = cut
        begin = rng.integers(0, max(size - settings.segment_frames, 0) + 1, len(rows))
        hop, length = PRESET.hop, settings.segment_frames * PRESET.hop * (settings.part != "acoustic")
        sound = [e.cut((first + int(b)) * hop, length) for (e, first), b in zip(rows, begin, strict=True)]
        who = np.array([self.who(example) for example, _ in rows])
        arrays = (roll, values, who[:, 0], who[:, 1], begin, np.stack(sound))
        return Batch(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))

    def step(self, learner: Learner, batch: Batch) -> dict[str, float]:
        """Learn from a batch; the parts of the loss."""
        settings, network = self.settings, learner.networks["network"]
        assert isinstance(network, M2A)
        parts: dict[str, Tensor] = {}
        values = batch.values
        if settings.part != "vocoder":
            with learner.half():
                said = network.acoustic(batch.roll, batch.pianist, batch.album)
            parts["acoustic"] = sum(
                ((made.float() - values).abs().mean() for made in (said.before, said.after)), torch.zeros(())
            )
            parts["guided"] = guided_attention_loss([looked.float() for looked in said.attention])
            values = said.after.float()
        total = parts.get("acoustic", torch.zeros(())) + settings.guided * parts.get("guided", torch.zeros(()))
        if settings.part != "acoustic":
            size = settings.segment_frames
            cut = torch.stack([row[:, b : b + size] for row, b in zip(values, batch.begin.tolist(), strict=True)])
            loss, found = sound_loss(learner, network.sound(cut), batch.sound, PRESET, settings)
            total, parts = total + loss, parts | found
        learner.descend("network", total)
        return {"loss": float(total.detach())} | {name: float(value.detach()) for name, value in parts.items()}

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """``mae`` and ``mse`` of log10 bands that the acoustic model predicts of the held-out recordings, ``sound_mae``
        of what the vocoder makes of the recording's own (``vocoder``) or of those (``joint``); ``score`` is minus
        what the run is about."""
        assert isinstance(network, M2A)
        device = str(next(network.parameters()).device)
        rows = []
        for example in self.held_out:
            wanted = self.values[id(example)][: round(self.settings.valid_s / FRAME_S)].T
            pianist, album = self.who(example)
            n_frames = wanted.shape[1]
            made = segmented(self.given(example), network, device, n_frames, pianist=pianist, album=album)
            row = [float(np.abs(made - wanted).mean()), float(((made - wanted) ** 2).mean())]
            if self.settings.part != "acoustic":
                values = np.array(wanted) if self.settings.part == "vocoder" else made
                sound = network.sound(torch.from_numpy(values)[None].to(device))
                row.append(
                    float((_bands(sound)[..., :n_frames].cpu() - torch.from_numpy(np.array(wanted))).abs().mean())
                )
            rows.append(row)
        figures = dict(zip(("mae", "mse", "sound_mae"), np.mean(rows, axis=0).tolist(), strict=False))
        return figures | {"score": -figures.get("sound_mae", figures["mae"])}


def _bands(sound: Tensor) -> Tensor:
    """(B, n) -> (B, 128, n // 288 + 1) log10 bands."""
    return spectrogram_torch(sound, PRESET)
