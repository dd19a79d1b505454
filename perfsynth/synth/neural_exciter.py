"""The exciter of the neural engine: the modal piano in two sources, its modes and the rest.

The rest is noise, recorded attacks, keys and pedal. The two add up to what the modal engine sounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from perfsynth.dsp.pitches import A4_HZ
from perfsynth.dsp.resample import resample
from perfsynth.synth.action import strike
from perfsynth.synth.modal.ending import ended
from perfsynth.synth.modal.engine import CHUNK, Player, Voice, piano_of, spans_s
from perfsynth.synth.modal.grid import RATE
from perfsynth.synth.modal.setting import Setting
from perfsynth.synth.modal.tuning import ratios
from perfsynth.types import AudioStream, Performance

SOURCES, CHANNELS = 2, 2  # the modes and the rest, each left and right


class _Modes(Player):
    """The modes alone."""

    def _noise(self, begin: int, sounding: list[Voice]) -> np.ndarray:
        return np.zeros((CHUNK, CHANNELS), np.float32)

    def _releases(self, block: np.ndarray, begin: int) -> None:
        """Keys that come up belong to the rest."""


class _Rest(Player):
    """All but the modes."""

    def _voice(self, index: int) -> Voice:
        voice = super()._voice(index)
        return replace(voice, omega=voice.omega[:0], ln_amplitude=voice.ln_amplitude[:0], phase=voice.phase[:0])


def exciter(
    performance: Performance, *, sample_rate: int, piano: str | None = None, a4: float = A4_HZ,
    temperament: str = "equal", seed: int = 0,
) -> AudioStream:  # fmt: skip
    """The modes and the rest of a performance.

    Parameters
    ----------
    performance
        Played on one piano, whatever its parts.
    sample_rate
        In Hz.
    piano, a4, temperament, seed
        See `perfsynth.synth.modal.engine.stream`.

    Returns
    -------
    AudioStream
        Of four channels: the modes left and right, the rest left and right.
    """
    strikes = strike(performance)
    setting = Setting(False, ratios(a4, temperament), 0.0, 0.0, 1.0, seed)
    whole = piano_of(piano)
    modes = _Modes(replace(whole, attacks=None), strikes, setting)
    rest = _Rest(whole, strikes, replace(setting, pedal_noise=1.0))
    least_s, most_s = spans_s(strikes)

    def blocks() -> Iterator[np.ndarray]:
        answering = Player(whole, strikes, replace(setting, resonance=1.0)).answering()
        begin, n_samples = 0, int(np.ceil(most_s * RATE))
        for tonal, others in zip(modes.blocks(n_samples), rest.blocks(n_samples), strict=True):
            # Free strings answer to all that is struck.
            yield np.concatenate([tonal + answering.answer(tonal + others, begin), others], axis=1)
            begin += len(tonal)

    sources = ended(blocks(), int(np.ceil(least_s * RATE)), SOURCES)
    return resample(AudioStream(sources, RATE, SOURCES * CHANNELS, least_s), sample_rate)
