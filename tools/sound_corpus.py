"""Render a corpus for systems of sound: python tools/sound_corpus.py CORPUS OUT [--samples DIR] [--soundfont SF2]."""

from __future__ import annotations

import argparse
from pathlib import Path

from perfsynth.data.sound_corpus import Instrument, prepare


def main() -> None:
    """Render the sampled grand and a soundfont's piano."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="a prepared corpus of performances")
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", help="folder of the Salamander; else where the sampler looks")
    parser.add_argument("--soundfont", help="else FluidSynth's default")
    parser.add_argument("--second", default="musescore", help="what to call the soundfont's piano")
    parser.add_argument("--train", type=int, default=90, help="excerpts of 12 s")
    parser.add_argument("--valid", type=int, default=12)
    parser.add_argument("--coverage", type=int, default=30)
    parser.add_argument("--uneven", type=float, default=0.0, help="how far each velocity to learn from strays")
    parser.add_argument("--environments", type=int, default=0, help="rooms, tunings and touches to draw from")
    parser.add_argument("--modal", action="store_true", help="render with the modal piano as well")
    chosen = parser.parse_args()
    instruments = [
        Instrument("salamander", "sampler", {"samples": chosen.samples}),
        Instrument(chosen.second, "fluidsynth", {"soundfont": chosen.soundfont, "reverb": False, "chorus": False}),
    ]
    if chosen.modal:
        instruments.append(Instrument("modal", "modal", {}))
    made = prepare(
        chosen.corpus, chosen.out, instruments, train=chosen.train, valid=chosen.valid, coverage=chosen.coverage,
        uneven=chosen.uneven, settings=chosen.environments,
        report=lambda step, share: print(f"{share:4.0%} {step}", flush=True),
    )  # fmt: skip
    print(f"{chosen.out}: {len(made)} recordings")


if __name__ == "__main__":
    main()
