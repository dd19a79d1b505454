"""The Piano Dataset (Malik and Ek 2017): MIDI of performances, classical and jazz, that StyleNet learned from.

Layout: ``GENRE/*.mid``. Known: performances only, without scores; the same piece comes from several players, and some
files are byte for byte the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perfsynth.data.manifest import Example
from perfsynth.data.pieces import split_of
from perfsynth.data.recipe import Archive, Recipe, missing

LICENCE = "CC BY 4.0"


def rows(root: Path) -> Iterator[Example]:
    """The performances."""
    midis = sorted(path for path in root.glob("*/*") if path.suffix.lower() in (".mid", ".midi"))
    if not midis:
        raise missing(root, "no GENRE/*.mid", "the folder TPD, which has a folder for each genre")
    for midi in midis:
        name = midi.relative_to(root).as_posix()
        yield Example(
            id=name.rpartition(".")[0],
            dataset="malik",
            performance=name,
            split=split_of(name),
            title=midi.stem,
            album=midi.parent.name,
            licence=LICENCE,
        )


RECIPE = Recipe(
    name="malik",
    title="The Piano Dataset of StyleNet",
    licence=LICENCE,
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    source="http://imanmalik.com/cs/2017/06/05/neural-style.html",
    size="20 MB",
    hours=30,
    citation="I. Malik and C. H. Ek, Neural Translation of Musical Style, 2017, arXiv:1708.03535",
    rows=rows,
    archives=(Archive("http://imanmalik.com/assets/dataset/TPD.zip"),),
)
