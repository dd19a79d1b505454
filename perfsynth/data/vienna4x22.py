"""Vienna 4x22 (Goebl 1999): four excerpts, each by the same 22 pianists on a Bösendorfer computer grand.

Layout: ``match/PIECE_pNN.match``, ``midi/PIECE_pNN.mid``, ``musicxml/PIECE.musicxml``, and ``audio/PIECE_pNN.wav``
where the audio of the original dataset was put beside them. Known: four excerpts are too few to divide; all are "test".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perfsynth.data.manifest import Example
from perfsynth.data.recipe import Archive, Recipe, missing

LICENCE = "CC BY 4.0"


def rows(root: Path) -> Iterator[Example]:
    """The performances."""
    matches = sorted((root / "match").glob("*_p[0-9][0-9].match"))
    if not matches:
        raise missing(root, "no match/PIECE_pNN.match", "the folder of the Vienna 4x22 repository")
    for match in matches:
        piece, _, pianist = match.stem.rpartition("_")
        audio = f"audio/{match.stem}.wav"
        midi = f"midi/{match.stem}.mid"
        yield Example(
            id=match.stem,
            dataset="vienna4x22",
            audio=audio if (root / audio).is_file() else "",
            score=f"musicxml/{piece}.musicxml",
            performance=midi if (root / midi).is_file() else "",
            alignment=f"match/{match.name}",
            split="test",
            composer=piece.partition("_")[0],
            title=piece,
            performer=pianist,
            instrument="boesendorfer-se290",
            licence=LICENCE,
        )


RECIPE = Recipe(
    name="vienna4x22",
    title="Vienna 4x22 Piano Corpus",
    licence=LICENCE,
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    source="https://github.com/CPJKU/vienna4x22",
    size="10 MB",
    hours=2.3,
    citation="W. Goebl, The Vienna 4x22 Piano Corpus, 1999, doi:10.21939/4X22",
    rows=rows,
    archives=(Archive("https://github.com/CPJKU/vienna4x22/archive/HEAD.zip"),),
)
