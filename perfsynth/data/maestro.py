"""MAESTRO v3 (Hawthorne et al. 2019): 1,276 competition performances on Disklaviers, audio and MIDI within 3 ms.

Layout: ``maestro-v3.0.0.csv`` and a folder for each year. There are no scores; (n)ASAP has those of some pieces.
The MIDI archive alone (``--from`` a folder that has no audio) makes rows without audio.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perfsynth.data.manifest import Example
from perfsynth.data.recipe import Archive, Recipe, table

LICENCE = "CC BY-NC-SA 4.0"
TABLE = "maestro-v3.0.0.csv"
COLUMNS = ("canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration")
SPLITS = {"validation": "valid"}


def rows(root: Path) -> Iterator[Example]:
    """The performances; audio is left out where the folder has none at all (the archive of MIDI alone)."""
    has_audio = any(root.glob("*/*.wav"))
    for row in table(root, TABLE, COLUMNS, "MAESTRO v3"):
        midi = row["midi_filename"]
        yield Example(
            id=midi.rpartition(".")[0],
            dataset="maestro",
            audio=row["audio_filename"] if has_audio else "",
            performance=midi,
            split=SPLITS.get(row["split"], row["split"]),
            composer=row["canonical_composer"],
            title=row["canonical_title"],
            album=f"Piano-e-Competition {row['year']}",
            instrument="yamaha-disklavier",
            duration_s=float(row["duration"]),
            licence=LICENCE,
        )


_BASE = "https://storage.googleapis.com/magentadata/datasets/maestro/v3.0.0/"
RECIPE = Recipe(
    name="maestro",
    title="MAESTRO v3.0.0",
    licence=LICENCE,
    licence_url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
    source="https://magenta.tensorflow.org/datasets/maestro",
    size="101 GB, 120 GB unpacked",
    hours=198.7,
    citation="C. Hawthorne et al., Enabling Factorized Piano Music Modeling and Generation with the MAESTRO Dataset, "
    "ICLR 2019",
    rows=rows,
    archives=(
        Archive(
            _BASE + "maestro-v3.0.0.zip",
            checksum="sha256:6680fea5be2339ea15091a249fbd70e49551246ddbd5ca50f1b2352c08c95291",
        ),
    ),
)
