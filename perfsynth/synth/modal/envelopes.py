"""How the modes of a key sound on, seen through windows that tell them apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfsynth.synth.modal.grid import FLOOR_LN, N_TIMES, ONSET, RATE, TIMES_S

TAIL_S = 0.6  # the end of a recording, which is faded, is not trusted
REFINED_S = 2.0  # of each recording that frequencies are refined on
MAX_SHIFT = 0.002  # of the frequency, 3.5 cents: more is another partial
LOUD_SHARE = 0.75  # exponent of energy by which louder layers do not outweigh the others
ALTERNATIONS = 5
_BATCH = 256  # frames at once


@dataclass(frozen=True)
class Shared:
    """Modes of one key in all its layers: layer l sounds as gain[l] * exp(ln_amplitude + 1j * phase)."""

    ln_amplitude: np.ndarray  # (k, 2, N_TIMES)
    phase: np.ndarray  # (k, 2, N_TIMES) radians beside what the frequency turns from sample 0 on
    gain: np.ndarray  # (n_layers, k, 2) complex

    def layer(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        """(k, 2, N_TIMES) ln amplitude and phase of one layer."""
        gain = self.gain[layer][:, :, None]
        return self.ln_amplitude + np.log(np.abs(gain) + 1e-9), self.phase + np.angle(gain)

    def and_also(self, other: Shared) -> Shared:
        """These modes and others."""
        return Shared(
            np.concatenate([self.ln_amplitude, other.ln_amplitude]),
            np.concatenate([self.phase, other.phase]),
            np.concatenate([self.gain, other.gain], axis=1),
        )


def shared(layers: list[np.ndarray], hz: np.ndarray, width_s: float) -> Shared:
    """The envelopes that recordings (n, 2) of one key have in common, seen through a window of `width_s`."""
    width, hop = window(width_s)
    trusted_frames = [max(int((len(samples) - TAIL_S * RATE) / hop), 8) for samples in layers]
    trusted = (np.arange(max(trusted_frames)) < np.array(trusted_frames)[:, None]).astype(np.float32)
    parts = []
    for channel in range(2):
        followed = np.zeros((*trusted.shape, len(hz)), np.complex64)
        for row, samples in zip(followed, layers, strict=True):
            found = follow(samples[:, channel], hz, width, hop)[: len(row)]
            row[: len(found)] = found
        course, gain = _rank_1(followed, trusted)
        parts.append((*_on_grid(course, hop / RATE), gain))
    ln, phase, gain = zip(*parts, strict=True)
    return Shared(np.stack(ln, axis=1), np.stack(phase, axis=1), np.stack(gain, axis=2))


def _rank_1(followed: np.ndarray, trusted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n_frames, k) course and (n_layers, k) gain whose products are nearest to followed[l, t, k]."""
    energy = np.maximum((np.abs(followed) ** 2 * trusted[:, :, None]).sum(axis=1), 1e-20)
    weight = (energy**-LOUD_SHARE).astype(np.float32)
    course = followed[-1]
    for _ in range(ALTERNATIONS):
        gain = _projected(followed, course, trusted)
        above = np.einsum("lk,ltk,lt->tk", np.conj(gain) * weight, followed, trusted, optimize=True)
        below = np.einsum("lk,lt->tk", np.abs(gain) ** 2 * weight, trusted, optimize=True)
        course = above / np.maximum(below, 1e-20)
    return course, _projected(followed, course, trusted)


