"""The card of a model: what it was made of, by what, how long, and how well it does."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  imported only for training

from perfsynth.data.pieces import MANIFEST, Entry, folder_of, read_manifest
from perfsynth.errors import InputError
from perfsynth.train.config import RunConfig

UNKNOWN = "not stated"


def about_corpus(corpus: Path, config: RunConfig) -> dict[str, str]:
    """What the manifest of a corpus says of what a run learns from and is validated on; nothing where there is none.

    Raises
    ------
    InputError
        When the run has nothing to learn from, or nothing to be validated on.
    """
    folder = folder_of(corpus)
    if not (folder / MANIFEST).is_file():
        return {"corpus": config.corpus}
    entries = [entry for entry in read_manifest(folder) if entry.path]
    learned = [entry for entry in entries if entry.split in config.splits]
    held_out = [entry for entry in entries if entry.split == "valid"]
    for name, found in (("/".join(config.splits), learned), ("valid", held_out)):
        if not found:
            raise InputError(f"{corpus}: no pieces in the split {name}; prepare more of the dataset")
    licenses = sorted({entry.license for entry in learned})
    return {
        "corpus": config.corpus,
        "train": _counted(learned),
        "valid": _counted(held_out),
        "license": ", ".join(licenses),
    }


def _counted(entries: list[Entry]) -> str:
    n_performances = sum(len(entry.performances) for entry in entries)
    return f"{len(entries)} pieces, {n_performances} performances"


def hardware(device: str) -> str:
    """What a device is called."""
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    threads = torch.get_num_threads()
    return f"{names[0] if names else platform.machine()}, {threads} thread{'s' * (threads != 1)}"


def card(config: RunConfig, made: dict[str, Any], figures: dict[str, float], about: dict[str, str]) -> str:
    """The card as Markdown.

    Parameters
    ----------
    config
        The run.
    made
        ``version``, ``steps``, ``minutes``, ``processes``, ``hardware`` and ``parameters``.
    figures
        On the validation split.
    about
        ``corpus``, ``train``, ``valid`` and ``license`` of the data, as far as known.
    """
    licence = about.get("license") or UNKNOWN
    known = licence if UNKNOWN not in licence else f"{licence}: not to be passed on before it is known"
    times = f" x {made['processes']} processes" if made["processes"] > 1 else ""
    lines = [
        f"- **Data**: {about.get('corpus', config.corpus)}; learned from {about.get('train', UNKNOWN)}, "
        f"validated on {about.get('valid', UNKNOWN)}.",
        f"- **Licence**: that of the data, {known}.",
        f"- **Made by**: `perfsynth train` {made['version']}, step {made['steps']} of {config.train.steps}, seed "
        f"{config.train.seed}; {made['minutes']:g} min on {made['hardware']}{times}, PyTorch {torch.__version__}.",
        f"- **Files**: `model.safetensors` ({made['parameters']:,} parameters, 16 bits), `config.toml` (the run).",
        "- **Figures** on the validation split, which also chose this step; `score`: more is better.",
    ]
    rows = [f"| {name} | {value:.4g} |" for name, value in figures.items()]
    return "\n".join([f"# {config.system}", "", *lines, "", "| measure | value |", "|---|---|", *rows, ""])
