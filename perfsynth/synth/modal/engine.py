"""``modal``: sounds a performance on a modal piano."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from perfsynth.dsp.pitches import A4_HZ
from perfsynth.errors import UsageError
from perfsynth.folders import shipped
from perfsynth.synth.action import LOWEST, MAX_RING_S, Strikes, strike
from perfsynth.synth.modal.ending import LASTING_S, LEAST_FALL, ended, lasting
from perfsynth.synth.modal.grid import FRAME, HOP, ONSET, RATE, TIMES_S, band_weights
from perfsynth.synth.modal.lid import LidName, under_lid
from perfsynth.synth.modal.model import ATTACK_S, ModalPiano, attack_fade, load
from perfsynth.synth.modal.pedals import pedal_gain_ln, pedal_noise, pedal_span, una_corda
from perfsynth.synth.modal.resonance import Resonance
from perfsynth.synth.modal.room import RoomName, followed, in_room
from perfsynth.synth.modal.room import tail_s as room_tail_s
from perfsynth.synth.modal.setting import Setting
from perfsynth.synth.modal.tuning import ratios
from perfsynth.synth.voicing import HEADROOM, RELEASE_GAIN, layer_gains
from perfsynth.types import AudioStream, Performance

Variant = Literal["E2", "A"]
VARIANTS = ("E2", "A")
CHUNK = RATE  # samples: one second; noise is seeded anew in each
DEFAULT = "modal-salamander"
TAIL_S = 1.0  # for the noise of the last key coming up


@lru_cache(maxsize=2)
def piano_of(folder: str | None) -> ModalPiano:
    """The piano of a folder, or the one that comes with the package."""
    return load(Path(folder) if folder else shipped(DEFAULT))


def stream(
    performance: Performance,
    *,
    piano: str | None = None,
    variant: Variant = "E2",
    lid: LidName = "open",
    room: RoomName = "dry",
    a4: float = A4_HZ,
    temperament: str = "equal",
    resonance: float = 1.0,
    pedal_noise: float = 1.0,
    una_corda: float = 1.0,
    seed: int = 0,
) -> AudioStream:
    """Sound a performance; see `perfsynth.synth.core.synthesize`.

    Parameters
    ----------
    performance
        Played on one piano, whatever its parts.
    piano
        A folder made by `perfsynth.synth.modal.model.save`; the Salamander grand by default.
    variant
        ``E2`` with recorded attacks, or ``A``, smooth, from modes and noise alone but for keys coming up.
    lid
        ``open``, ``half`` or ``closed``.
    room
        ``dry``, ``studio`` or ``hall``.
    a4
        Concert pitch in Hz.
    temperament
        One of `perfsynth.synth.modal.tuning.NARROWED`.
    resonance
        How strongly free strings answer, 1 as in a piano, 0 not at all.
    pedal_noise
        How loud the sustain pedal is, 1 as in a piano, 0 silent.
    una_corda
        How far the soft pedal changes the colour, 1 as in a piano, 0 not at all; it softens in any case.
    seed
        Of the noise and the room.

    Raises
    ------
    InputError
        When the folder holds no modal piano.
    UsageError
        When there is no such variant, lid, room or tuning, or a strength is not 0 to 1.
    """
    if variant not in VARIANTS:
        raise UsageError(f"variant {variant!r}: the modal piano has {' and '.join(VARIANTS)}")
    tail_s = room_tail_s(room)
    setting = Setting(variant == "A", ratios(a4, temperament), resonance, pedal_noise, una_corda, seed)
    strikes = strike(performance)
    player = Player(piano_of(piano), strikes, setting)
    least_s, most_s = spans_s(strikes)
    stamp = performance.made_by(
        "synth-audio", "modal", seed=seed, piano=piano or DEFAULT, variant=variant, lid=lid, room=room, a4=a4,
        temperament=temperament, resonance=resonance, pedal_noise=pedal_noise, una_corda=una_corda,
    )  # fmt: skip
    dry = ended(player.blocks(int(np.ceil(most_s * RATE))), int(np.ceil(least_s * RATE)))
    lidded = under_lid(followed(dry, round(tail_s * RATE), 2), lid, rate=RATE)
    blocks = in_room(lidded, room, rate=RATE, seed=seed)
    return AudioStream(blocks, RATE, 2, least_s + tail_s, **stamp)


def spans_s(strikes: Strikes) -> tuple[float, float]:
    """How long a performance sounds at the least, and at the most where no damper is left on its strings."""
    released_s = max([0.0, *(strikes.release_s + TAIL_S)])
    return released_s, max([0.0, *strikes.end_s, *(strikes.release_s + MAX_RING_S)])


@dataclass(frozen=True)
class Voice:
    """One strike, ready to sound."""

    key: int  # index of the analysed key
    onset: int  # samples
    end: int
    speed: float  # of the analysed key's recording
    omega: np.ndarray
    phase: np.ndarray
    ln_amplitude: np.ndarray
    ln_noise: np.ndarray
    times: np.ndarray
    break_at: np.ndarray
    break_ln: np.ndarray
    attacks: tuple[tuple[int, float], ...]  # layer, gain


class Player:
    """Makes blocks of sound out of strikes, one after the other; who sounds a part of them alone leaves some out."""

    def __init__(self, piano: ModalPiano, strikes: Strikes, setting: Setting) -> None:
        self.piano, self.strikes, self.setting = piano, strikes, setting
        self.is_smooth, self.seed = setting.is_smooth, setting.seed
        self.onsets = np.round(strikes.onset_s * RATE).astype(np.int64)
        self.key_index = np.abs(strikes.key[:, None] - piano.keys[None, :]).argmin(axis=1)
        self.level = piano.smooth_level if setting.is_smooth else piano.level
        self.layers, self.gains = layer_gains(
            strikes.velocity,
            strikes.soft,
            layer_velocity=piano.layer_velocity,
            level=self.level[self.key_index],
            likeness=piano.likeness[self.key_index],
            key_level=piano.key_level[self.key_index],
        )
        self.weights = band_weights().T.astype(np.float32)
        self.window = np.sqrt(np.hanning(FRAME + 1)[:FRAME]).astype(np.float32)
        # The recorded attack fades out by f, so the noise of the model comes in by 1 - f^2.
        fade = attack_fade(TIMES_S / ATTACK_S)
        self.noise_entry = np.zeros(len(TIMES_S)) if self.is_smooth else np.log(np.maximum(1 - fade**2, 1e-9))
        self.pedal_ln = pedal_noise(float(np.median(piano.key_level)) * setting.pedal_noise + 1e-12)

    def blocks(self, n_samples: int) -> Iterator[np.ndarray]:
        """(n, 2) float32 blocks of at most `CHUNK` samples."""
        answering = self.answering() if self.setting.resonance > 0 else None
        sounding: list[Voice] = []
        at = 0
        for begin in range(0, n_samples, CHUNK):
            stop = begin + CHUNK
            while at < len(self.onsets) and self.onsets[at] < stop + FRAME:
                sounding.append(self._voice(at))
                at += 1
            block = self._noise(begin, sounding)
            for voice in sounding:
                self._sound(block, begin, voice)
            self._releases(block, begin)
            if answering is not None:
                block += answering.answer(block, begin)
            sounding = [voice for voice in sounding if voice.end > stop - FRAME]
            yield (HEADROOM * block[: n_samples - begin]).astype(np.float32)

    def answering(self) -> Resonance:
        """The strings that are free to answer what is struck."""
        struck = (self.gains * np.take_along_axis(self.level[self.key_index], self.layers, axis=1)).sum(axis=1)
        setting = self.setting
        return Resonance(self.piano, self.strikes, ratios=setting.ratios, level=struck, amount=setting.resonance)

    def _voice(self, index: int) -> Voice:
        piano, strikes = self.piano, self.strikes
        key = int(self.key_index[index])
        speed = 2.0 ** ((strikes.key[index] - piano.keys[key]) / 12) * self.setting.ratios[strikes.key[index] - LOWEST]
        shares = [(int(n), float(g)) for n, g in zip(self.layers[index], self.gains[index], strict=True) if g > 0]
        mixed = np.sum([gain * piano.gain(key, layer) for layer, gain in shares], axis=0)
        ln_amplitude, phase = piano.waves(key, mixed)
        ln_noise = np.logaddexp.reduce([piano.ln_noise(key, layer) + 2 * np.log(gain) for layer, gain in shares])
        rows = piano.modes(key)
        if (soft := float(strikes.soft[index]) * self.setting.una_corda) > 0:
            ln_amplitude = una_corda(ln_amplitude, piano.hz[rows] * speed, soft)
        omega = 2 * np.pi * piano.hz[rows] * speed / RATE
        heard = omega < 0.95 * np.pi
        points = slice(strikes.breakpoint_offset[index], strikes.breakpoint_offset[index + 1])
        break_at = (strikes.breakpoint_s[points] - strikes.onset_s[index]) * RATE
        return Voice(
            key, int(self.onsets[index]), int(self.onsets[index] + break_at[-1]), speed, omega[heard],
            np.pad(phase[heard], ((0, 0), (0, 0), (0, 1)), "edge"), lasting(ln_amplitude[heard]).astype(np.float32),
            lasting(ln_noise + self.noise_entry, 2 * LEAST_FALL).astype(np.float32), LASTING_S * RATE / speed, break_at,
            strikes.breakpoint_ln[points], tuple(shares),
        )  # fmt: skip

    def _sound(self, block: np.ndarray, begin: int, voice: Voice) -> None:
        from perfsynth.synth.modal._modal_numba import add_partials, add_recording

        piano = self.piano
        start, ramp = ONSET / voice.speed, max(float(piano.ramp[voice.key]) / voice.speed, 1.0)
        add_partials(
            block, begin, voice.onset, voice.omega, voice.ln_amplitude, voice.phase, voice.times,
            voice.break_at, voice.break_ln, start, ramp,
        )  # fmt: skip
        if self.is_smooth or piano.attacks is None or piano.attack_scale is None:
            return
        for layer, gain in voice.attacks:
            add_recording(
                block, begin, voice.onset, piano.attacks[voice.key, layer], voice.speed,
                gain * float(piano.attack_scale[voice.key, layer]), voice.break_at, voice.break_ln,
            )  # fmt: skip

    def _noise(self, begin: int, sounding: list[Voice]) -> np.ndarray:
        """(CHUNK, 2) the noise of all voices, shaped once: its cost does not grow with the voices."""
        from perfsynth.synth.modal._modal_numba import add_noise

        around = FRAME // 2 // HOP
        first = begin // HOP - around
        n_frames = CHUNK // HOP + 2 * around
        power = np.zeros((n_frames, 2, self.weights.shape[0]))
        for voice in sounding:
            add_noise(power, first, HOP, voice.onset, voice.ln_noise, voice.times, voice.break_at, voice.break_ln)
        self._pedals(power, first)
        out = np.zeros((CHUNK + 2 * FRAME, 2), np.float32)
        if not power.any():
            return out[:CHUNK]
        gain = np.exp(0.5 * (np.log(power + 1e-30).astype(np.float32) @ self.weights)) * np.float32(np.sqrt(2 / FRAME))
        white = self._white(first * HOP - FRAME // 2, n_frames * HOP + FRAME)
        for channel in range(2):
            frames = np.lib.stride_tricks.sliding_window_view(white[:, channel], FRAME)[::HOP][:n_frames]
            spectrum = np.fft.rfft(frames * self.window, axis=1) * gain[:, channel]
            shaped = np.fft.irfft(spectrum, FRAME, axis=1) * self.window * (2 * HOP / FRAME)
            for i in range(FRAME // HOP):  # every fourth frame does not overlap
                part = shaped[i :: FRAME // HOP].reshape(-1)
                out[i * HOP : i * HOP + len(part), channel] += part
        lead = begin - (first * HOP - FRAME // 2)
        return out[lead : lead + CHUNK]

    def _pedals(self, power: np.ndarray, first: int) -> None:
        """Add the noise of the sustain pedal to the frames from `first` on."""
        from perfsynth.synth.modal._modal_numba import add_noise

        strikes, (break_at, break_ln) = self.strikes, pedal_span()
        if self.setting.pedal_noise == 0:
            return
        span = [first * HOP / RATE - break_at[-1] / RATE, (first + len(power)) * HOP / RATE]
        for i in range(*np.searchsorted(strikes.pedal_s, span)):
            ln = self.pedal_ln + pedal_gain_ln(strikes.pedal_speed[i], strikes.pedal_down[i])
            onset = round(float(strikes.pedal_s[i]) * RATE)
            add_noise(power, first, HOP, onset, ln, TIMES_S * RATE, break_at, break_ln)

    def _white(self, start: int, n_samples: int) -> np.ndarray:
        """(n, 2) white noise that depends on where it is in the piece, not on how it is asked for."""
        chunks = range(start // CHUNK, (start + n_samples - 1) // CHUNK + 1)
        parts = [_white(self.seed, chunk, CHUNK) for chunk in chunks]
        offset = start - chunks[0] * CHUNK
        return np.concatenate(parts)[offset : offset + n_samples]

    def _releases(self, block: np.ndarray, begin: int) -> None:
        from perfsynth.synth.modal._modal_numba import add_recording

        piano, strikes = self.piano, self.strikes
        if piano.release_keys is None or piano.release_scale is None or not piano.releases:
            return
        longest = max(len(noise) for noise in piano.releases)
        low, high = np.searchsorted(strikes.release_s, [(begin - longest) / RATE, (begin + CHUNK) / RATE])
        for i in range(low, high):
            noise = int(np.argmin(np.abs(piano.release_keys - strikes.release_key[i])))
            gain = RELEASE_GAIN * float(strikes.release_level[i]) * float(piano.release_scale[noise])
            onset = round(float(strikes.release_s[i]) * RATE)
            whole = np.array([0.0, float(len(piano.releases[noise]))])
            add_recording(block, begin, onset, piano.releases[noise], 1.0, gain, whole, np.zeros(2))


@lru_cache(maxsize=4)
def _white(seed: int, number: int, n_samples: int) -> np.ndarray:
    """(n_samples, 2) float32 white noise, another for every number."""
    key = np.array([seed % 2**64, number + 2**32], np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key))
    return generator.standard_normal((n_samples, 2), np.float32)
