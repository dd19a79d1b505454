"""Load every score of (n)ASAP, as MusicXML and as MIDI, and compare their note counts.

``python benchmarks/load_scores.py DATA`` prints a Markdown report; DATA is the folder that holds
``metadata.csv``. A pair counts as agreeing when the counts differ by at most 2 %.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perfsynth import formats
from perfsynth.errors import InputError
from perfsynth.types import Mark, Score

TOLERANCE = 0.02
REPEAT_SHARE = 0.1  # an excess this large is a section played or not played again


@dataclass
class Pair:
    """One piece, read twice."""

    name: str
    xml: Score
    midi: Score

    @property
    def difference(self) -> float:
        """Excess of the MIDI's notes, as a share of the MusicXML's."""
        return len(self.midi.notes) / len(self.xml.notes) - 1

    def reason(self, as_written: Score) -> str:
        """What the excess or lack is made of, read off the notes themselves."""
        n_midi, n_xml = len(self.midi.notes), len(self.xml.notes)
        last = float((self.xml.notes["onset_beat"]).max()), float(self.midi.notes["onset_beat"].max())
        ornaments = int(
            np.count_nonzero(self.xml.notes["marks"] & (Mark.TRILL | Mark.TREMOLO | Mark.TURN | Mark.MORDENT))
        )
        if abs(last[1] - last[0]) > REPEAT_SHARE * max(last):
            if len(as_written.notes) != n_xml and abs(n_midi / len(as_written.notes) - 1) <= TOLERANCE:
                return "the MIDI leaves out repeats that the MusicXML has"
            return f"not the same repeats: the MIDI ends at quarter {last[1]:.0f}, the MusicXML at {last[0]:.0f}"
        if n_midi > n_xml and ornaments:
            return f"the MIDI writes out ornaments: {n_midi - n_xml} more notes, {ornaments} ornament signs"
        graces = int(np.count_nonzero(self.xml.notes["grace"]))
        if n_midi < n_xml and n_xml - n_midi <= graces:
            return f"the MIDI leaves out grace notes: {n_xml - n_midi} fewer, {graces} grace notes in the MusicXML"
        return self.missing()

    def missing(self) -> str:
        """How many notes only one of the two has, at 0.05 quarters, and the first of them."""
        shift = self.xml.notes["onset_beat"].min() - self.midi.notes["onset_beat"].min()

        def keys(notes: np.ndarray, shift: float) -> Counter:
            return Counter((round(float(note["onset_beat"] - shift) * 20), int(note["pitch"])) for note in notes)

        xml, midi = keys(self.xml.notes, shift), keys(self.midi.notes, 0.0)
        only_xml, only_midi = xml - midi, midi - xml
        tick, pitch = min(only_xml or only_midi)
        example = f"pitch {pitch} at quarter {tick / 20:g}"
        return (
            f"{only_xml.total()} notes only in the MusicXML, {only_midi.total()} only in the MIDI; the first: {example}"
        )


def main() -> None:
    """Print the report; exit 1 when a score does not load."""
    root = Path(sys.argv[1])
    started = time.process_time()
    loaded, failed, pairs = Counter[str](), [], []
    for folder in sorted({path.parent for path in root.rglob("*score.m*") if path.is_file()}):
        name = str(folder.relative_to(root))
        read: dict[str, Score] = {}
        for file in ("xml_score.musicxml", "midi_score.mid"):
            if (folder / file).is_file():
                try:
                    read[file] = formats.read_score((folder / file).read_bytes(), name=f"{name}/{file}")
                    loaded[file] += 1
                except InputError as error:
                    failed.append(str(error))
        if len(read) == 2:
            pairs.append((folder, Pair(name, read["xml_score.musicxml"], read["midi_score.mid"])))
    seconds = time.process_time() - started
    off = [(folder, pair) for folder, pair in pairs if abs(pair.difference) > TOLERANCE]
    print("# The scores of (n)ASAP\n")
    print("Made by `python benchmarks/load_scores.py DATA`.\n")
    print(f"Loaded {loaded['xml_score.musicxml']} MusicXML and {loaded['midi_score.mid']} MIDI scores in ", end="")
    print(f"{seconds:.0f} CPU seconds; {len(failed)} failed.")
    for line in failed:
        print(f"- {line}")
    print(f"\nOf {len(pairs)} pieces with both, {len(pairs) - len(off)} agree in their number of notes within 2 %.\n")
    print("| piece | MusicXML | MIDI | difference | reason |\n|---|---|---|---|---|")
    for folder, pair in off:
        data = (folder / "xml_score.musicxml").read_bytes()
        reason = pair.reason(formats.read_score(data, repeats="as-written"))
        print(f"| {pair.name} | {len(pair.xml.notes)} | {len(pair.midi.notes)} | {pair.difference:+.1%} | {reason} |")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
