"""The systems of the four papers, trained on one corpus and measured on the same held-out recordings.

``python benchmarks/seed_systems.py CORPUS RUNS [--plot lan-rnn.png]`` prints Markdown:

1. what was trained: parameters, steps, and what these cost on this machine;
2. every system against the held-out recordings of its instrument, by `perfsynth.evaluate.audio`, beside the engines
   that ship, FluidSynth and the ladder;
3. the counterparts of Deep Performer's Table 2 and of Tang's Table III, beside the published figures;
4. how soon either loss of the recurrent network gets how far.

RUNS is a folder of runs of ``perfsynth train``, each named as in `RUNS` below; those that are not there are left out,
and said so. CORPUS is what they learnt from.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from piano import soundfonts

from perfsynth import formats
from perfsynth.data.sound_corpus import Recording, read_recordings
from perfsynth.dsp.resample import resample
from perfsynth.errors import InputError, PerfsynthError
from perfsynth.evaluate.audio import compare, distances
from perfsynth.evaluate.ladder import rungs
from perfsynth.evaluate.matching import levelled
from perfsynth.synth.core import synthesize
from perfsynth.synth.spectrogram import synthesize_spectrogram
from perfsynth.train.checkpoint import to_toml
from perfsynth.train.config import read_config
from perfsynth.train.loop import make_task, train
from perfsynth.types import AudioStream, Performance
from perfsynth.vocode.core import vocode

Sounder = Callable[[Performance], AudioStream]

RATE = 44100
TIMED_STEPS = 13
# Each run's folder, and the engine that its weights are for. An acoustic model alone sounds by Griffin-Lim.
RUNS = {
    "deep-performer": "deep-performer",
    "deep-performer-without-note-wise-position": "deep-performer",
    "deep-performer-without-performer": "deep-performer",
    "deep-performer-without-encoder": "deep-performer",
    "hifigan-roll": "hifigan-roll",
    "m2a-acoustic": "m2a",
    "m2a": "m2a",
    "m2a-fine-tuned": "m2a",
    "m2a-baseline": "m2a-baseline",
    "performancenet": "performancenet",
    "performancenet-without-edges": "performancenet",
    "performancenet-without-texture": "performancenet",
    "lan-rnn": "lan-rnn",
    "lan-rnn-waveform": "lan-rnn",
}
# Dong et al. 2022, Table 2: log-mel MSE, violin and piano.
TABLE_2 = {
    "hifigan-roll": (0.892, 0.722),
    "deep-performer": (0.700, 0.436),
    "deep-performer-without-note-wise-position": (0.700, 0.433),
    "deep-performer-without-performer": (1.030, 0.523),
    "deep-performer-without-encoder": (0.844, 0.621),
}
# Tang et al. 2025, Table III: chroma and spectrogram.
TABLE_III = {
    "modal": ("Pianoteq", 0.487, 0.294),
    "m2a-baseline": ("Baseline", 0.624, 0.284),
    "m2a": ("M2A", 0.539, 0.318),
    "m2a-fine-tuned": ("Fine-tuned M2A", 0.522, 0.262),
}
MEASURES = ("log_mel_16k", "chroma", "spectrogram", "tonality", "flatness_db", "onset_f1")
# What differs from the paper's setting in every row.
DIFFERS = "Ours: rendered excerpts of human performances instead of recordings, reduced width, minutes on a processor."
MODAL = "The modal piano was made after one of the corpus's own."


@dataclass(frozen=True)
class Run:
    """A trained network and what is known of its training."""

    name: str
    folder: Path

    @property
    def best(self) -> Path:
        """Where its weights are."""
        return self.folder / "best"

    def table(self) -> dict:
        """Its config.toml."""
        return tomllib.loads((self.best / "config.toml").read_text())

    def instrument(self) -> str:
        """The one it is measured on."""
        model = self.table()["model"]
        return str(model.get("instrument") or (model.get("instruments") or model.get("albums"))[0])

    def parameters(self) -> int:
        """How many its networks have."""
        return int(self.table()["made"]["parameters"])

    def curve(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and a figure of each validation."""
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        rows = [(row["step"], row[key]) for row in lines if "score" in row]
        steps, values = zip(*rows, strict=True)
        return np.array(steps), np.array(values)


