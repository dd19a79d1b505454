"""Play a score with the networks that ship, or with those of a folder that was trained."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from perfsynth.errors import InputError, UsageError
from perfsynth.folders import shipped
from perfsynth.nn.weights import CONFIG, KEPT, WEIGHTS, written_at
from perfsynth.perform.cantabile.interpretation import Players, interpret
from perfsynth.perform.cantabile.network import Cantabile, Config
from perfsynth.perform.cantabile.playing import play
from perfsynth.perform.cantabile.reading import COMPOSERS, composer_of, read
from perfsynth.perform.cantabile.shaping import Calibration, Manner, curves
from perfsynth.perform.cantabile.trees import PREFIX, trees_among
from perfsynth.perform.tempo_words import stated_tempos
from perfsynth.tempo import beats_to_seconds, tempo_map
from perfsynth.types import Performance, Score

FURTHEST = 2.0  # of every gain of expression


@dataclass(frozen=True)
class Model:
    """Who says how a score is played, and how far the curves go."""

    players: Players
    calibration: Calibration


def perform(
    score: Score,
    *,
    bpm: float | None = None,
    seed: int = 0,
    variation: int = 0,
    temperature: float = 1.0,
    expression: float = 1.0,
    rubato: float = 1.0,
    dynamics: float = 1.0,
    pedal: bool = True,
    composer: str | None = None,
    weights: str | None = None,
) -> Performance:
    """Play `score` as a pianist might.

    Parameters
    ----------
    score
        What to play.
    bpm
        Mean tempo in quarter notes a minute, met exactly; by default that of the score's own tempo marks, and where
        it has none (or only the 120 that programs write of themselves) one that suits the music.
    variation
        0 plays what is most likely; every other number is another interpretation, the same each time.
    seed
        Draws the variations anew; without one it changes nothing.
    temperature
        How far variations stray from what is most likely.
    expression
        0 steady, even and dry, 1 as learned, up to 2: multiplies `rubato`, `dynamics` and articulation.
    rubato, dynamics
        The same for time and for loudness alone.
    pedal
        Whether to use the sustain pedal.
    composer
        A composer of the training corpus, to play as was learnt from his music; else the one the score names.
    weights
        A folder with model.safetensors and config.toml; else the networks that ship.

    Raises
    ------
    UsageError
        When an option is out of its range or the composer is unknown.
    """
    if variation < 0:
        raise UsageError(f"variation {variation}: it is a whole number from 0")
    manner = Manner(
        rubato=_gain("rubato", rubato) * _gain("expression", expression),
        dynamics=_gain("dynamics", dynamics) * expression,
        articulation=expression,
        pedal=pedal and expression > 0,
        bpm=bpm or _stated_bpm(score),
        variation=variation,
        temperature=temperature,
        seed=seed,
    )
    model = load(weights)
    reading = read(score)
    heard = interpret(model.players, reading, composer=_composer(composer))
    return play(score, curves(reading, heard, manner, model.calibration))


def _gain(name: str, value: float) -> float:
    if not 0.0 <= value <= FURTHEST:
        raise UsageError(f"{name} {value:g}: it lies between 0 (none) and {FURTHEST:g}; 1 is as learned")
    return float(value)


def _composer(name: str | None) -> str:
    if name is None:
        return ""
    found = composer_of(name)
    if not found:
        raise UsageError(f"composer {name!r} was not learned; there are {', '.join(COMPOSERS)}")
    return found


def _stated_bpm(score: Score) -> float | None:
    """The mean tempo that the score states, None where it has no metronome mark."""
    if len(score.tempos) == 0:
        return None
    beats = score.notes["onset_beat"]
    first, last = float(beats.min()), float((beats + score.notes["duration_beat"]).max())
    seconds = np.diff(beats_to_seconds(np.array([first, last]), tempo_map(stated_tempos(score))))[0]
    return float(60.0 * (last - first) / seconds) if seconds > 0 and last > first else None


def load(folder: str | None = None) -> Model:
    """Load networks, those that ship by default; kept until their files change.

    Raises
    ------
    InputError
        When the folder does not hold such networks.
    """
    place = Path(folder) if folder else shipped("cantabile")
    return _loaded(place, written_at(place, "cantabile"))


@lru_cache(maxsize=KEPT)
def _loaded(place: Path, state: tuple[int, ...]) -> Model:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        table = tomllib.loads((place / CONFIG).read_text())
        if (system := table.get("system")) != "cantabile":
            raise InputError(f"{place}: weights of {system}, where those of cantabile are needed")
        weights = load_file(place / WEIGHTS)
        config = Config(**table["model"])
        networks = []
        for number in range(int(table.get("networks", 1))):
            prefix = f"{number}." if "networks" in table else ""
            network = Cantabile(config)
            own = {key.removeprefix(prefix): value.float() for key, value in weights.items() if key.startswith(prefix)}
            network.load_state_dict(own)
            networks.append(network.eval())
        trees = trees_among({key: value.numpy() for key, value in weights.items() if key.startswith(PREFIX)})
        return Model(Players(tuple(networks), trees), Calibration(**table.get("calibration", {})))
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{place}: no model of cantabile ({error})") from error
