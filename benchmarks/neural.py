"""The networks of sound and their vocoders beside the engines: ``python benchmarks/neural.py CORPUS [--samples DIR]``.

CORPUS is what tools/sound_corpus.py made. For each of its instruments prints Markdown, everything measured by
`perfsynth.evaluate.audio` on the held-out recordings, mono:

1. engines and networks that are given the performance;
2. vocoders that are given the bands of the recording itself, and the performance;
3. the ladder.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from seed_systems import RATE, averaged, held_out, ladder, markdown, mono, reference, untrained

from perfsynth import formats
from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.evaluate.audio import distances
from perfsynth.synth.core import synthesize
from perfsynth.synth.spectrogram import measured, synthesize_spectrogram
from perfsynth.types import AudioStream, Performance
from perfsynth.vocode.core import vocode

MEASURES = (
    "log_mel_16k", "log_mel_44k", "absolute_db", "chroma", "spectrogram", "tonality", "flatness_db", "onset_f1",
)  # fmt: skip
NETWORK = {"neural": "perfsynth-44k", "deep-performer": "deep-performer-16k"}  # and the bands that it predicts
VOCODERS = {
    "perfsynth-44k": ("source-filter", "griffin-lim"),
    "deep-performer-16k": ("source-filter", "griffin-lim", "hifigan"),
}

Maker = Callable[[Recording, Performance], AudioStream]


def predicted(model: str, vocoder: str, instrument: str) -> Maker:
    """The bands of a network, sounded."""
    return lambda recording, played: vocode(
        synthesize_spectrogram(played, model=model, instrument=instrument), model=vocoder
    )


def given(preset: str, vocoder: str) -> Maker:
    """The recording's own bands, sounded."""

    def make(recording: Recording, played: Performance) -> AudioStream:
        audio = formats.read_audio(Path(recording.audio).read_bytes(), name=recording.audio)
        return vocode(replace(measured(audio.stream(), preset), performance=played), model=vocoder)

    return make


def systems(instrument: str, samples: str | None) -> dict[str, Maker]:
    """All there is to measure, by name."""

    def alone(make: Callable[[Performance], AudioStream]) -> Maker:
        return lambda recording, played: make(played)

    found = {name: alone(make) for name, make in untrained(instrument).items()}
    if samples:
        found["sampler"] = alone(partial(synthesize, engine="sampler", samples=samples))
    for model, preset in NETWORK.items():
        for vocoder in VOCODERS[preset]:
            found[f"{model}'s bands, {vocoder}"] = predicted(model, vocoder, instrument)
    for preset, vocoders in VOCODERS.items():
        for vocoder in vocoders:
            found[f"true bands, {preset}, {vocoder}"] = given(preset, vocoder)
    return found


def row(make: Maker, corpus: Path, instrument: str) -> dict[str, float]:
    """Mean distances from the held-out recordings, and CPU seconds a second of audio."""
    rows, spent_s, heard_s = [], 0.0, 0.0
    for recording, played in held_out(corpus, instrument, scored=False):
        wanted = reference(recording)
        began = time.process_time()
        made = mono(make(recording, played), len(wanted))
        spent_s, heard_s = spent_s + time.process_time() - began, heard_s + len(wanted) / RATE
        rows.append(distances(made, wanted).mean())
    return averaged(rows, MEASURES) | {"rtf": spent_s / heard_s}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--samples", help="folder of the Salamander")
    chosen = parser.parse_args()
    for instrument in dict.fromkeys(recording.instrument for recording in read_recordings(chosen.corpus)):
        figures = {
            name: row(make, chosen.corpus, instrument) for name, make in systems(instrument, chosen.samples).items()
        }
        figures |= ladder(chosen.corpus, instrument, MEASURES)
        lines = [
            [name, *(f"{found[key]:.3f}" for key in MEASURES), f"{found['rtf']:.2f}" if "rtf" in found else ""]
            for name, found in figures.items()
        ]
        print(f"Against {instrument}:\n\n" + markdown([instrument, *MEASURES, "CPU s per s"], lines), flush=True)


if __name__ == "__main__":
    main()
