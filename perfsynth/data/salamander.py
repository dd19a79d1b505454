"""Salamander Grand Piano V3: a Yamaha C5, sampled by Alexander Holm (CC BY 3.0), 78 MB.

30 keys a minor third apart in 16 velocity layers and the release noise of all 88 keys, 48 kHz stereo Ogg Vorbis.
On disk: ``velocity01/C4v1.ogg`` to ``velocity16/C4v16.ogg``, ``release/rel1.ogg`` (A0) to ``release/rel88.ogg``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from perfsynth.data import salamander_npm
from perfsynth.data.manifest import Example
from perfsynth.data.recipe import Recipe, missing
from perfsynth.dsp.pitches import NAMES

NAME = "salamander"
LICENCE = "CC BY 3.0"
INSTRUMENT = "yamaha-c5"
LAYERS = 16
LOWEST, HIGHEST = 21, 108  # MIDI, A0 and C8
STEP = 3  # semitones between the keys that are sampled
RELEASE = "release"


def samples() -> Iterator[Example]:
    """All samples, whether they are there or not."""
    sample = partial(Example, dataset=NAME, split="train", instrument=INSTRUMENT, licence=LICENCE)
    for layer in range(1, LAYERS + 1):
        for pitch in range(LOWEST, HIGHEST + 1, STEP):
            name = f"velocity{layer:02d}/{_named(pitch)}v{layer}"
            title = f"{_named(pitch)}, layer {layer} of {LAYERS}"
            yield sample(name, audio=f"{name}.ogg", title=title, pitch=pitch, layer=layer)
    for pitch in range(LOWEST, HIGHEST + 1):
        name = f"{RELEASE}/rel{pitch - LOWEST + 1}"
        yield sample(name, audio=f"{name}.ogg", title=f"{_named(pitch)} comes up", pitch=pitch)


def _named(pitch: int) -> str:
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def rows(root: Path) -> Iterator[Example]:
    """The samples."""
    if not any((root / package.folder).is_dir() for package in salamander_npm.PACKAGES):
        raise missing(root, f"no velocity01/ to velocity16/ and {RELEASE}/", "the folder that has them")
    yield from samples()


def faults(root: Path) -> dict[str, str]:
    """Which folders have all their samples but not the right ones, and that in words."""
    wanted = {package.folder: set[str]() for package in salamander_npm.PACKAGES}
    for example in samples():
        wanted.setdefault(Path(example.audio).parts[0], set()).add(Path(example.audio).name)
    found = {}
    for package in salamander_npm.PACKAGES:
        folder = root / package.folder
        there = {path.name for path in folder.glob("*.ogg")}
        if wanted[package.folder] <= there and salamander_npm.digest(folder) != package.sha256:
            found[package.folder] = f"not of version {salamander_npm.VERSION}, or another sample beside it is not"
    return found


RECIPE = Recipe(
    name=NAME,
    title="Salamander Grand Piano V3",
    licence=LICENCE,
    licence_url="https://creativecommons.org/licenses/by/3.0/",
    source="https://archive.org/details/SalamanderGrandPianoV3",
    size="78 MB",
    hours=0,
    citation="A. Holm, Salamander Grand Piano V3, https://archive.org/details/SalamanderGrandPianoV3",
    rows=rows,
    faults=faults,
    get=salamander_npm.fetch,
)
