"""Recordings beside the notes that sound in them, as systems of sound learn from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from perfsynth import formats
from perfsynth.data.pieces import folder_of
from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.dsp.mel import Preset, spectrogram
from perfsynth.dsp.mixing import mixed
from perfsynth.errors import InputError
from perfsynth.synth.roll import sounding
from perfsynth.train.recordings import kept, parted, recordings_of, since, stereo


@dataclass(frozen=True)
class Sounding:
    """A recording, its channels mixed, and what sounds in it, both from where both have begun."""

    recording: Recording
    table: np.ndarray  # perfsynth.synth.roll.SOUNDING; what rings from before begins below 0
    sound: np.ndarray  # (n,) float32

    def cut(self, begin: int, length: int) -> np.ndarray:
        """(length,) samples from `begin` on, silence where the recording has none."""
        inside = self.sound[max(begin, 0) : max(begin + length, 0)]
        before = min(max(-begin, 0), length)
        return np.pad(inside, (before, length - before - len(inside))).astype(np.float32)

    def frames(self, first: int, n_frames: int, preset: Preset) -> np.ndarray:
        """(n_bands, n_frames) of the recording's spectrogram, from frame `first` on."""
        around = -(-(preset.n_fft // 2) // preset.hop)
        length = (n_frames + 2 * around - 1) * preset.hop
        return spectrogram(self.cut((first - around) * preset.hop, length), preset)[:, around : around + n_frames]

    def n_frames(self, preset: Preset) -> int:
        """How many frames its spectrogram has."""
        return len(self.sound) // preset.hop + 1


def soundings_of(recordings: list[Recording], folder: Path, sample_rate: int) -> list[Sounding]:
    """The recordings at a sample rate; what is made of them is kept in ``cache`` below a folder."""
    made = []
    for recording in recordings:
        played = formats.read_performance(Path(recording.performance).read_bytes(), name=recording.performance)
        mono = kept(folder, recording.audio, f"mono-{sample_rate}", partial(_mono, recording, sample_rate))
        table = sounding(played)
        for name in ("begin_s", "end_s"):
            table[name] += min(recording.start_s, 0.0)
        made.append(Sounding(recording, table, since(mono, recording.start_s, sample_rate)))
    return made


def _mono(recording: Recording, sample_rate: int) -> np.ndarray:
    return mixed(stereo(recording, sample_rate))


def soundings(
    corpus: Path, splits: tuple[str, ...], sample_rate: int, instruments: tuple[str, ...]
) -> tuple[list[Sounding], list[Sounding]]:
    """The recordings to learn from and those to be validated on.

    Parameters
    ----------
    corpus
        As `perfsynth.data.sound_corpus` lays it out.
    splits
        To learn from.
    sample_rate
        In Hz.
    instruments
        Those wanted; none means all.

    Raises
    ------
    InputError
        When the corpus has no recordings of them in the splits.
    """
    known = dict.fromkeys(recording.instrument for recording in read_recordings(corpus))
    if missing := [name for name in instruments if name not in known]:
        raise InputError(f"{corpus}: instrument {missing[0]!r} is none of {', '.join(known)}")
    wanted = [r for r in recordings_of(corpus, splits) if not instruments or r.instrument in instruments]
    return parted(soundings_of(wanted, folder_of(corpus), sample_rate), splits, corpus)


def drawn(
    examples: list[Sounding], size: int, n_frames: int, hop: int, rng: np.random.Generator
) -> list[tuple[Sounding, int]]:
    """`size` examples, long ones more often, each with the number of the frame where a chunk of `n_frames` begins."""
    lengths = np.array([len(example.sound) for example in examples], np.float64) + 1
    chosen = [examples[index] for index in rng.choice(len(examples), size, p=lengths / lengths.sum())]
    return [(each, int(rng.integers(0, max(len(each.sound) // hop - n_frames, 0) + 1))) for each in chosen]
