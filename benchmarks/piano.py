"""The engine table: every piano against the sampled grand, on six human performances of (n)ASAP.

``python benchmarks/piano.py DATA [--samples SALAMANDER]`` prints three Markdown tables:

1. the distances of `perfsynth.evaluate` between each engine and the sampler, 20 s of each performance, stereo, dry,
   channel by channel: the mean over the performances, with the calibration ladder below it, whose last rung, another
   piano, are the rows of FluidSynth;
2. what each recording tells of the performance that it plays, with the sampler's own figures as the ceiling;
3. with ``--costs``, CPU seconds a second of audio and peak memory of the whole ``synth-audio`` command, on a dense
   and a sparse piece.

DATA is the folder of (n)ASAP, SALAMANDER where ``perfsynth data salamander fetch`` has put the samples.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr

from perfsynth import fluid, formats
from perfsynth.errors import MissingError, PerfsynthError
from perfsynth.evaluate.audio import Comparison, compare
from perfsynth.evaluate.audio_table import by_recording, markdown
from perfsynth.evaluate.frechet import frechet_distance
from perfsynth.evaluate.ladder import rungs
from perfsynth.evaluate.matching import RATE, levelled, matched
from perfsynth.evaluate.score_informed import ScoreInformed, score_informed
from perfsynth.folders import data_folder
from perfsynth.formats.midi_write import write_performance
from perfsynth.synth.core import synthesize
from perfsynth.types import Performance

EXCERPT_S = 20.0
# Folder, performer, start in seconds.
EXCERPTS = (
    ("Chopin/Ballades/1", "McNamara", 60.0),
    ("Bach/Fugue/bwv_870", "", 20.0),
    ("Debussy/Images_Book_1/1_Reflets_dans_lEau", "", 60.0),
    ("Beethoven/Piano_Sonatas/26-1", "", 60.0),
    ("Schumann/Kreisleriana/4", "", 30.0),
    ("Mozart/Piano_Sonatas/12-3", "", 30.0),
)
COST_S = 120.0
DENSE, SPARSE = ("Liszt/Mephisto_Waltz", "", 60.0), ("Beethoven/Piano_Sonatas/8-2", "", 0.0)
SOUNDFONTS = {"MuseScore General": "MuseScore_General*", "FluidR3": "FluidR3*"}
AS_SAMPLED = {"resonance": 0.0, "pedal_noise": 0.0}  # which the sampler lacks
RTF_AND_MEMORY = "CPU s per s of audio, MB"
Engine = dict[str, object]


def excerpt(path: Path, start_s: float, length_s: float = EXCERPT_S) -> Performance:
    """Some seconds of a performance: what begins in them, and the pedals with their state at the start."""
    whole = formats.read_performance(path.read_bytes(), name=str(path))
    notes = whole.notes[(whole.notes["onset_s"] >= start_s) & (whole.notes["onset_s"] < start_s + length_s)].copy()
    controls = whole.controls[whole.controls["time_s"] < start_s + length_s].copy()
    notes["onset_s"] -= start_s
    controls["time_s"] = np.maximum(controls["time_s"] - start_s, 0.0)
    return Performance(notes, controls, whole.parts)


def performance_file(data: Path, folder: str, performer: str) -> Path | None:
    """The performance of a folder by a performer, or the first one there."""
    found = sorted(
        path for path in (data / folder).glob("*.mid") if path.stem != "midi_score" and performer in path.stem
    )
    return found[0] if found else None


def soundfonts() -> Iterator[tuple[str, Path | None]]:
    """The two soundfonts, or None where one is not installed."""
    for name, pattern in SOUNDFONTS.items():
        folders = (Path(folder).expanduser() for folder in fluid.FOLDERS)
        found = [path for folder in folders for path in sorted(folder.glob(pattern)) if path.is_file()]
        yield name, next((path.resolve() for path in found if path.suffix in (".sf2", ".sf3")), None)


def engines(samples: str) -> dict[str, Engine]:
    """What is compared, by the name of its row; a line says what is missing."""
    rows: dict[str, Engine] = {
        "modal E2": {"engine": "modal"},
        "modal A": {"engine": "modal", "variant": "A"},
        "sampler": {"engine": "sampler", "samples": samples},
    }
    for name, path in soundfonts():
        if path is None:
            print(f"{name} is missing: no {SOUNDFONTS[name]} among the soundfonts; {fluid.INSTALL}\n")
            continue
        rows[f"FluidSynth, {name}"] = {"engine": "fluidsynth", "soundfont": str(path)}
    try:
        fluid.find_program()
    except MissingError as error:
        print(f"{error}\n")
        rows = {name: row for name, row in rows.items() if row["engine"] != "fluidsynth"}
    return rows


def sounded(performance: Performance, options: Engine) -> np.ndarray:
    """Stereo audio at 44.1 kHz, as long as an excerpt."""
    extra = AS_SAMPLED if options["engine"] == "modal" else {}
    made = synthesize(performance, **options, **extra).audio()  # type: ignore[arg-type]
    audio = soxr.resample(made.samples, made.sample_rate, RATE)
    length = round(EXCERPT_S * RATE)
    return np.pad(audio[:length], ((0, max(0, length - len(audio))), (0, 0)))


def mean(found: list[Comparison]) -> dict[str, float]:
    """One row: means over the performances, the Frechet distance over all of them together."""
    rows = [{"gain_db": one.gain_db, "lag_s": one.lag_s, **one.mean()} for one in found]
    pooled = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    features = (np.concatenate([one.features[side] for one in found]) for side in (0, 1))
    return {**pooled, "frechet": frechet_distance(*features)}


def compared(sounds: dict[str, np.ndarray], reference: np.ndarray) -> dict[str, Comparison]:
    """Distances of each engine, matched, and of the ladder; the reference is analysed once for all."""
    pairs = {name: matched(audio, reference) for name, audio in sounds.items()}
    level, _ = levelled(reference)
    ladder = {f"ladder: {name}": audio for name, audio in rungs(level).items()}
    found = compare({**{name: pair.generated for name, pair in pairs.items()}, **ladder}, level)
    return found | {name: replace(found[name], gain_db=pair.gain_db, lag_s=pair.lag_s) for name, pair in pairs.items()}


def quality(performances: list[Performance], rows: dict[str, Engine]) -> None:
    """Print the first two tables."""
    found: dict[str, list[Comparison]] = {}
    told: dict[str, list[ScoreInformed]] = {}
    for performance in performances:
        sounds = {name: sounded(performance, options) for name, options in rows.items()}
        for name, audio in sounds.items():
            told.setdefault(name, []).append(score_informed(audio, performance.notes))
        reference = sounds.pop("sampler")
        for name, one in compared(sounds, reference).items():
            found.setdefault(name, []).append(one)
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(markdown(by_recording({name: mean(ones) for name, ones in found.items()})), "\n")
    heads = ["onset_f1", "onset_precision", "onset_recall", "pitch_recall", "wander_cents"]
    table = [["against the score", *heads]]
    for name, values in told.items():
        table += [[name, *(f"{np.nanmean([getattr(value, head) for value in values]):.3f}" for head in heads)]]
    print(markdown(table))


def cost(performance: Performance, options: Engine) -> str:
    """CPU seconds of the command per second of its audio, and its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        played, sound = Path(folder) / "played.mid", Path(folder) / "sound.wav"
        played.write_bytes(write_performance(performance))
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "perfsynth", "synth-audio", str(played), *words, "--quiet", "-o", str(sound)]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})  # compiles, fills caches
        sound.unlink()
        process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        made = formats.read_audio(sound.read_bytes())
    seconds = len(made.samples) / made.sample_rate
    return f"{(usage.ru_utime + usage.ru_stime) / seconds:.3f}, {usage.ru_maxrss / 1024:.0f}"


