"""The recipes of the datasets that `perfsynth.data.nasap` and `perfsynth.data.batik` prepare for training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perfsynth.data import batik, nasap
from perfsynth.data.manifest import Example
from perfsynth.data.recipe import Archive, Recipe, missing, table

NASAP_COLUMNS = ("composer", "title", "folder", "xml_score", "midi_performance", "match_file",
                 "robust_note_alignment")  # fmt: skip


def nasap_rows(root: Path) -> Iterator[Example]:
    """The performances of (n)ASAP; a recording made of several files is known by its MIDI."""
    for row in table(root, nasap.METADATA, NASAP_COLUMNS, "(n)ASAP"):
        audio = (row.get("audio_performance") or "").strip()
        yield Example(
            id=row["midi_performance"].rpartition(".")[0],
            dataset="nasap",
            audio=audio if audio and (root / audio).is_file() else "",
            score=row["xml_score"],
            performance=row["midi_performance"],
            alignment=row["match_file"].strip(),
            split=nasap.split_of_folder(row["folder"]),
            composer=row["composer"],
            title=row["title"],
            performer=nasap.pianist_of(Path(row["midi_performance"]).stem),
            quality="" if nasap.is_robust(row) else "alignment not robust",
            licence=nasap.LICENCE,
        )


def batik_rows(root: Path) -> Iterator[Example]:
    """The movements of Batik-plays-Mozart, all of them "valid"."""
    matches = sorted((root / "match").glob("*.match"))
    if not matches:
        raise missing(root, "no match/*.match", "the folder of Batik-plays-Mozart")
    for match in matches:
        yield Example(
            id=match.stem,
            dataset="batik",
            score=f"scores/{match.stem}.musicxml",
            performance=f"midi/{match.stem}.mid",
            alignment=f"match/{match.name}",
            split="valid",
            composer="Mozart",
            title=match.stem,
            performer="Roland Batik",
            instrument="boesendorfer-ceus",
            licence=batik.LICENCE,
        )


NASAP = Recipe(
    name="nasap",
    title="(n)ASAP",
    licence=nasap.LICENCE,
    licence_url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
    source="https://github.com/CPJKU/asap-dataset",
    size="1 GB",
    hours=94,
    citation="S. D. Peter et al., Automatic Note-Level Score-to-Performance Alignments in the ASAP Dataset, "
    "TISMIR 6(1), 2023",
    rows=nasap_rows,
    archives=(Archive("https://github.com/CPJKU/asap-dataset/archive/HEAD.zip"),),
)
BATIK = Recipe(
    name="batik",
    title="Batik-plays-Mozart",
    licence=batik.LICENCE,
    licence_url="its repository states none: to validate on, not to pass on",
    source="https://github.com/huispaty/batik_plays_mozart",
    size="30 MB",
    hours=3.7,
    citation="P. Hu and G. Widmer, The Batik-plays-Mozart Corpus, ISMIR 2023",
    rows=batik_rows,
    archives=(Archive("https://github.com/huispaty/batik_plays_mozart/archive/HEAD.zip"),),
)
