"""The condition of one recording, without any reference: does it clip, how far up does it reach, is silence silent?

- ``clipped_samples``: samples in runs of three or more that stand at one value of at least 0.98 of full scale, or
  that lie beyond it. A recording that merely reaches full scale once does not clip.
- ``bandwidth_hz``: the highest frequency whose long-term mean power lies within 90 dB of the strongest. A low-pass at
  8 kHz, or a vocoder that invents nothing above, shows here.
- ``quietest_dbfs``: the level of the softest 0.3 s, which in music with a rest in it has to be below -70 dBFS.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from perfsynth.dsp.mixing import mixed
from perfsynth.errors import InputError

CLIP_RUN = 3  # samples
CLIP_LEVEL = 0.98
BANDWIDTH_DB = 90.0
N_FFT = 4096
SILENCE_S = 0.3
DIGITAL_SILENCE_DBFS = -180.0  # what a level of zero is reported as
LOUD = 1e-9


@dataclass(frozen=True)
class Condition:
    """What `condition` finds."""

    peak_dbfs: float
    clipped_samples: int
    bandwidth_hz: float
    quietest_dbfs: float

    def to_json(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def condition(audio: np.ndarray, sample_rate: int) -> Condition:
    """The condition of a recording.

    Parameters
    ----------
    audio
        (n, n_channels) float, full scale +-1.
    sample_rate
        In Hz.

    Raises
    ------
    InputError
        When it is empty, of another shape or not finite.
    """
    if audio.ndim != 2 or len(audio) == 0 or not np.isfinite(audio).all():
        raise InputError(f"audio of shape {audio.shape}: (n, channels), finite, with a sample at least, is needed")
    return Condition(
        level_dbfs(np.abs(audio).max()),
        sum(clipped(channel) for channel in audio.T),
        bandwidth_hz(mixed(audio), sample_rate),
        quietest_dbfs(audio, sample_rate),
    )


def level_dbfs(amplitude: float | np.floating) -> float:
    """20 log10 of an amplitude, -180 for nothing."""
    return float(20 * np.log10(max(float(amplitude), 10 ** (DIGITAL_SILENCE_DBFS / 20))))


def clipped(channel: np.ndarray) -> int:
    """Samples of one channel, (n,), that clip."""
    beyond = np.abs(channel) > 1.0
    stays = (np.diff(channel) == 0) & (np.abs(channel[1:]) >= CLIP_LEVEL)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], stays.astype(np.int8), [0]])))
    flat = beyond.copy()
    for start, end in edges.reshape(-1, 2):
        if end - start + 1 >= CLIP_RUN:
            flat[start : end + 1] = True
    return int(flat.sum())


def bandwidth_hz(channel: np.ndarray, sample_rate: int) -> float:
    """Highest frequency within 90 dB of the strongest in the long-term mean of one channel, (n,); 0 for silence."""
    from scipy.signal import welch

    n_fft = min(N_FFT, len(channel))
    # Blackman-Harris: the side lobes of the strongest partial lie below what is asked for.
    frequencies, power = welch(channel, sample_rate, "blackmanharris", n_fft, detrend=False)
    if power.max() < LOUD**2:
        return 0.0
    return float(frequencies[np.flatnonzero(power >= power.max() * 10 ** (-BANDWIDTH_DB / 10))[-1]])


def quietest_dbfs(audio: np.ndarray, sample_rate: int) -> float:
    """Root mean square of the softest 0.3 s in dBFS, all channels together."""
    step = min(round(SILENCE_S * sample_rate), len(audio))
    squares = np.asarray(audio[: len(audio) // step * step], np.float64) ** 2
    return level_dbfs(np.sqrt(squares.reshape(-1, step * audio.shape[1]).mean(axis=1).min()))
