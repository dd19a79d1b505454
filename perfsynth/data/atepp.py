"""ATEPP 1.2 (Zhang et al. 2022): MIDI transcribed from commercial recordings of 49 pianists, some with scores.

Layout: ``ATEPP-metadata-1.2.csv`` and a folder for each composer (in ``ATEPP-1.2/``, or beside the list). The audio is
not part of it. Known: names are decomposed Unicode (the archive was made on a Mac) and colons and quotes in them became
``_`` where it was unpacked on Windows; ``quality`` marks applause, noise and broken transcriptions.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from perfsynth.data.manifest import Example
from perfsynth.data.pieces import split_of
from perfsynth.data.recipe import Recipe, names, table

LICENCE = "CC BY 4.0"
TABLE = "ATEPP-metadata-1.2.csv"
COLUMNS = ("artist", "composer", "composition", "album", "midi_path", "score_path", "quality")
FOLDER = "ATEPP-1.2"
_REPLACED = str.maketrans(dict.fromkeys(':"*?<>|', "_"))


def rows(root: Path) -> Iterator[Example]:
    """The performances; the split is that of the composition, so that no piece is in two."""
    found = {name.translate(_REPLACED): real for name, real in names(root).items()}

    def real(path: str) -> str:
        name = unicodedata.normalize("NFC", path.strip().replace("\\", "/")).translate(_REPLACED)
        return next((found[tried] for tried in (f"{FOLDER}/{name}", name) if tried in found), path.strip())

    for row in table(root, TABLE, COLUMNS, "ATEPP 1.2"):
        midi, score = real(row["midi_path"]), row["score_path"].strip()
        yield Example(
            id=row["midi_path"].strip().rpartition(".")[0],
            dataset="atepp",
            score=real(score) if score else "",
            performance=midi,
            split=split_of(f"{row['composer']}/{row['composition']}"),
            composer=row["composer"],
            title=row["composition"],
            performer=row["artist"],
            album=row["album"],
            duration_s=float(row.get("track_duration") or 0),
            quality=row["quality"].strip(),
            licence=LICENCE,
        )


RECIPE = Recipe(
    name="atepp",
    title="ATEPP 1.2",
    licence=LICENCE,
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    source="https://github.com/tangjjbetsy/ATEPP",
    size="213 MB",
    hours=1000,
    citation="H. Zhang et al., ATEPP: A Dataset of Automatically Transcribed Expressive Piano Performance, ISMIR 2022",
    rows=rows,
    by_hand="its authors share ATEPP-1.2.zip by a link on https://github.com/tangjjbetsy/ATEPP; download and unpack it "
    f"beside {TABLE}",
)
