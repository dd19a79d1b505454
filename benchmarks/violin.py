"""What sounds a held-out violin recording how well: ``python benchmarks/violin.py CORPUS [--weights RUN/best]``.

CORPUS is what perfsynth data sounds made of the Bach Violin Dataset. Prints Markdown: vocoders on the recording's own
bands, then whole systems on its aligned notes, each by `perfsynth.evaluate.audio` against the recording.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from perfsynth import formats
from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.dsp.colouring import coloured
from perfsynth.dsp.mel import PRESETS, spectrogram
from perfsynth.dsp.resample import resample
from perfsynth.evaluate.audio import distances
from perfsynth.synth.bowed import colour, strings
from perfsynth.synth.core import synthesize
from perfsynth.synth.roll import sounding
from perfsynth.synth.spectrogram import synthesize_spectrogram
from perfsynth.types import Audio, AudioStream, Part, Performance, Spectrogram
from perfsynth.vocode.core import vocode

PRESET = PRESETS["deep-performer-16k"]
RATE = 44100
MEASURES = ("log_mel_16k", "spectral_convergence", "chroma", "tonality", "flatness_db", "frechet", "onset_f1")
VIOLIN = 40  # General MIDI


def mono(stream: AudioStream, sample_rate: int, n_samples: int) -> np.ndarray:
    """(n_samples,) of a stream at a rate."""
    samples = resample(stream, sample_rate).audio().samples.mean(axis=1)[:n_samples]
    return np.pad(samples, (0, n_samples - len(samples))).astype(np.float32)


def cut(performance: Performance, length_s: float) -> Performance:
    """The notes that begin within a time."""
    notes = performance.notes
    return replace(performance, notes=notes[notes["onset_s"] < length_s])


def systems(
    performance: Performance, recording: Recording, recorded: np.ndarray, a4: float, weights: str | None,
    performancenet: str | None, hifigan: str | None,
) -> dict[str, Callable[[], AudioStream]]:  # fmt: skip
    """What there is to compare, by name; each is made when it is called."""
    bands = Spectrogram(spectrogram(recorded, PRESET), PRESET.name)
    how: dict[str, Any] = {"instrument": recording.instrument, "weights": weights}
    parted = replace(performance, parts=(Part("violin", VIOLIN),))

    def bowed() -> AudioStream:
        source = strings(sounding(performance), rate=PRESET.sample_rate, a4=a4)
        return AudioStream(coloured(source, bands.values, PRESET, colour=colour(PRESET)), PRESET.sample_rate, 2)

    def predicted(vocoder: str, of: str | None) -> AudioStream:
        made = synthesize_spectrogram(performance, model="deep-performer", **how)
        return vocode(made, model=vocoder, weights=of) if of else vocode(made, model=vocoder)

    found: dict[str, Callable[[], AudioStream]] = {
        "its own bands, bowed": bowed,
        "its own bands, griffin-lim": lambda: vocode(bands, model="griffin-lim"),
        "deep-performer, bowed": lambda: synthesize(performance, engine="violin", a4=a4, **how),
        "deep-performer, griffin-lim": lambda: predicted("griffin-lim", None),
        "fluidsynth, MuseScore General": lambda: synthesize(parted, engine="fluidsynth"),
    }
    if performancenet:
        found["performancenet, griffin-lim"] = lambda: synthesize(
            performance, engine="performancenet", weights=performancenet
        )
    if hifigan:
        found["its own bands, hifigan"] = lambda: vocode(bands, model="hifigan", weights=hifigan)
        found["deep-performer, hifigan"] = lambda: predicted("hifigan", hifigan)
    return found


def levelled(made: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """As loud as the recording."""
    return made * np.sqrt(np.mean(recorded**2) / max(float(np.mean(made**2)), 1e-12))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--weights", help="of deep-performer; else those that ship")
    parser.add_argument("--performancenet", metavar="DIR", help="weights of one")
    parser.add_argument("--hifigan", metavar="DIR", help="weights of one")
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--cents", type=float, default=23.0, help="of the violin above 440 Hz, as align says")
    chosen = parser.parse_args()
    recording = next(row for row in read_recordings(chosen.corpus) if row.split == "valid")
    played = formats.read_performance(Path(recording.performance).read_bytes(), name=recording.performance)
    performance = cut(played, chosen.seconds)
    audio = formats.read_audio(Path(recording.audio).read_bytes(), name=recording.audio)
    low, high = (mono(audio.stream(), rate, round(chosen.seconds * rate)) for rate in (PRESET.sample_rate, RATE))
    # At 16 kHz there and back, since that is all that the systems have.
    heard = mono(Audio(low[:, None], PRESET.sample_rate).stream(), RATE, len(high))
    print("| | " + " | ".join(MEASURES) + " |\n|---" + "|---" * len(MEASURES) + "|")
    a4 = 440.0 * 2.0 ** (chosen.cents / 1200)
    found = systems(performance, recording, low, a4, chosen.weights, chosen.performancenet, chosen.hifigan)
    for name, make in found.items():
        limited = mono(make(), PRESET.sample_rate, len(low))
        made = levelled(mono(Audio(limited[:, None], PRESET.sample_rate).stream(), RATE, len(high)), heard)
        row = distances(made[:, None], heard[:, None]).mean()
        print(f"| {name} | " + " | ".join(f"{row[key]:.3f}" for key in MEASURES) + " |", flush=True)


if __name__ == "__main__":
    main()
