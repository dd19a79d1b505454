"""Make a corpus of sounds out of aligned recordings: python tools/aligned_corpus.py RESULTS OUT --valid PART_OF_ID.

RESULTS is what ``perfsynth align --manifest ... --results RESULTS`` wrote.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from perfsynth.data.aligned_sounds import prepare


def main() -> None:
    """Read the rows and write the corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="rows with id, audio and alignment")
    parser.add_argument("out", type=Path)
    parser.add_argument("--instrument", default="{instrument}", help="its name; columns of the rows in braces")
    parser.add_argument("--valid", nargs="*", default=[], help="parts of the ids to hold out; else by the rows' split")
    parser.add_argument("--shifts", nargs="*", type=int, default=[], help="semitones to resample by, such as -2 2")
    parser.add_argument("--program", type=int, default=0, help="General MIDI: 0 a piano, 40 a violin")
    chosen = parser.parse_args()
    rows = [json.loads(line) for line in chosen.results.read_text().splitlines() if line.strip()]
    here = chosen.results.parent
    placed = [row | {key: str(here / row[key]) for key in ("audio", "alignment") if row.get(key)} for row in rows]
    made = prepare(
        placed, chosen.out, instrument=chosen.instrument, valid=tuple(chosen.valid), shifts=tuple(chosen.shifts),
        program=chosen.program, report=lambda step, share: print(f"{share:4.0%} {step}", flush=True),
    )  # fmt: skip
    print(f"{chosen.out}: {len(made)} recordings of {', '.join(sorted({one.instrument for one in made}))}")


if __name__ == "__main__":
    main()
