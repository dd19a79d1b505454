"""Recordings of one instrument beside the notes that sound in them, as the systems that read piano rolls learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.dsp.mel import Preset, spectrogram
from perfsynth.errors import InputError
from perfsynth.train.neural_examples import soundings_of


@dataclass(frozen=True)
class Heard:
    """What sounds, and how."""

    recording: Recording
    table: np.ndarray  # perfsynth.synth.roll.SOUNDING
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


def heard(
    corpus: Path, splits: tuple[str, ...], sample_rate: int, instruments: tuple[str, ...]
) -> tuple[list[Heard], list[Heard]]:
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
    recordings = read_recordings(corpus)
    known = dict.fromkeys(recording.instrument for recording in recordings)
    if missing := [name for name in instruments if name not in known]:
        raise InputError(f"{corpus}: instrument {missing[0]!r} is none of {', '.join(known)}")
    folder = corpus if corpus.is_dir() else corpus.parent
    wanted = [r for r in recordings if not instruments or r.instrument in instruments]
    wanted = [r for r in wanted if r.split in (*splits, "valid")]
    found = [Heard(s.recording, s.table, s.sound) for s in soundings_of(wanted, folder, sample_rate)]
    learn = [example for example in found if example.recording.split in splits]
    held_out = [example for example in found if example.recording.split == "valid"]
    if not learn or not held_out:
        raise InputError(f"{corpus}: {len(learn)} recordings to learn from, {len(held_out)} to check")
    return learn, held_out


def first_instrument(corpus: Path) -> str:
    """The instrument of a corpus's first recording."""
    return read_recordings(corpus)[0].instrument


def drawn(
    examples: list[Heard], size: int, n_frames: int, hop: int, rng: np.random.Generator
) -> list[tuple[Heard, int]]:
    """`size` examples, long ones more often, each with the number of the frame where a chunk of `n_frames` begins."""
    lengths = np.array([len(example.sound) for example in examples], np.float64) + 1
    chosen = [examples[index] for index in rng.choice(len(examples), size, p=lengths / lengths.sum())]
    return [(each, int(rng.integers(0, max(len(each.sound) // hop - n_frames, 0) + 1))) for each in chosen]
