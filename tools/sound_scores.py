"""Put scores beside the excerpts of a corpus of sounds: python tools/sound_scores.py CORPUS SOUNDS."""

from __future__ import annotations

import argparse
from pathlib import Path

from perfsynth.data.sound_scores import prepare


def main() -> None:
    """Write the scores and say how many there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="of performances and scores, that the excerpts were taken from")
    parser.add_argument("sounds", type=Path, help="as tools/sound_corpus.py made it")
    chosen = parser.parse_args()
    print(f"{chosen.sounds}: {len(prepare(chosen.corpus, chosen.sounds))} scores")


if __name__ == "__main__":
    main()
