"""The networks of sound and their vocoders beside the engines: ``python benchmarks/neural.py CORPUS [--samples DIR]``.

CORPUS is what tools/sound_corpus.py made. For each of its instruments prints Markdown, everything measured by
`perfsynth.evaluate.audio` on the held-out recordings, mono:

1. engines and networks that are given the performance;
2. vocoders that are given the bands of the recording itself, and the performance;
3. the ladder;

and then vocoders that are given the bands of the recording as it sounds in a hall. ``--wander`` prints nothing but how
far the partials of held notes stray, in cents.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import seed_systems
from seed_systems import RATE, averaged, held_out, ladder, markdown, mono, untrained

from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.evaluate.audio import distances
from perfsynth.evaluate.partials import steadiness
from perfsynth.synth.core import synthesize
from perfsynth.synth.modal.room import RoomName, in_room
from perfsynth.synth.spectrogram import measured, synthesize_spectrogram
from perfsynth.types import PERFORMED_NOTE, AudioStream, Performance
from perfsynth.vocode.core import vocode

MEASURES = (
    "log_mel_16k", "log_mel_44k", "absolute_db", "chroma", "spectrogram", "tonality", "flatness_db", "onset_f1",
)  # fmt: skip
NETWORK = {"neural": "perfsynth-44k", "deep-performer": "deep-performer-16k"}  # and the bands that it predicts
VOCODERS = {
    "perfsynth-44k": ("neural", "source-filter", "griffin-lim"),
    "deep-performer-16k": ("source-filter", "griffin-lim", "hifigan"),
}

HALL: RoomName = "hall"
HELD_KEYS = (36, 48, 60, 72)

Maker = Callable[[Recording, Performance], AudioStream]


def predicted(model: str, vocoder: str, instrument: str) -> Maker:
    """The bands of a network, sounded."""
    return lambda recording, played: vocode(
        synthesize_spectrogram(played, model=model, instrument=instrument), model=vocoder
    )


def given(preset: str, vocoder: str, room: RoomName = "dry") -> Maker:
    """The recording's own bands, in a room, sounded."""

    def make(recording: Recording, played: Performance) -> AudioStream:
        heard = AudioStream([reference(recording, room)], RATE, 1, 0.0)
        return vocode(replace(measured(heard, preset), performance=played), model=vocoder)

    return make


def reference(recording: Recording, room: RoomName = "dry") -> np.ndarray:
    """(n, 1) at 44.1 kHz."""
    dry = seed_systems.reference(recording)
    if room == "dry":
        return dry
    stereo = np.concatenate(list(in_room([np.repeat(dry, 2, axis=1)], room, rate=RATE, seed=0)))
    return stereo.mean(axis=1, keepdims=True)[: len(dry)]


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


def row(make: Maker, corpus: Path, instrument: str, room: RoomName = "dry") -> dict[str, float]:
    """Mean distances from the held-out recordings, and CPU seconds a second of audio."""
    rows, spent_s, heard_s = [], 0.0, 0.0
    for recording, played in held_out(corpus, instrument, scored=False):
        wanted = reference(recording, room)
        began = time.process_time()
        made = mono(make(recording, played), len(wanted))
        spent_s, heard_s = spent_s + time.process_time() - began, heard_s + len(wanted) / RATE
        rows.append(distances(made, wanted).mean())
    return averaged(rows, MEASURES) | {"rtf": spent_s / heard_s}


def wander() -> str:
    """Markdown: how far partials of single notes stray, 0.5 to 3 s after their onsets, in cents."""
    lines = []
    for key in HELD_KEYS:
        notes = np.array([("n1", 0.1, 4.0, key, 80, 0)], PERFORMED_NOTE)
        played = Performance(notes)
        bands = synthesize_spectrogram(played, model="neural")
        made = [synthesize(played, engine=name, sample_rate=RATE) for name in ("modal", "neural")]
        made += [vocode(bands, model=name) for name in VOCODERS["perfsynth-44k"]]
        sounds = (mono(stream, 4 * RATE)[round(0.6 * RATE) : round(3.1 * RATE), 0] for stream in made)
        lines.append([str(key), *(f"{steadiness(sound, RATE, key).wander_cents:.2f}" for sound in sounds)])
    head = ["key", "modal", "neural", *(f"bands of neural, {name}" for name in VOCODERS["perfsynth-44k"])]
    return markdown(head, lines)


def table(instrument: str, figures: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    lines = [
        [name, *(f"{found[key]:.3f}" for key in MEASURES), f"{found['rtf']:.2f}" if "rtf" in found else ""]
        for name, found in figures.items()
    ]
    return markdown([instrument, *MEASURES, "CPU s per s"], lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--samples", help="folder of the Salamander")
    parser.add_argument("--wander", action="store_true")
    chosen = parser.parse_args()
    if chosen.wander:
        print(wander())
        return
    for instrument in dict.fromkeys(recording.instrument for recording in read_recordings(chosen.corpus)):
        figures = {
            name: row(make, chosen.corpus, instrument) for name, make in systems(instrument, chosen.samples).items()
        }
        figures |= ladder(chosen.corpus, instrument, MEASURES)
        print(f"Against {instrument}:\n\n" + table(instrument, figures), flush=True)
        there = {
            f"true bands, {preset}, {vocoder}": row(given(preset, vocoder, HALL), chosen.corpus, instrument, HALL)
            for preset, vocoders in VOCODERS.items()
            for vocoder in vocoders
        }
        print(f"Against {instrument} in a hall:\n\n" + table(instrument, there), flush=True)


if __name__ == "__main__":
    main()