def found(folder: Path) -> dict[str, Run]:
    """The runs that a folder holds, whether their names begin with ``run-`` or not."""
    places = {name: next((p for p in (folder / name, folder / f"run-{name}") if p.is_dir()), None) for name in RUNS}
    return {name: Run(name, place) for name, place in places.items() if place and (place / "best").is_dir()}


def sound(run: Run, performance: Performance, vocoder: Run | None, instrument: str) -> AudioStream:
    """What a run makes of a performance."""
    weights, engine = str(run.best), RUNS[run.name]
    if engine != "deep-performer":
        several = engine in ("hifigan-roll", "m2a-baseline")
        return synthesize(performance, engine=engine, weights=weights, instrument=instrument if several else None)
    made = synthesize_spectrogram(performance, model=engine, weights=weights, instrument=instrument)
    return vocode(made, model="hifigan", weights=str(vocoder.best)) if vocoder else vocode(made, model="griffin-lim")


def mono(stream: AudioStream, n_samples: int) -> np.ndarray:
    """(n_samples, 1) at 44.1 kHz."""
    samples = resample(stream, RATE).audio().samples.mean(axis=1, keepdims=True)[:n_samples]
    return np.pad(samples, ((0, n_samples - len(samples)), (0, 0)))


def held_out(corpus: Path, instrument: str, *, scored: bool) -> list[tuple[Recording, Performance]]:
    """The recordings of the validation split with what the network reads: performances, or scores."""
    rows = []
    for recording in read_recordings(corpus):
        place = Path(recording.performance)
        if scored:
            place = corpus / "scores" / place.name
        if recording.split == "valid" and recording.instrument == instrument and place.is_file():
            rows.append((recording, formats.read_performance(place.read_bytes(), name=str(place))))
    return rows


def measured(make: Sounder, corpus: Path, instrument: str, *, scored: bool = False) -> dict[str, float]:
    """Mean distances from the held-out recordings, with ``n`` and ``rtf``, CPU seconds a second of audio."""
    rows, spent_s, heard_s = [], 0.0, 0.0
    for recording, given in held_out(corpus, instrument, scored=scored):
        wanted = reference(recording)
        began = time.process_time()
        made = mono(make(given), len(wanted))
        spent_s, heard_s = spent_s + time.process_time() - began, heard_s + len(wanted) / RATE
        rows.append(distances(made, wanted).mean())
    return averaged(rows) | {"rtf": spent_s / heard_s}


def reference(recording: Recording) -> np.ndarray:
    """(n, 1) at 44.1 kHz."""
    audio = formats.read_audio(Path(recording.audio).read_bytes(), name=recording.audio)
    return resample(audio.stream(), RATE).audio().samples.mean(axis=1, keepdims=True)


def averaged(rows: list[dict[str, float]], measures: tuple[str, ...] = MEASURES) -> dict[str, float]:
    """Means over recordings."""
    return {key: float(np.mean([row[key] for row in rows])) for key in measures} | {"n": float(len(rows))}


def ladder(corpus: Path, instrument: str, measures: tuple[str, ...] = MEASURES) -> dict[str, dict[str, float]]:
    """What the distances are of recordings that were changed a little, each from itself."""
    found: dict[str, list[dict[str, float]]] = {}
    for recording, _ in held_out(corpus, instrument, scored=False):
        level, _ = levelled(reference(recording))
        for name, one in compare(rungs(level), level).items():
            found.setdefault(f"ladder: {name}", []).append(one.mean())
    return {name: averaged(rows, measures) for name, rows in found.items()}


