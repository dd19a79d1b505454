"""Strings that nobody struck but nobody damps either: they answer to what the others play.

Two strings on one bridge drive each other as fast as each loses energy to it (Weinreich 1977), so a free mode at
complex frequency s answers to the sound x of the instrument with p' = s p - c x, c a share of its own decay rate,
p its part of the sound. The modes are the partials of the piano below `MAX_HZ`, with the decay and the colour that
they have when they are struck; they run at a sixth of the sample rate. A string that sounds by itself is driven
the less the more of the sound is its own.
"""

from __future__ import annotations

import numpy as np

from perfsynth.synth.action import HIGHEST, LOWEST, N_KEYS, Strikes, damping_s
from perfsynth.synth.modal.grid import FLOOR_LN, RATE, TIMES_S
from perfsynth.synth.modal.model import ModalPiano

BRIDGE_SHARE = 0.25  # of a string's loss goes into the bridge
DOWN = 6  # by which the sample rate of the modes is lower
LOW_RATE = RATE // DOWN  # Hz
MAX_HZ = 3400.0
MAX_MODES = 40  # of one string
STEP = 64  # samples at `LOW_RATE`, 8 ms: dampers move that often
LEAST_DECAY, MOST_DECAY = 0.1, 30.0  # nepers a second
DECAY_FROM_S = 0.15  # after the attack
N_TAPS = 145  # of the filter that changes rates: 80 dB from MAX_HZ to LOW_RATE - MAX_HZ


