"""How far one piece of audio is from another that plays the same performance.

Both are brought to one loudness and laid over each other first (`matched`), and what that took is reported. Then:

- log-mel distance: mean (d ln mel)^2, which rewards the right noise floor as much as the right notes;
- absolute error in dB over the cells within 60 dB of the loudest, which is nearer to what is heard;
- spectral convergence and log-magnitude distance over six resolutions;
- chroma and spectrogram distance after Tang et al. 2025, Table III;
- onset F-measure within 25 ms.

Arrays are mono, (n,) float, at the sample rate that each function names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from perfsynth.dsp.loudness import LoudnessMeter
from perfsynth.dsp.mel import PRESETS, Preset, spectrogram
from perfsynth.errors import InputError

RATE = 44100  # Hz, at which audio is compared
MATCH_LUFS = -24.0
MAX_LAG_S = 0.05
FLUX_HOP = 64  # samples
RANGE_DB = 60.0
RESOLUTIONS = (512, 1024, 2048, 4096, 8192)  # n_fft; the hop is a quarter
ONSET_WINDOW_S = 0.025
CHROMA_HOP = 512  # samples, librosa's


@dataclass(frozen=True)
class Distances:
    """What `distances` measures; ``gain_db`` and ``lag_s`` are what matching took."""

    gain_db: float
    lag_s: float
    log_mel_16k: float
    log_mel_44k: float
    absolute_db: float
    spectral_convergence: float
    log_magnitude: float
    chroma: float
    onset_f1: float

    def to_json(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def validate(generated: np.ndarray, reference: np.ndarray) -> None:
    """Refuse what cannot be compared.

    Raises
    ------
    InputError
        When an array is not mono, shorter than a second, silent or not finite.
    """
    for name, audio in (("generated", generated), ("reference", reference)):
        if audio.ndim != 1 or len(audio) < RATE:
            raise InputError(f"{name} audio of shape {audio.shape}: one channel of at least {RATE} samples is needed")
        if not np.isfinite(audio).all() or not audio.any():
            raise InputError(f"{name} audio is silent or not finite; there is nothing to compare")


def distances(generated: np.ndarray, reference: np.ndarray) -> Distances:
    """All distances of `generated` from `reference`, (n,) float at 44.1 kHz."""
    validate(generated, reference)
    length = min(len(generated), len(reference))
    generated, reference, gain_db, lag_s = matched(generated[:length], reference[:length])
    convergence, magnitude = multi_resolution(generated, reference)
    return Distances(
        gain_db=gain_db,
        lag_s=lag_s,
        log_mel_16k=log_mel(_at_16k(generated), _at_16k(reference), PRESETS["deep-performer-16k"]),
        log_mel_44k=log_mel(generated, reference, PRESETS["perfsynth-44k"]),
        absolute_db=absolute_db(generated, reference),
        spectral_convergence=convergence,
        log_magnitude=magnitude,
        chroma=chroma(generated, reference),
        onset_f1=onset_f1(generated, reference),
    )


def matched(generated: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Both at -24 LUFS and laid over each other: generated, reference, gain in dB and lag in s of the former."""
    levels = [_loudness(audio) for audio in (generated, reference)]
    scaled = [
        audio * 10 ** ((MATCH_LUFS - level) / 20) for audio, level in zip((generated, reference), levels, strict=True)
    ]
    flux = [_flux(audio) for audio in scaled]
    most = round(MAX_LAG_S * RATE / FLUX_HOP)
    lags = range(-most, most + 1)
    scores = [_overlap(flux[0], flux[1], lag) for lag in lags]
    samples = lags[int(np.argmax(scores))] * FLUX_HOP
    moved = np.roll(scaled[0], -samples)
    if samples > 0:
        moved[-samples:] = 0
    elif samples < 0:
        moved[:-samples] = 0
    return moved, scaled[1], float(levels[1] - levels[0]), samples / RATE


def _loudness(audio: np.ndarray) -> float:
    meter = LoudnessMeter(RATE, 1)
    meter.push(audio[:, None].astype(np.float32))
    return meter.integrated_lufs()