def untrained(instrument: str) -> dict[str, Sounder]:
    """The engines that came with the package, and FluidSynth with two soundfonts where it is installed."""
    made: dict[str, Sounder] = {
        "modal": partial(synthesize, engine="modal"),
        "modal, no resonance or pedal noise": partial(synthesize, engine="modal", resonance=0.0, pedal_noise=0.0),
        "neural": partial(synthesize, engine="neural", instrument=instrument),
    }
    for name, path in soundfonts():
        if path is not None:
            made[f"FluidSynth, {name}"] = partial(synthesize, engine="fluidsynth", soundfont=str(path))
    return made


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table."""
    if not rows:
        return "None of its systems is trained.\n"
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def trained(runs: dict[str, Run], corpus: Path) -> str:
    """What was trained, and how much: all steps at what one costs now, since a clock also counts other work."""
    rows = []
    for run in runs.values():
        steps = int(json.loads((run.folder / "log.jsonl").read_text().splitlines()[-1])["step"])
        cells = (f"{run.parameters() / 1e6:.2f} M", str(steps), f"{steps * step_cost(run, corpus) / 60:.1f}")
        rows.append([run.name, *cells, str(run.table()["made"]["steps"]), run.instrument()])
    return markdown(["system", "parameters", "steps", "CPU minutes", "best step, kept", "measured on"], rows)


def step_cost(run: Run, corpus: Path) -> float:
    """CPU seconds that a step of a run takes, the median of some, with fresh weights."""
    with tempfile.TemporaryDirectory() as scratch:
        table = run.table()
        task = {key: value for key, value in table["run"].get("task", {}).items() if key != "begin"}
        config = Path(scratch) / "config.toml"
        config.write_text(to_toml(table["run"] | {"model": table["model"], "task": task}))
        read = read_config(config, steps=TIMED_STEPS)
        at_s: list[float] = []

        def report(step: int, figures: dict[str, float]) -> None:
            at_s.append(time.process_time())

        def stop() -> bool:  # before the last validation, which is no step
            return len(at_s) + 1 == TIMED_STEPS

        train(read, make_task(read, corpus), Path(scratch) / "run", report=report, stop=stop)
    return float(np.median(np.diff(at_s)[2:]))


def everything(
    runs: dict[str, Run], corpus: Path, vocoder: Run | None, say: Callable[[str], None]
) -> tuple[str, dict[str, dict[str, float]]]:
    """Every system on the held-out recordings of its instrument, and an untrained piano as the rung to beat."""
    figures: dict[str, dict[str, float]] = {}
    target = runs["m2a-fine-tuned"].instrument() if "m2a-fine-tuned" in runs else read_recordings(corpus)[0].instrument
    for name, make in untrained(target).items():
        say(name)
        figures[name] = measured(make, corpus, target)
    for name, run in runs.items():
        say(name)
        # M2A before its fine-tuning is measured on what it was tuned to.
        instrument = target if name.startswith("m2a") else run.instrument()
        try:
            make = partial(sound, run, vocoder=vocoder, instrument=instrument)
            figures[name] = measured(make, corpus, instrument, scored=name == "m2a-baseline")
        except InputError as error:  # as of a network that is all but silent
            say(f"{name}: not measured: {error}")
    if "m2a" in runs:
        name = "m2a, of the steady score"
        say(name)
        run = runs["m2a-fine-tuned" if "m2a-fine-tuned" in runs else "m2a"]
        figures[name] = measured(partial(sound, run, vocoder=None, instrument=target), corpus, target, scored=True)
    figures |= ladder(corpus, target)
    head = ["system", "n", *MEASURES, "CPU s per s"]
    rows = [
        [name, f"{row['n']:.0f}", *(f"{row[key]:.3f}" for key in MEASURES), f"{row['rtf']:.2f}" if "rtf" in row else ""]
        for name, row in figures.items()
    ]
    return markdown(head, rows), figures


def table_2(runs: dict[str, Run], violin: dict[str, Run]) -> str:
    """Deep Performer's Table 2: the spectrogram's own error, before any vocoder, over the validation split."""
    rows = []
    for name, (theirs_violin, theirs_piano) in TABLE_2.items():
        if name in runs or name in violin:
            own = (_errors(runs[name]) if name in runs else "", _errors(violin[name]) if name in violin else "")
            rows.append([name, *own, f"{theirs_piano:.3f}", f"{theirs_violin:.3f}"])
    return markdown(["system", "ours, piano", "ours, violin", "published, piano", "published, violin"], rows)


def _errors(run: Run) -> str:
    figures = run.table()["validation"]
    return ", ".join(f"{key.removeprefix('mse_')} {value:.3f}" for key, value in figures.items() if "mse_" in key)


def table_iii(figures: dict[str, dict[str, float]]) -> str:
    """Tang's Table III."""
    rows = []
    for name, (theirs, chroma, spectrum) in TABLE_III.items():
        if name in figures:
            own = figures[name]
            rows.append([name, f"{own['chroma']:.3f}", f"{own['spectrogram']:.3f}", theirs, f"{chroma}", f"{spectrum}"])
    return markdown(["system", "chroma", "spectrogram", "theirs", "chroma", "spectrogram"], rows)


