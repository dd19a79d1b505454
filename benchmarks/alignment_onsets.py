"""Fit the onset model of the aligner on music made up for it, so that it owes nothing to any corpus.

    python benchmarks/alignment_onsets.py make CACHE --samples SALAMANDER
    python benchmarks/alignment_onsets.py fit CACHE perfsynth/pretrained/align-onsets

``make`` composes half-minutes of random textures (chords, scales, broken chords, repeated notes, two voices), plays
them on sampled, synthetic and General MIDI instruments, degrades half of them and keeps what the aligner hears.
``fit`` trains a network of one hidden layer to tell, of all moments around a note, the one at which it begins.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from alignment_truth import RATE, degrade

from perfsynth.align.bands import bands, mono
from perfsynth.align.evidence import CONTEXT, N_INPUTS, inputs
from perfsynth.align.features import FRAME_S
from perfsynth.align.perceptron import Perceptron
from perfsynth.synth.core import synthesize
from perfsynth.types import CONTROL, PERFORMED_NOTE, Audio, Part, Performance

LENGTH_S = 32.0
SCALE = np.array([0, 2, 4, 5, 7, 9, 11])
CHORDS = (np.array([0, 4, 7]), np.array([0, 3, 7]), np.array([0, 4, 7, 10]), np.array([0, 3, 6, 9]))
# Engine, General MIDI program, how many half-minutes.
PIANO_FONT, OTHER_FONT = "/usr/share/sounds/sf3/MuseScore_General.sf3", "/usr/share/sounds/sf2/FluidR3_GM.sf2"
PLAN = (
    ("sampler", 0, "", 7), ("modal", 0, "", 4), ("fluidsynth", 0, PIANO_FONT, 4), ("fluidsynth", 0, OTHER_FONT, 4),
    ("fluidsynth", 40, PIANO_FONT, 2), ("fluidsynth", 6, PIANO_FONT, 1), ("fluidsynth", 24, OTHER_FONT, 1),
    ("fluidsynth", 48, PIANO_FONT, 1), ("fluidsynth", 73, OTHER_FONT, 1), ("fluidsynth", 19, PIANO_FONT, 1),
)  # fmt: skip
REACH = 28  # frames to either side that an onset is told from
HIDDEN, EPOCHS, BATCH, RATE_OF_LEARNING, DECAY = 32, 24, 128, 2e-3, 1e-4
JITTER_S = 0.06  # of where the window lies around the onset


def main() -> None:
    """Make the examples, or fit the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "fit"))
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--samples")
    asked = parser.parse_args()
    if asked.what == "make":
        make(asked.cache, asked.samples)
    else:
        fit(asked.cache, asked.out)


def make(cache: Path, samples: str | None) -> None:
    """One .npz of levels and notes for each half-minute."""
    cache.mkdir(parents=True, exist_ok=True)
    number = 0
    for engine, program, font, count in PLAN:
        for _ in range(count):
            number += 1
            path = cache / f"{number:02d}-{engine}-{program}.npz"
            if path.exists():
                continue
            performance = composed(np.random.default_rng(number), program)
            options = {"sampler": {"samples": samples}, "fluidsynth": {"soundfont": font}}.get(engine, {})
            sound = synthesize(performance, engine=engine, sample_rate=RATE, **options).audio()
            audio = sound.samples.mean(axis=1)[: round(LENGTH_S * RATE)]
            audio = degrade(audio, seed=number) if number % 2 else audio / np.abs(audio).max()
            heard = bands(mono(Audio(audio[:, None].astype(np.float32), RATE)))
            notes = performance.notes[performance.notes["onset_s"] < LENGTH_S - 1]
            np.savez(path, levels=heard.levels, pitch=notes["pitch"], onset_s=notes["onset_s"])
            print(path, len(notes), flush=True)


def composed(random: np.random.Generator, program: int) -> Performance:
    """Random music of some eight textures."""
    rows: list[tuple[float, float, int, int]] = []
    pedals: list[tuple[float, int]] = []
    now = 0.5
    while now < LENGTH_S:
        length = random.uniform(3, 6)
        rows += texture(random, now, length)
        if random.random() < 0.6 and program == 0:
            for change in np.arange(now, now + length, random.uniform(0.8, 2.5)):
                pedals += [(change + 0.06, 127), (change + random.uniform(0.6, 1.0) * 2, 0)]
        now += length
    notes = np.zeros(len(rows), PERFORMED_NOTE)
    for index, (onset, duration, pitch, velocity) in enumerate(rows):
        notes[index] = (f"n{index}", max(onset, 0.0), duration, pitch, velocity, 0)
    notes = notes[np.argsort(notes["onset_s"], kind="stable")]
    controls = np.array([(time, 64, value, 0) for time, value in sorted(pedals)], CONTROL)
    return Performance(notes, controls, (Part("", program),))


