"""Concert pitch and temperament: how far each key is from where an equally tempered A = 440 Hz would put it.

A temperament is told by how much each of the twelve fifths from E flat to G sharp is narrower than pure. The A
stays where concert pitch puts it. The stretch of the piano's own octaves is kept.
"""

from __future__ import annotations

import numpy as np

from perfsynth.dsp.pitches import A4_HZ
from perfsynth.errors import UsageError
from perfsynth.synth.action import HIGHEST, LOWEST
from perfsynth.synth.concert_pitch import check_a4

PURE_FIFTH = 1200 * np.log2(3 / 2)  # cents
PYTHAGOREAN = 12 * PURE_FIFTH - 7 * 1200  # cents by which twelve pure fifths miss seven octaves
SYNTONIC = 1200 * np.log2(81 / 80)  # cents by which four pure fifths miss a pure third
# The fifths upwards from E flat: Eb-Bb Bb-F F-C C-G G-D D-A A-E E-B B-F# F#-C# C#-G#, and G#-Eb is what is left.
NARROWED: dict[str, tuple[float, ...]] = {
    "equal": (PYTHAGOREAN / 12,) * 11,
    "pythagorean": (0.0,) * 11,
    "meantone": (SYNTONIC / 4,) * 11,
    # Werckmeister 1691, number III: C-G, G-D, D-A and B-F# by a quarter of the Pythagorean comma.
    "werckmeister": tuple(PYTHAGOREAN / 4 * on for on in (0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0)),
    # Kirnberger 1779, number III: C-G, G-D, D-A and A-E by a quarter of the syntonic comma, F#-C# by the schisma.
    "kirnberger": (*(SYNTONIC / 4 * on for on in (0, 0, 0, 1, 1, 1, 1, 0, 0)), PYTHAGOREAN - SYNTONIC, 0.0),
    # Vallotti, about 1779: the six fifths of the white keys by a sixth of the Pythagorean comma.
    "vallotti": tuple(PYTHAGOREAN / 6 * on for on in (0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0)),
}
_E_FLAT, _A = 3, 9  # pitch classes


def cents(temperament: str) -> np.ndarray:
    """(12,) deviation of each pitch class, C first, from equal temperament; A is 0.

    Raises
    ------
    UsageError
        When there is no such temperament.
    """
    if temperament not in NARROWED:
        raise UsageError(f"temperament {temperament}: choose one of {', '.join(NARROWED)}")
    steps = PURE_FIFTH - np.array(NARROWED[temperament]) - 700.0
    along = np.concatenate([[0.0], np.cumsum(steps)])
    deviation = np.empty(12)
    deviation[(_E_FLAT + 7 * np.arange(12)) % 12] = along
    return deviation - deviation[_A]


def ratios(a4: float = A4_HZ, temperament: str = "equal") -> np.ndarray:
    """(88,) factors on the frequencies of the keys 21..108.

    Raises
    ------
    UsageError
        When the pitch is none that a piano is tuned to, or there is no such temperament.
    """
    check_a4(a4)
    deviation = cents(temperament)[np.arange(LOWEST, HIGHEST + 1) % 12]
    return np.asarray(a4 / A4_HZ * 2.0 ** (deviation / 1200))
