"""The Bach Violin Dataset (Dong et al. 2022): solo violin, recordings with scores and estimated alignments.

Layout: ``info.csv``, ``audio/COLLECTION/``, ``scores/bwv100N/``, ``notes/`` and ``alignments/``. Known: which score
file a recording follows depends on the repeats played and is named in ``info.csv``; some collections have to be taken
from YouTube, and some violins are tuned to a baroque pitch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perfsynth.data.manifest import Example
from perfsynth.data.pieces import split_of
from perfsynth.data.recipe import Recipe, table

COLUMNS = ("filename", "collection", "violinist_name", "work", "title", "movement", "source_filename", "length",
           "score_filename")  # fmt: skip


def rows(root: Path) -> Iterator[Example]:
    """The movements; the licence of each is the first words of the LICENSE file beside its audio."""
    licences: dict[str, str] = {}
    for row in table(root, "info.csv", COLUMNS, "the Bach Violin Dataset"):
        collection, name = row["collection"], row["filename"]
        if collection not in licences:
            licences[collection] = _licence(root / "audio" / collection / "LICENSE")
        work = row["work"].lower()
        yield Example(
            id=f"{collection}/{name}",
            dataset="bach-violin",
            audio=f"audio/{collection}/{row['source_filename']}",
            score=f"scores/{work}/{row['score_filename']}.mxl",
            alignment=f"alignments/{collection}/{name}.csv",
            split=split_of(f"{work}/{row['movement']}"),
            composer="Bach",
            title=f"{row['title']}: {row['movement']}",
            performer=row["violinist_name"],
            album=collection,
            instrument="violin-baroque-pitch" if row.get("baroque_tuning") == "1" else "violin",
            duration_s=_seconds(row["length"]),
            licence=licences[collection],
        )


def _seconds(clock: str) -> float:
    total = 0.0
    for part in clock.split(":"):
        total = 60 * total + float(part or 0)
    return total


def _licence(path: Path) -> str:
    """The licence that a LICENSE file names, e.g. CC BY-NC 3.0."""
    text = " ".join(path.read_text(encoding="utf-8").split()) if path.is_file() else ""
    known = ("CC BY-NC-SA 3.0", "CC BY-NC-ND 3.0", "CC BY-NC 3.0", "CC BY-SA 3.0", "CC BY-ND 3.0", "CC BY 3.0",
             "CC BY-NC-SA 4.0", "CC BY-NC 4.0", "CC BY-SA 4.0", "CC BY 4.0", "CC0", "Public Domain")  # fmt: skip
    return next((name for name in known if name.lower() in text.lower()), text[:200] or "not stated")


RECIPE = Recipe(
    name="bach-violin",
    title="Bach Violin Dataset",
    licence="each collection its own: CC BY, CC BY-NC and others; scores in the public domain",
    licence_url="see the LICENSE file beside each recording",
    source="https://zenodo.org/records/6050245",
    size="1 GB",
    hours=6.5,
    citation="H.-W. Dong, C. Zhou, T. Berg-Kirkpatrick and J. McAuley, Deep Performer: Score-to-Audio Music "
    "Performance Synthesis, ICASSP 2022",
    rows=rows,
    by_hand="download its archive from https://zenodo.org/records/6050245 or "
    "https://github.com/salu133445/bach-violin-dataset/releases and unpack it",
)