def costs(data: Path, rows: dict[str, Engine]) -> str:
    """The third table; to be made first, since a process counts the memory of the one that began it as its own."""
    pieces = {}
    for word, (folder, who, start) in (("dense", DENSE), ("sparse", SPARSE)):
        path = performance_file(data, folder, who)
        if path is not None:
            performance = excerpt(path, start, COST_S)
            pieces[f"{word}: {path.parent.name} {path.stem}, {len(performance.notes)} notes"] = performance
    table = [[f"{RTF_AND_MEMORY}; {COST_S:.0f} s", *pieces]]
    table += [[name, *(cost(piece, options) for piece in pieces.values())] for name, options in rows.items()]
    return markdown(table)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--samples", default=str(data_folder("salamander")))
    parser.add_argument("--costs", action="store_true")
    arguments = parser.parse_args()
    files = [(performance_file(arguments.data, folder, who), start) for folder, who, start in EXCERPTS]
    performances = [excerpt(path, start) for path, start in files if path is not None]
    if not performances:
        sys.exit(f"{arguments.data}: none of the performances is there; it has to be the folder of (n)ASAP")
    try:
        rows = engines(arguments.samples)
        print(f"{len(performances)} performances: {', '.join(str(path.stem) for path, _ in files if path)}\n")
        third = costs(arguments.data, rows) if arguments.costs else ""
        quality(performances, rows)
        print(f"\n{third}")
    except PerfsynthError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
