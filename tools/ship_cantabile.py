"""Join trained networks of ``cantabile`` with trees into the model that ships, curves sized on the validation split.

usage: ship_cantabile.py CORPUS RUN... -o DIR; without a RUN the curves of what is in DIR are sized again
"""

from __future__ import annotations

import argparse
import tomllib
from dataclasses import asdict
from pathlib import Path

import torch  # noqa: TID253  a tool, not a command
from safetensors.torch import load_file, save

from perfsynth.data.pieces import pieces
from perfsynth.perform.cantabile.interpretation import Players
from perfsynth.perform.cantabile.model import load
from perfsynth.perform.cantabile.network import Cantabile, Config
from perfsynth.train.cantabile_trees import boosted
from perfsynth.train.cantabile_validation import Case, calibrated, cases, figures, interpretations
from perfsynth.train.checkpoint import to_toml


def main() -> None:
    """Read the runs, calibrate, write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path, nargs="*", help="folders with model.safetensors and config.toml")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = cases(options.corpus)
    if not options.runs:
        resized(options.out, found)
        return
    tables = [tomllib.loads((run / "config.toml").read_text()) for run in options.runs]
    networks, weights = [], {}
    for number, (run, table) in enumerate(zip(options.runs, tables, strict=True)):
        state = load_file(run / "model.safetensors")
        network = Cantabile(Config(**table["model"]))
        network.load_state_dict({name: value.float() for name, value in state.items()})
        networks.append(network.eval())
        weights |= {f"{number}.{name}": value.half() for name, value in state.items()}
    trees = boosted(pieces(options.corpus, "train"))
    weights |= {key: torch.from_numpy(a) for name, one in trees.items() for key, a in one.arrays(name).items()}
    heard = interpretations(Players(tuple(networks), trees), found)
    calibration = calibrated(found, heard)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "model.safetensors").write_bytes(save(weights))
    measured = {name: round(value, 4) for name, value in figures(found, heard, calibration).items()}
    table = {
        "system": "cantabile",
        "networks": len(networks),
        "trees": {name: len(one.roots) for name, one in trees.items()},
        "model": tables[0]["model"],
        "calibration": asdict(calibration),
        "made": {f"network_{number}": f"{t['made']['steps']} steps" for number, t in enumerate(tables)},
        "validation": measured,
    }
    (options.out / "config.toml").write_text(to_toml(table))
    print(to_toml({"calibration": asdict(calibration), "validation": measured}))


def resized(place: Path, found: list[Case]) -> None:
    """Size the curves of a model that is there."""
    heard = interpretations(load(str(place)).players, found)
    calibration = calibrated(found, heard)
    measured = {name: round(value, 4) for name, value in figures(found, heard, calibration).items()}
    table = tomllib.loads((place / "config.toml").read_text())
    table |= {"calibration": asdict(calibration), "validation": measured}
    (place / "config.toml").write_text(to_toml(table))
    print(to_toml({"calibration": asdict(calibration), "validation": measured}))


if __name__ == "__main__":
    main()