def losses(runs: dict[str, Run], plot: Path | None) -> str:
    """The recurrent network's two losses: a common figure against steps, and a picture of it."""
    pair = {name: runs[name].curve("mse") for name in ("lan-rnn", "lan-rnn-waveform")}
    if plot is not None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for name, label in (("lan-rnn", "log magnitude spectrogram"), ("lan-rnn-waveform", "squared error of samples")):
            axes.plot(*pair[name], label=label)
        axes.set(xlabel="steps", ylabel="log-mel MSE of held-out recordings, neper$^2$", ylim=(0, None))
        axes.legend(title="loss")
        figure.savefig(plot, dpi=150)
    (steps, spectral), (_, waveform) = pair.values()
    reached = steps[np.argmax(spectral <= waveform.min())] if (spectral <= waveform.min()).any() else None
    said = f"after {reached} steps" if reached else "never"
    return (
        f"Spectral loss: {spectral.min():.3f} at best. Waveform loss: {waveform.min():.3f} at best, which the spectral "
        f'one reaches {said}. Their finding: the spectral loss "caused the model to train drastically faster".\n'
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="what the systems learnt from")
    parser.add_argument("runs", type=Path, help="folder of runs")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="where to draw the recurrent network's two losses")
    parser.add_argument("--violin", type=Path, metavar="RUNS", help="runs on violins, for the second table")
    chosen = parser.parse_args()
    runs = found(chosen.runs)
    violin = found(chosen.violin) if chosen.violin else {}
    if not runs:
        parser.error(f"{chosen.runs}: holds none of {', '.join(RUNS)}")
    hifigan = next((p for p in (chosen.runs / "hifigan", chosen.runs / "run-hifigan") if (p / "best").is_dir()), None)
    vocoder = Run("hifigan", hifigan) if hifigan else None
    try:
        every, figures = everything(runs, chosen.corpus, vocoder, lambda name: print(f"<!-- {name} -->", flush=True))
    except PerfsynthError as error:
        parser.error(str(error))
    print(f"\n## Trained\n\n{trained(runs, chosen.corpus)}\n## Held-out recordings\n\n{every}")
    if missing := [name for name in RUNS if name not in runs]:
        print(f"Not trained, and so not in any table: {', '.join(missing)}.\n")
    if vocoder is None and any(name.startswith("deep-performer") for name in runs):
        print("Deep Performer is sounded by Griffin-Lim: there is no run of hifigan.\n")
    print(f"## Dong et al. 2022, Table 2\n\n{DIFFERS}\n\n{table_2(runs, violin)}")
    print(f"## Tang et al. 2025, Table III\n\n{DIFFERS} {MODAL}\n\n{table_iii(figures)}")
    if {"lan-rnn", "lan-rnn-waveform"} <= runs.keys():
        print(f"## Lan, Leung and Yang: two losses\n\n{losses(runs, chosen.plot)}")


if __name__ == "__main__":
    main()
