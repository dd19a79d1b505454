"""Sounds small enough for a page: Ogg Opus, about 64 kb/s, the same bytes for the same samples."""

from __future__ import annotations

import io

import numpy as np

from perfsynth.formats import ogg

OPUS_RATE = 48000  # Hz, the rate of Opus
COMPRESSION = 0.22  # below 1, the smallest of libsndfile's scale, which counts each channel: some 64 kb/s in all
FADE_S = 0.05  # where a sound is cut
BLOCK = 4096  # samples that the encoder gets at once


def opus(samples: np.ndarray, sample_rate: int, *, longest_s: float | None = None, fade_s: float = FADE_S) -> bytes:
    """The content of an Ogg Opus file.

    Parameters
    ----------
    samples
        (n_samples, n_channels) float, full scale +-1; what exceeds it is scaled down.
    sample_rate
        In Hz; anything.
    longest_s
        Seconds to keep.
    fade_s
        How long what is cut takes to fade out, in seconds.

    Returns
    -------
    bytes
        One stream at 48 kHz with a fixed serial number.
    """
    import soundfile
    import soxr

    kept = np.asarray(samples, np.float32)
    if longest_s is not None and len(kept) > longest_s * sample_rate:
        kept = kept[: round(longest_s * sample_rate)].copy()
        fade = min(round(fade_s * sample_rate), len(kept))
        kept[len(kept) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    if sample_rate != OPUS_RATE:
        kept = soxr.resample(kept, sample_rate, OPUS_RATE)
    kept = kept / max(1.0, float(np.abs(kept).max(initial=0.0)))
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", OPUS_RATE, kept.shape[1], "OPUS", format="OGG", compression_level=1 - COMPRESSION / kept.shape[1]
    ) as sink:
        for start in range(0, len(kept), BLOCK):
            sink.write(np.ascontiguousarray(kept[start : start + BLOCK], np.float32))
    ogg.renumber(file)
    return file.getvalue()
