"""Saarland Music Data, piano (Müller et al. 2011): 50 performances on a Disklavier, audio and MIDI. Version 2.

Layout: ``midi/NAME.mid`` and ``wav_44100_stereo/NAME.wav``, named like ``Chopin_Op028-04_003_20100611-SMD``. Known: in
version 1 audio and MIDI drift apart by some 10 ms, which version 2 corrects; there are no scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perfsynth.data.manifest import Example
from perfsynth.data.pieces import split_of
from perfsynth.data.recipe import Archive, Recipe, missing

LICENCE = "CC BY-NC-SA 3.0"
AUDIO = "wav_44100_stereo"


def rows(root: Path) -> Iterator[Example]:
    """The performances; the split is that of the work."""
    midis = sorted((root / "midi").glob("*.mid"))
    if not midis:
        raise missing(root, "no midi/*.mid", f"the folder that has midi/ and {AUDIO}/, SMD-piano_v2")
    for midi in midis:
        composer, work, pianist, *_ = [*midi.stem.split("_"), "", ""]
        yield Example(
            id=midi.stem,
            dataset="smd",
            audio=f"{AUDIO}/{midi.stem}.wav",
            performance=f"midi/{midi.name}",
            split=split_of(f"{composer}/{work}"),
            composer=composer,
            title=work,
            performer=pianist,
            instrument="yamaha-disklavier",
            licence=LICENCE,
        )


RECIPE = Recipe(
    name="smd",
    title="Saarland Music Data, piano, v2",
    licence=LICENCE,
    licence_url="https://creativecommons.org/licenses/by-nc-sa/3.0/",
    source="https://zenodo.org/records/13753319",
    size="3 GB",
    hours=4.7,
    citation="M. Müller, V. Konz, W. Bogler and V. Arifi-Müller, Saarland Music Data, ISMIR Late-Breaking 2011",
    rows=rows,
    archives=(Archive("https://zenodo.org/records/13753319/files/SMD-piano_v2.zip"),),
)