def texture(random: np.random.Generator, begin: float, length: float) -> list[tuple[float, float, int, int]]:
    """Notes (onset, duration, pitch, velocity) of one figure, with the unevenness of hands."""
    kind, key = random.integers(6), int(random.integers(12))
    step = float(np.exp(random.uniform(np.log(0.08), np.log(0.5))))
    loud, legato = random.uniform(35, 95), random.uniform(0.3, 1.2)
    spread = random.uniform(0.003, 0.015)
    degree, rows = int(random.integers(14, 30)), []
    for place in range(int(length / step)):
        chord = 36 + key + 12 * int(random.integers(0, 3)) + CHORDS[(place // 8) % len(CHORDS)]
        degree = int(np.clip(degree + random.choice([-2, -1, -1, 1, 1, 2]), 8, 42))
        voice = 24 + key + 12 * (degree // 7) + int(SCALE[degree % 7])
        if kind == 0:  # chords
            pitches = [*chord.tolist(), voice] if place % 2 == 0 else [voice]
        elif kind == 1:  # a scale
            pitches = [voice]
        elif kind == 2:  # a melody over broken chords
            pitches = [int(chord[place % len(chord)]), *([voice] if place % 3 == 0 else [])]
        elif kind == 3:  # a repeated note over a bass
            pitches = [24 + key + 12 * (degree // 21 + 2), *([int(chord[0]) - 12] if place % 4 == 0 else [])]
        elif kind == 4:  # two voices
            pitches = [voice, int(chord[place % len(chord)])]
        else:  # octaves
            pitches = [voice, voice - 12]
        for pitch in sorted(set(pitches)):
            if 24 <= pitch <= 103 and random.random() < 0.95:
                onset = begin + place * step * random.normal(1, 0.002) + random.normal(0, spread)
                velocity = int(np.clip(loud + random.normal(0, 10) + 10 * (pitch == voice), 15, 120))
                rows.append((onset, step * legato * random.uniform(0.8, 1.3), pitch, velocity))
    return rows


def fit(cache: Path, out: Path) -> None:
    """Train, and write ``model.safetensors``."""
    import torch

    torch.manual_seed(0)
    random = np.random.default_rng(0)
    levels, rows = [], []
    for number, path in enumerate(sorted(cache.glob("*.npz"))):
        held = np.load(path)
        levels.append(held["levels"])
        rows += [(number, int(p), float(t)) for p, t in zip(held["pitch"], held["onset_s"], strict=True)]
    network = torch.nn.Sequential(torch.nn.Linear(N_INPUTS, HIDDEN), torch.nn.SiLU(), torch.nn.Linear(HIDDEN, 1))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE_OF_LEARNING, weight_decay=DECAY)
    steps = EPOCHS * (len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE_OF_LEARNING, total_steps=steps)
    frames = np.arange(-REACH, REACH + 1)
    table = np.array(rows)
    for step in range(steps):
        if step % (len(rows) // BATCH) == 0:
            order = random.permutation(len(rows))
        chosen = table[order[step % (len(rows) // BATCH) * BATCH :][:BATCH]]
        centre = np.rint((chosen[:, 2] + random.uniform(-JITTER_S, JITTER_S, len(chosen))) / FRAME_S).astype(int)
        x = np.stack([
            inputs(levels[int(number)], np.array([int(pitch)]), (at + frames)[None])[0]
            for (number, pitch, _), at in zip(chosen, centre, strict=True)
        ])  # fmt: skip
        away = (centre[:, None] + frames) - chosen[:, 2, None] / FRAME_S
        target = np.exp(-0.5 * (away / 0.6) ** 2)
        target /= target.sum(axis=1, keepdims=True)
        logits = network(torch.from_numpy(x)).squeeze(-1)
        loss = -(torch.from_numpy(target).float() * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 200 == 0:
            print(step, steps, round(loss.item(), 3), flush=True)
    Perceptron(*(p.detach().numpy() for p in network.parameters())).save(out / "model.safetensors")
    print(CONTEXT, "frames of context")


if __name__ == "__main__":
    main()
