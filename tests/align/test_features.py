"""The score's side of a comparison: the compiled loops beside plain ones."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.align.features import DECAY_S, PARTIALS, RELEASE_S, Written, prolonged, written_levels
from perfsynth.align.path import musical
from perfsynth.dsp.semitones import LOWEST, N_BANDS

FRAME_S = 0.0464


def notes(n: int = 60) -> Written:
    random = np.random.default_rng(0)
    onset_s = np.sort(random.uniform(0, 10, n))
    return Written(random.integers(18, 112, n), onset_s, onset_s + random.exponential(0.5, n))


def plainly(written: Written, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels before compression, and rises."""
    levels, risen = np.zeros((n_frames, N_BANDS)), np.zeros((n_frames, N_BANDS))
    frames = np.arange(n_frames)
    for pitch, onset_s, end_s in zip(written.pitch, written.onset_s, written.end_s, strict=True):
        begin = min(round(onset_s / FRAME_S), n_frames - 1)
        end = max(round(end_s / FRAME_S), begin + 1)
        fall = np.exp(-np.minimum(frames - begin, end - begin) * FRAME_S / DECAY_S)
        fall *= np.exp(-np.maximum(frames - end, 0) * FRAME_S / RELEASE_S)
        sounding = (frames >= begin) & (frames < end + int(3 * RELEASE_S / FRAME_S) + 1)
        for above, amplitude in PARTIALS:
            if 0 <= pitch - LOWEST + above < N_BANDS:
                band = pitch - LOWEST + above
                levels[:, band] = np.maximum(levels[:, band], np.where(sounding, amplitude * fall, 0))
                risen[begin, band] = max(risen[begin, band], amplitude)
    return levels, risen


def test_written_levels_equal_a_plain_reference() -> None:
    n_frames = 220  # the last notes are cut off
    levels, risen = written_levels(notes(), n_frames, FRAME_S)
    plain, rises = plainly(notes(), n_frames)
    np.testing.assert_allclose(levels, np.log1p(100 * plain) / np.log1p(100), atol=2e-6)
    np.testing.assert_allclose(risen, rises, atol=1e-6)


@pytest.mark.parametrize("shift", [-2, 1])
def test_a_margin_holds_what_another_key_would_show(shift: int) -> None:
    written = notes()
    moved = Written(written.pitch + shift, written.onset_s, written.end_s)
    wide = written_levels(written, 240, FRAME_S, margin=2)
    for narrow, side in zip(written_levels(moved, 240, FRAME_S), wide, strict=True):
        np.testing.assert_array_equal(narrow, side[:, 2 - shift : 2 - shift + N_BANDS])


def test_rises_fade_as_in_a_plain_reference() -> None:
    _, risen = written_levels(notes(), 240, FRAME_S)
    fading = prolonged(risen, FRAME_S, 0.1)
    decay = np.exp(-FRAME_S / 0.1)
    for frame in range(1, 240):
        assert (fading[frame] >= fading[frame - 1] * decay - 1e-6).all()
        held = risen[frame] == 0
        np.testing.assert_allclose(fading[frame][held], fading[frame - 1][held] * decay, atol=1e-6)


def test_tones_sound_of_music_and_noise_does_not() -> None:
    random = np.random.default_rng(1)
    noise = 0.3 + 0.05 * random.random((200, N_BANDS))
    tones = noise + 0.0
    tones[:, 20:70:7] += 0.4
    assert musical(noise, FRAME_S).max() < 0.2
    assert musical(tones, FRAME_S).min() > 0.8
    assert not musical(np.zeros((50, N_BANDS)), FRAME_S).any()
