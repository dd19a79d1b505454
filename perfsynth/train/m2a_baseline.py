"""How ``m2a-baseline`` learns: as `perfsynth.train.m2a`, from scores (Tang et al. 2025, "Baseline").

The score of a recording stands in ``scores`` below the corpus, under the name of its performance:
``tools/sound_scores.py`` puts it there. It is the score as written, at the one tempo that takes as long as the
performance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth import formats
from perfsynth.data.nasap import pianist_of
from perfsynth.data.sound_corpus import read_recordings
from perfsynth.data.sound_scores import FOLDER
from perfsynth.errors import InputError, briefly
from perfsynth.known import commonest
from perfsynth.nn.weights import network_of
from perfsynth.synth import m2a
from perfsynth.synth.m2a_network import M2A, Config
from perfsynth.synth.roll import sounding
from perfsynth.train.m2a import M2ATask
from perfsynth.train.m2a import Settings as M2ASettings
from perfsynth.train.soundings import Sounding

OTHER = "other"  # a pianist who is not among the most heard
N_PIANISTS = 7  # with the other


@dataclass(frozen=True)
class Settings(M2ASettings):
    """Those of `m2a`, and what to begin with."""

    begin: str = ""  # RUN/best of m2a, whose weights the network takes; "" for fresh ones


class M2ABaselineTask(M2ATask):
    """What the training loop asks of a model: batches, steps, validation."""

    settings: Settings

    def __init__(self, corpus: Path, model: dict[str, Any], settings: dict[str, Any], splits: tuple[str, ...]) -> None:
        super().__init__(corpus, model, settings, splits)
        self.scores: dict[int, np.ndarray] = {}
        for each in (*self.examples, *self.held_out):
            place = self.folder / FOLDER / Path(each.recording.performance).name
            if place.is_file():
                score = formats.read_performance(place.read_bytes(), name=str(place))
                self.scores[id(each)] = sounding(replace(score, controls=score.controls[:0]))
        self.examples, self.held_out = (
            [each for each in found if id(each) in self.scores] for found in (self.examples, self.held_out)
        )
        if not self.examples or not self.held_out:
            raise InputError(f"{self.folder / FOLDER}: no scores; make them: python tools/sound_scores.py")

    def chosen(self, settings: dict[str, Any]) -> Settings:
        """What ``[task]`` says."""
        return Settings(**settings)

    def configured(self, corpus: Path, model: dict[str, Any]) -> Config:
        """The network's sizes, and the names of pianists and albums in the corpus."""
        recordings = read_recordings(corpus)
        albums = tuple(dict.fromkeys(recording.instrument for recording in recordings))
        players = [pianist(recording.piece) for recording in recordings if recording.split == "train"]
        often = commonest((name for name in players if name != OTHER), N_PIANISTS - 1)
        names = {"pianists": (OTHER, *often), "albums": albums}
        return Config(**names | model)

    def instruments(self) -> tuple[str, ...]:
        """All: the album tells them apart."""
        return self.config.albums if self.config.instrument == "" else (self.config.instrument,)

    def network(self) -> M2A:
        """A network with fresh weights, or with those of an M2A and no opinion of pianists and albums."""
        made = super().network()
        if self.settings.begin:
            begun = network_of(self.settings.begin, m2a.SYSTEM, M2A, Config).state_dict()
            try:
                made.load_state_dict(made.state_dict() | begun)
            except RuntimeError as error:
                raise InputError(
                    f"{self.settings.begin}: an M2A of other sizes ({briefly(error)}); set [model] alike"
                ) from error
        return made

    def given(self, example: Sounding) -> np.ndarray:
        """The notes of the score."""
        return self.scores[id(example)]

    def who(self, example: Sounding) -> tuple[int, int]:
        """The numbers of pianist and album."""
        name, names = pianist(example.recording.piece), self.config.pianists
        album = self.config.albums.index(example.recording.instrument)
        return (names.index(name) if name in names else 0), album


def pianist(piece: str) -> str:
    """Who plays, of a recording's name such as ``Bach/Fugue/bwv_848/LeeN01/127.250``: LeeN, or other."""
    parts = piece.split("/")
    return pianist_of(parts[-2]) if len(parts) > 3 else OTHER