def _flux(audio: np.ndarray) -> np.ndarray:
    """Rise of the log spectrum per frame of `FLUX_HOP` samples."""
    preset = Preset("flux", RATE, 1024, 1024, FLUX_HOP, "linear", 513)
    return np.maximum(0, np.diff(spectrogram(audio, preset)[4:200], axis=1)).sum(axis=0)


def _overlap(one: np.ndarray, other: np.ndarray, lag: int) -> float:
    a, b = (one[lag:], other) if lag >= 0 else (one, other[-lag:])
    n = min(len(a), len(b))
    return float(np.dot(a[:n], b[:n]) / n)


def _at_16k(audio: np.ndarray) -> np.ndarray:
    import soxr

    resampled: np.ndarray = soxr.resample(audio, RATE, 16000)
    return resampled


def log_mel(generated: np.ndarray, reference: np.ndarray, preset: Preset) -> float:
    """Mean squared difference of log spectrograms at the preset's own rate (Dong et al. 2022, Table 2)."""
    return float(((spectrogram(generated, preset) - spectrogram(reference, preset)) ** 2).mean())


def absolute_db(generated: np.ndarray, reference: np.ndarray) -> float:
    """Mean |dB| of mel cells where the reference lies within 60 dB of its loudest."""
    preset = PRESETS["perfsynth-44k"]
    decibels = [spectrogram(audio, preset) * (20 / np.log(10)) for audio in (generated, reference)]
    heard = decibels[1] > decibels[1].max() - RANGE_DB
    return float(np.abs(decibels[0] - decibels[1])[heard].mean())


def multi_resolution(generated: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Mean over five resolutions of |G - R| / |R| (Frobenius) and of |ln G - ln R|, magnitudes no lower than -80 dB."""
    convergence, magnitude = [], []
    for n_fft in RESOLUTIONS:
        preset = Preset("stft", RATE, n_fft, n_fft, n_fft // 4, "linear", n_fft // 2 + 1)
        g, r = (np.exp(spectrogram(audio, preset)) for audio in (generated, reference))
        convergence.append(np.linalg.norm(g - r) / np.linalg.norm(r))
        floor = 1e-4 * r.max()
        magnitude.append(np.abs(np.log(np.maximum(g, floor)) - np.log(np.maximum(r, floor))).mean())
    return float(np.mean(convergence)), float(np.mean(magnitude))


def chroma(generated: np.ndarray, reference: np.ndarray) -> float:
    """sum |A - B| / count(A > 0.3) over constant-Q chroma, A the reference (Tang et al. 2025, Table III)."""
    import librosa

    a, b = (librosa.feature.chroma_cqt(y=x, sr=RATE, hop_length=CHROMA_HOP) for x in (reference, generated))
    difference = np.abs(np.clip(a, 0, 1) - np.clip(b, 1e-5, 1 - 1e-5)).sum()
    return float(difference / max(np.count_nonzero(a > 0.3), 1))


def onset_f1(generated: np.ndarray, reference: np.ndarray) -> float:
    """F-measure of detected onsets within 25 ms, each matched once."""
    import librosa

    times = [
        librosa.onset.onset_detect(y=audio, sr=RATE, hop_length=256, units="time") for audio in (generated, reference)
    ]
    if not len(times[0]) or not len(times[1]):
        return float(len(times[0]) == len(times[1]))
    hits = matches(*times)
    return 2 * hits / (len(times[0]) + len(times[1]))


def matches(estimated_s: np.ndarray, reference_s: np.ndarray) -> int:
    """How many of two sorted lists of times can be paired, each once, within 25 ms."""
    count = i = j = 0
    while i < len(estimated_s) and j < len(reference_s):
        gap = estimated_s[i] - reference_s[j]
        if abs(gap) <= ONSET_WINDOW_S:
            count, i, j = count + 1, i + 1, j + 1
        elif gap < 0:
            i += 1
        else:
            j += 1
    return count
