"""Integrated loudness and true peak (ITU-R BS.1770-4), measured and set while audio streams by."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from perfsynth.dsp.k_weighting import k_weighting
from perfsynth.errors import PerfsynthError, UsageError
from perfsynth.types import AudioStream

LOUDNESS_LUFS = -20.0
QUIETEST_LUFS, LOUDEST_LUFS = -70.0, 0.0  # that can be asked for
TRUE_PEAK_DBTP = -1.0
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
OFFSET_LUFS = -0.691  # equation (2): a 997 Hz sine at full scale in one channel reads -3.01 LUFS
STEP_S = 0.1  # gating blocks of 400 ms overlap by 75 %, so they are made of four steps
STEPS_A_BLOCK = 4
OVERSAMPLING = 4  # annex 2
# Channel weights, table 3, for the channel orders of a WAV file (no weight for the low-frequency channel).
SURROUND = 1.41
WEIGHTS = {
    4: (1.0, 1.0, SURROUND, SURROUND),
    5: (1.0, 1.0, 1.0, SURROUND, SURROUND),
    6: (1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND),
    8: (1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND, SURROUND, SURROUND),
}
TOLD_LU = 1.0  # short of the loudness wanted by more than this, a line says so
_SPOOL_BLOCK = 65536  # samples

log = logging.getLogger("perfsynth")


class LoudnessMeter:
    """Loudness and true peak of audio that is pushed block by block; it keeps one number for every 100 ms.

    Parameters
    ----------
    sample_rate
        In Hz.
    n_channels
        Weighted by `WEIGHTS`; alike where no layout is known.
    """

    def __init__(self, sample_rate: int, n_channels: int) -> None:
        import soxr

        self._sections = k_weighting(sample_rate)
        self._state = np.zeros((len(self._sections), 2, n_channels))
        self._weights = np.array(WEIGHTS.get(n_channels, (1.0,) * n_channels))
        self._step = round(STEP_S * sample_rate)
        self._rest = np.zeros(0)  # weighted squares that do not fill a step yet
        self._steps: list[np.ndarray] = []  # weighted mean squares
        self._oversampler: Any = soxr.ResampleStream(
            sample_rate, OVERSAMPLING * sample_rate, n_channels, "float32", "HQ"
        )
        self._is_flushed = False
        self._peak = 0.0

    def push(self, block: np.ndarray) -> None:
        """Measure the next block, (n_samples, n_channels) float32."""
        from scipy.signal import sosfilt

        if len(block) == 0:
            return
        self._find_peak(block)
        self._find_peak(self._oversampler.resample_chunk(np.ascontiguousarray(block, np.float32)))
        heard, self._state = sosfilt(self._sections, block.astype(np.float64), axis=0, zi=self._state)
        squares = np.concatenate([self._rest, heard**2 @ self._weights])
        whole = len(squares) // self._step * self._step
        self._steps.append(squares[:whole].reshape(-1, self._step).mean(axis=1))
        self._rest = squares[whole:]

    def _find_peak(self, samples: np.ndarray) -> None:
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))

    def integrated_lufs(self) -> float:
        """Gated loudness of all that was pushed; -inf for silence. Audio below 400 ms is one gating block."""
        steps = np.concatenate(self._steps) if self._steps else np.zeros(0)
        if len(steps) >= STEPS_A_BLOCK:
            energy = np.convolve(steps, np.full(STEPS_A_BLOCK, 1 / STEPS_A_BLOCK), mode="valid")
        else:
            n_samples = len(steps) * self._step + len(self._rest)
            energy = np.array([(steps.sum() * self._step + self._rest.sum()) / max(1, n_samples)])
        energy = energy[_lufs(energy) > ABSOLUTE_GATE_LUFS]
        if len(energy) == 0:
            return -math.inf
        gate = _lufs(energy.mean()) + RELATIVE_GATE_LU
        return float(_lufs(energy[_lufs(energy) > gate].mean()))

    def true_peak(self) -> float:
        """Largest magnitude at and between the samples, linear; nothing can be pushed after it."""
        if not self._is_flushed:
            self._is_flushed = True
            nothing = np.zeros((0, len(self._weights)), np.float32)
            self._find_peak(self._oversampler.resample_chunk(nothing, last=True))
        return self._peak


def _lufs(energy: Any) -> Any:
    with np.errstate(divide="ignore"):
        return OFFSET_LUFS + 10.0 * np.log10(energy)


def check_loudness(loudness_lufs: float | None) -> None:
    """Refuse a loudness that no audio is meant to have.

    Raises
    ------
    UsageError
        When it is outside of its range.
    """
    if loudness_lufs is not None and not QUIETEST_LUFS <= loudness_lufs <= LOUDEST_LUFS:
        raise UsageError(f"loudness {loudness_lufs:g}: it lies between {QUIETEST_LUFS:g} and {LOUDEST_LUFS:g} LUFS")


def normalise(
    stream: AudioStream, *, loudness_lufs: float | None = LOUDNESS_LUFS, true_peak_dbtp: float = TRUE_PEAK_DBTP
) -> AudioStream:
    """Bring a stream to one loudness by one constant gain.

    The audio waits on disk while its loudness is measured: memory holds a block, not the piece.

    Parameters
    ----------
    stream
        What to level; consumed.
    loudness_lufs
        Integrated loudness to reach; None for a gain of 1. Silence is left alone.
    true_peak_dbtp
        Never exceeded: a piece whose peaks would is left softer, and a warning says by how much, if by more than
        `TOLD_LU`.

    Raises
    ------
    UsageError
        When no audio is meant to be so loud.
    PerfsynthError
        While it is consumed, when the disk of temporary files is full.
    """
    check_loudness(loudness_lufs)

    def blocks() -> Iterator[np.ndarray]:
        meter = LoudnessMeter(stream.sample_rate, stream.n_channels)
        with tempfile.TemporaryFile(prefix="perfsynth-") as spool:
            for block in stream.blocks:
                meter.push(block)
                try:
                    spool.write(np.ascontiguousarray(block, np.float32).tobytes())
                    spool.flush()
                except OSError as error:
                    raise PerfsynthError(
                        f"{tempfile.gettempdir()}: {error.strerror}; the audio waits there for its loudness, so make "
                        "room or set TMPDIR to another folder"
                    ) from error
            gain = _gain(meter, loudness_lufs, true_peak_dbtp)
            spool.seek(0)
            while data := spool.read(4 * stream.n_channels * _SPOOL_BLOCK):
                yield np.frombuffer(data, np.float32).reshape(-1, stream.n_channels) * gain

    stamp = stream.made_by("loudness", "bs1770", lufs=loudness_lufs, true_peak_dbtp=true_peak_dbtp)
    return replace(stream, blocks=blocks(), **stamp)


def _gain(meter: LoudnessMeter, loudness_lufs: float | None, true_peak_dbtp: float) -> np.float32:
    measured, peak = meter.integrated_lufs(), meter.true_peak()
    wanted = 1.0 if loudness_lufs is None or math.isinf(measured) else 10 ** ((loudness_lufs - measured) / 20)
    allowed = 10 ** (true_peak_dbtp / 20) / peak if peak > 0 else wanted
    missing = 20 * math.log10(wanted / allowed)
    if loudness_lufs is not None and not math.isinf(measured) and missing > TOLD_LU:
        told = "%.1f LUFS are not reached: the peaks allow %.1f, so that none passes %.1f dBFS"
        log.warning(told, loudness_lufs, loudness_lufs - missing, true_peak_dbtp)
    return np.float32(min(wanted, allowed))
