"""MusicNet (Thickstun et al. 2017): 330 recordings of chamber music, piano and strings, with aligned note labels.

Layout: ``musicnet_metadata.csv``, ``train_data/ID.wav``, ``train_labels/ID.csv``, ``test_data``, ``test_labels``, and
``musicnet_midis/COMPOSER/ID_*.mid``, the scores that the labels were aligned from. Known: labels come from automatic
alignment and some are off by seconds; a few recordings have no MIDI; the test set has 10 recordings.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perfsynth.data.manifest import Example
from perfsynth.data.pieces import split_of
from perfsynth.data.recipe import Archive, Recipe, table

LICENCE = "CC BY 4.0"
TABLE = "musicnet_metadata.csv"
COLUMNS = ("id", "composer", "composition", "movement", "ensemble", "seconds")
SOLO = {"Solo Piano": "piano", "Solo Violin": "violin", "Solo Cello": "cello", "Solo Flute": "flute"}


def rows(root: Path) -> Iterator[Example]:
    """The recordings; a tenth of the training set, by the hash of the composition, is for validation."""
    midis = {path.name.partition("_")[0]: path for path in sorted(root.glob("musicnet_midis/*/*.mid"))}
    for row in table(root, TABLE, COLUMNS, "MusicNet"):
        number = row["id"]
        part = "test" if (root / "test_labels" / f"{number}.csv").is_file() else "train"
        split = part
        if part == "train" and split_of(f"{row['composer']}/{row['composition']}") == "valid":
            split = "valid"
        yield Example(
            id=number,
            dataset="musicnet",
            audio=f"{part}_data/{number}.wav",
            score=midis[number].relative_to(root).as_posix() if number in midis else "",
            alignment=f"{part}_labels/{number}.csv",
            split=split,
            composer=row["composer"],
            title=f"{row['composition']}: {row['movement']}",
            instrument=SOLO.get(row["ensemble"], row["ensemble"].lower().replace(" ", "-")),
            duration_s=float(row["seconds"]),
            licence=LICENCE,
        )


_BASE = "https://zenodo.org/records/5120004/files/"  # whose page gives the checksums
MIDIS = "musicnet_midis.tar.gz"
RECIPE = Recipe(
    name="musicnet",
    title="MusicNet",
    licence=LICENCE,
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    source="https://zenodo.org/records/5120004",
    size="11 GB, 22 GB unpacked",
    hours=34,
    citation="J. Thickstun, Z. Harchaoui and S. Kakade, Learning Features of Music from Scratch, ICLR 2017",
    rows=rows,
    archives=(
        Archive(_BASE + TABLE, checksum="md5:1caef62cee9c875235e62aac368b49d8"),
        Archive(_BASE + MIDIS, into="musicnet_midis", checksum="md5:b5fa98a113bfc51c8a445def9f24dc7e"),
        Archive(_BASE + "musicnet.tar.gz", checksum="md5:844764911fa0d5b97c97da944a057590"),
    ),
)