def _projected(followed: np.ndarray, course: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """(n_layers, k) how much of `course` is in each layer."""
    above = np.einsum("tk,ltk,lt->lk", np.conj(course), followed, trusted, optimize=True)
    below = np.einsum("tk,lt->lk", np.abs(course) ** 2, trusted, optimize=True)
    return np.asarray(above / np.maximum(below, 1e-20))


def _on_grid(course: np.ndarray, hop_s: float) -> tuple[np.ndarray, np.ndarray]:
    """(k, N_TIMES) ln amplitude and phase around each time of the grid; past the end they go on as they were."""
    ln = np.log(np.abs(course) + 1e-12)
    phase = np.unwrap(np.angle(course), axis=0)
    weights = hats(len(course), hop_s)
    last = max(int(np.searchsorted(TIMES_S, len(course) * hop_s)) - 2, 4)
    turned = (weights @ phase).T
    turned[:, last + 1 :] = turned[:, last : last + 1]
    return continued(np.maximum((weights @ ln).T, FLOOR_LN), last), turned


def hats(n_frames: int, hop_s: float) -> np.ndarray:
    """(N_TIMES, n_frames) averages around each time, triangles that reach to the next ones."""
    at = np.arange(n_frames) * hop_s
    weights = np.zeros((N_TIMES, n_frames))
    for i, t in enumerate(TIMES_S):
        left = max(t - TIMES_S[i - 1], hop_s) if i else hop_s
        right = max(TIMES_S[i + 1] - t, hop_s) if i + 1 < N_TIMES else hop_s
        reach = min(left, right)  # a mean over more on one side would be one of another time
        weights[i] = np.maximum(1 - np.abs(at - min(t, at[-1])) / reach, 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def voiced(
    hz: np.ndarray, ln_amplitude: np.ndarray, phase: np.ndarray, ramp: float, n_samples: int, *, onset: int = ONSET
) -> np.ndarray:
    """(n_samples, 2) float32: modes alone, undamped; (k, 2, N_TIMES) nepers and radians."""
    from perfsynth.synth.modal._modal_numba import add_partials

    out = np.zeros((n_samples, 2), np.float32)
    whole = np.array([0.0, n_samples + 1.0])
    add_partials(
        out, 0, 0, 2 * np.pi * hz / RATE, ln_amplitude.astype(np.float32), phase.astype(np.float32),
        TIMES_S * RATE, whole, np.zeros(2), float(onset), float(ramp),
    )  # fmt: skip
    return out


def refined(layers: list[np.ndarray], hz: np.ndarray, width_s: float) -> np.ndarray:
    """Frequencies at which the phases of the modes stand still, over the time in which they are loud."""
    width, hop = window(width_s)
    turning = np.zeros(len(hz), complex)
    for samples in layers:
        for channel in range(2):
            envelopes = follow(samples[: round(REFINED_S * RATE), channel], hz, width, hop)[width // hop :]
            products = (envelopes[1:] * np.conj(envelopes[:-1])).sum(axis=0)
            turning += products / max(float(np.abs(products).max(initial=0.0)), 1e-30)
    shift = np.angle(turning) * RATE / (2 * np.pi * hop)
    return hz + np.where(np.abs(shift) < MAX_SHIFT * hz, shift, 0.0)


def window(width_s: float) -> tuple[int, int]:
    """Width and hop in samples."""
    return int(width_s * RATE), int(np.clip(width_s / 6, 0.003, 0.015) * RATE)


def follow(x: np.ndarray, hz: np.ndarray, width: int, hop: int) -> np.ndarray:
    """(n_frames, k) complex amplitude around each frame, phases referred to sample 0."""
    half = width // 2
    offsets = np.arange(-half, half)
    hann = 0.5 + 0.5 * np.cos(np.pi * offsets / half)
    kernel = (hann[:, None] * np.exp(-2j * np.pi * offsets[:, None] * hz / RATE)).astype(np.complex64)
    padded = np.pad(x.astype(np.float32), half)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[::hop]
    centres = np.arange(len(frames)) * hop
    # Before the string sounds there is nothing: only the part of the window after it counts.
    covered = np.concatenate([[0.0], np.cumsum(hann)])
    before = np.clip(ONSET - centres + half, 0, 2 * half)
    mass = np.maximum(covered[-1] - covered[before], 0.15 * covered[-1])
    basis = np.concatenate([kernel.real, kernel.imag], axis=1)
    parts = [frames[start : start + _BATCH] @ basis for start in range(0, len(frames), _BATCH)]
    product = np.concatenate(parts)
    n = len(hz)
    angle = (-2 * np.pi * ((centres[:, None] * hz / RATE) % 1.0)).astype(np.float32)
    size = (2 / mass[:, None]).astype(np.float32)
    turned = np.empty(angle.shape, np.complex64)
    turned.real, turned.imag = size * np.cos(angle), size * np.sin(angle)
    found = np.empty(angle.shape, np.complex64)
    found.real, found.imag = product[:, :n], product[:, n:]
    return found * turned


def continued(ln: np.ndarray, last: int) -> np.ndarray:
    """Values after `last` on the line through the seconds before it, at least as steep as 0.2 nepers a second."""
    if last >= N_TIMES - 1:
        return ln
    first = max(0, last - 6)
    span = TIMES_S[last] - TIMES_S[first]
    slope = np.minimum((ln[:, last] - ln[:, first]) / span, -0.2)
    ln = ln.copy()
    ln[:, last + 1 :] = ln[:, last, None] + slope[:, None] * (TIMES_S[last + 1 :] - TIMES_S[last])
    return np.maximum(ln, FLOOR_LN)
