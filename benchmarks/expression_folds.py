"""How ``cantabile`` plays more pieces than one split holds out: each fold of a corpus by what learnt from the others.

    python benchmarks/expression_folds.py CORPUS OUT [--fold 0 --fold 1] [--config configs/cantabile.toml]

CORPUS is what ``perfsynth data nasap prepare`` made. The pieces of its training and validation splits are shared out
among four folds by a hash; for each fold asked for one network is trained (16 minutes of one core) and trees are grown
on the other three, and all play the pieces of the fold. What ships averages three networks. Nothing is chosen on what
is held out: the last step is taken, and curves have the sizes of the model that ships. Prints Markdown: the pieces of
all folds together. OUT keeps the runs, so that the same line goes on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import torch
from expression import MOST_REFERENCES, say

from perfsynth.data.pieces import MANIFEST, pieces, read_manifest, write_manifest
from perfsynth.evaluate.audio_table import markdown
from perfsynth.evaluate.performance_ceilings import DEADPAN, HUMAN, Judged, judge
from perfsynth.evaluate.performance_corpus import as_read, differences, summarise
from perfsynth.evaluate.performance_table import with_intervals
from perfsynth.nn.weights import load_network
from perfsynth.perform.cantabile.interpretation import Players, interpret
from perfsynth.perform.cantabile.model import load
from perfsynth.perform.cantabile.network import Cantabile, Config
from perfsynth.perform.cantabile.playing import play
from perfsynth.perform.cantabile.reading import read
from perfsynth.perform.cantabile.shaping import Manner, curves
from perfsynth.train.cantabile_trees import boosted
from perfsynth.train.config import RunConfig, read_config
from perfsynth.train.loop import make_task, train

FOLDS = 4
NETWORK, FLAT, MUSICXML = "one network", "with trees, flat MIDI", "with trees, MusicXML"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fold", type=int, action="append", choices=range(FOLDS), help="these alone")
    parser.add_argument("--config", type=Path, default=Path("configs/cantabile.toml"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config = read_config(asked.config)
    config = replace(config, train=replace(config.train, validate_every=config.train.steps, seed=1))
    rows: dict[str, dict[str, Judged]] = {}
    for fold in asked.fold or range(FOLDS):
        corpus = folded(asked.corpus, asked.out / f"fold-{fold}", fold)
        rows |= judged(corpus, players(corpus, config, asked.out / f"run-{fold}"))
    summaries = summarise(rows)
    order = [name for name in (DEADPAN, NETWORK, FLAT, MUSICXML, HUMAN) if name in summaries]
    print(f"{len(rows)} pieces\n\n" + markdown(with_intervals({name: summaries[name] for name in order})))
    among = {piece: found for piece, found in rows.items() if HUMAN in found}
    together = summarise(among)
    print(f"\n{len(among)} pieces that two people or more play\n")
    print(markdown(with_intervals({name: together[name] for name in order})))
    paired = differences(among, HUMAN)
    print("\nLess people, piece by piece\n")
    print(markdown(with_intervals({name: paired[name] for name in order if name in paired}, signed=True)))


def folded(corpus: Path, out: Path, fold: int) -> Path:
    """A corpus of the same pieces, of which those of one fold are to validate on."""
    out.mkdir(parents=True, exist_ok=True)
    entries = [entry for entry in read_manifest(corpus) if entry.split in ("train", "valid")]
    ranked = sorted({entry.piece for entry in entries}, key=lambda piece: sha256(f"fold/{piece}".encode()).digest())
    held_out = set(ranked[fold::FOLDS])
    if not (out / "pieces").exists():
        (out / "pieces").symlink_to((corpus / "pieces").resolve())
    if not (out / MANIFEST).exists():
        split = {True: "valid", False: "train"}
        write_manifest([replace(entry, split=split[entry.piece in held_out]) for entry in entries], out)
    return out


def players(corpus: Path, config: RunConfig, run: Path) -> Players:
    """A network and trees that learnt from the training split of a fold."""
    say(f"{run}: a network of {config.train.steps} steps")
    best = train(config, make_task(config, corpus), run, report=lambda step, figures: None)
    network = load_network(best, config.system, Cantabile, Config)
    say(f"{run}: trees")
    return Players((network,), boosted(pieces(corpus, "train")))


def judged(corpus: Path, both: Players) -> dict[str, dict[str, Judged]]:
    """The rows of each piece held out."""
    alone, calibration, rows = Players(both.networks), load().calibration, {}
    for piece in pieces(corpus, "valid"):
        if "musicxml" not in piece.scores or not piece.performances:
            continue
        made = {}
        for name, who, notation in ((NETWORK, alone, "musicxml"), (FLAT, both, "flat"), (MUSICXML, both, "musicxml")):
            view = as_read(piece.scores, notation)
            if view is not None:
                reading = read(view)
                made[name] = play(view, curves(reading, interpret(who, reading), Manner(), calibration))
        humans = list(piece.performances.values())[:MOST_REFERENCES]
        rows[piece.name] = judge(piece.scores["musicxml"], made, humans, tokens=False)
    return rows


if __name__ == "__main__":
    main()