class Resonance:
    """The free strings of one performance; blocks have to come in order.

    Parameters
    ----------
    piano
        Whose strings they are.
    strikes
        Which strings are struck, which are free.
    ratios
        (88,) factors on the frequencies of the keys.
    level
        (n,) rms of each strike at full scale.
    amount
        1 is what physics gives.
    """

    def __init__(
        self, piano: ModalPiano, strikes: Strikes, *, ratios: np.ndarray, level: np.ndarray, amount: float = 1.0
    ) -> None:
        self._strikes, self._level = strikes, level
        modes = [_modes(piano, key, float(ratios[key - LOWEST])) for key in range(LOWEST, HIGHEST + 1)]
        self._string = np.repeat(np.arange(N_KEYS), [len(hz) for hz, _, _ in modes])
        hz, decay = (np.concatenate([mode[i] for mode in modes]) for i in range(2))
        pole = np.exp((2j * np.pi * hz - decay) / LOW_RATE)
        self._pole = np.stack([pole.real, pole.imag]).astype(np.float32)
        self._coupling = (-2 * amount * BRIDGE_SHARE * decay / LOW_RATE).astype(np.float32)
        heard = np.concatenate([shape for _, _, shape in modes])
        self._shape = np.stack([f(heard[:, c]) for c in range(2) for f in (np.real, np.imag)]).astype(np.float32)
        # How a string that was struck falls by itself: as its lowest modes do.
        self._decay = np.array([np.median(decay[:4]) if len(decay) else MOST_DECAY for _, decay, _ in modes])
        self._rate = 1 / damping_s(np.arange(LOWEST, HIGHEST + 1))
        self._state = np.zeros((2, len(hz)), np.float32)
        self._taps = _low_pass()
        self._past = np.zeros(N_TAPS - 1)
        self._past_low = np.zeros((len(self._taps) // DOWN, 2))

    def answer(self, block: np.ndarray, begin: int) -> np.ndarray:
        """(n, 2) float32: what the free strings add to a block of the piano, whose first sample is `begin`."""
        from perfsynth.synth.modal._resonance_numba import ring

        heard = np.concatenate([self._past, block.mean(axis=1)])
        self._past = heard[len(block) :]
        first, last = -(-begin // DOWN), (begin + len(block) - 1) // DOWN
        windows = np.lib.stride_tricks.sliding_window_view(heard, N_TAPS)[first * DOWN - begin :: DOWN]
        drive = (windows @ self._taps[N_TAPS - 1 :: -1]).astype(np.float32)
        damping, gain = self._freedom(first, last)
        low = ring(
            drive, first, STEP, damping, gain, self._string, self._pole, self._coupling, self._shape, self._state
        )
        return self._raised(low, begin, len(block), first)

    def _raised(self, low: np.ndarray, begin: int, n_samples: int, first: int) -> np.ndarray:
        """`low` at the full rate; it starts with low sample `first`, the first at or after `begin`."""
        n_past = len(self._past_low)
        joined = np.concatenate([self._past_low, low])
        self._past_low = joined[len(joined) - n_past :]
        # The low sample of `begin` itself is `first`, or one before where `begin` lies between two.
        skipped = begin // DOWN - first + n_past
        windows = np.lib.stride_tricks.sliding_window_view(joined, n_past, axis=0)[skipped - n_past + 1 :]
        phases = self._taps.reshape(-1, DOWN)[::-1] * DOWN  # (n_past, DOWN)
        made = np.stack([(windows[:, channel] @ phases).ravel() for channel in range(2)], axis=1)
        return made[begin % DOWN :][:n_samples].astype(np.float32)

    def _freedom(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """(n_steps, 88) what a low sample leaves of each string's amplitude, and how far the string is driven."""
        strikes = self._strikes
        t = np.arange(first // STEP, max(last, first) // STEP + 1) * (STEP / LOW_RATE)
        contact = np.repeat(
            strikes.damper_contact[np.searchsorted(strikes.damper_s, t, side="right") - 1][:, None], N_KEYS, axis=1
        )
        for k in range(N_KEYS):
            holds = slice(strikes.hold_offset[k], strikes.hold_offset[k + 1])
            at = np.searchsorted(strikes.hold_start_s[holds], t, side="right") - 1
            contact[(at >= 0) & (t < np.append(strikes.hold_end_s[holds], 0.0)[at]), k] = 0.0
        contact[:, self._rate == 0] = 0.0
        damping = np.exp(-contact * self._rate / LOW_RATE)
        return damping.astype(np.float32), ((1 - contact) * (1 - self._own(t))).astype(np.float32)

    def _own(self, t: np.ndarray) -> np.ndarray:
        """(n_times, 88) the share of the sound that is each string's own, 0 to 1."""
        strikes = self._strikes
        power = np.zeros((len(t), N_KEYS))
        for i in np.flatnonzero((strikes.onset_s <= t[-1]) & (strikes.end_s > t[0])):
            k = strikes.key[i] - LOWEST
            ln = strikes.ln_damping(int(i), t) - self._decay[k] * np.maximum(t - strikes.onset_s[i], 0.0)
            power[:, k] += self._level[i] ** 2 * np.exp(2 * ln)
        return np.sqrt(power / np.maximum(power.sum(axis=1, keepdims=True), 1e-30))


def _modes(piano: ModalPiano, key: int, ratio: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hz, nepers a second and (n_modes, 2) complex colour left and right of the modes of one string."""
    index = int(np.abs(piano.keys - key).argmin())
    speed = 2.0 ** ((key - piano.keys[index]) / 12) * ratio
    rows = slice(piano.offset[index], piano.offset[index] + piano.n_partials[index])
    hz = piano.hz[rows] * speed
    kept = (hz < MAX_HZ) & (np.arange(len(hz)) < MAX_MODES)
    ln = np.logaddexp(*(2 * piano.envelope[rows][kept]).transpose(1, 0, 2)) / 2
    weight = np.clip((ln - FLOOR_LN - 2) / 2, 1e-6, 1) * (TIMES_S >= DECAY_FROM_S)
    centre = (weight * TIMES_S).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    along = weight * (TIMES_S - centre)
    slope = (along * ln).sum(axis=1) / (along * (TIMES_S - centre)).sum(axis=1)
    level = np.exp(piano.envelope[rows][kept][:, :, TIMES_S >= DECAY_FROM_S][:, :, :8].mean(axis=2))
    level /= np.sqrt((level**2).mean(axis=1, keepdims=True))
    phase = piano.phase[rows][kept][:, :, 10]
    return hz[kept], np.clip(-slope * speed, LEAST_DECAY, MOST_DECAY), level * np.exp(1j * phase)


def _low_pass() -> np.ndarray:
    """A linear-phase low-pass half way between the modes and their mirror images, padded to whole phases."""
    at = np.arange(N_TAPS) - N_TAPS // 2
    taps = np.sinc(at / DOWN) / DOWN * np.kaiser(N_TAPS, 8.0)
    return np.pad(taps, (0, -N_TAPS % DOWN))
