"""What a run writes down of itself: ``log.jsonl``, and TensorBoard's event files where that is installed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LOG = "log.jsonl"
SHOWN_NEPERS = 12.0  # below the loudest of a picture: black


@dataclass(frozen=True)
class Sample:
    """What a network made at a validation: (n,) audio where it has a rate, else (n_frames, n_bands) of ln bands."""

    values: np.ndarray
    sample_rate: int | None = None


class Log:
    """The figures of a run, step by step; lines of steps that will be taken again are dropped.

    Parameters
    ----------
    out
        The folder of the run.
    begin
        How many steps are behind it.
    """

    def __init__(self, out: Path, begin: int = 0) -> None:
        out.mkdir(parents=True, exist_ok=True)
        path = out / LOG
        if path.is_file():
            lines = [line for line in path.read_text().splitlines() if _step(line) <= begin]
            path.write_text("".join(line + "\n" for line in lines if begin))
        self.file = path.open("a")
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.board = None
        else:
            self.board = SummaryWriter(str(out), purge_step=begin + 1)

    def close(self) -> None:
        """Finish the files."""
        self.file.close()
        if self.board is not None:
            self.board.close()

    def write(self, step: int, figures: dict[str, float], minutes: float) -> None:
        """Note the figures of a step; what is not finite is null."""
        finite = {name: float(f"{value:.6g}") if math.isfinite(value) else None for name, value in figures.items()}
        self.file.write(json.dumps({"step": step, "minutes": round(minutes, 3)} | finite) + "\n")
        self.file.flush()
        if self.board is not None:
            for name, value in figures.items():
                self.board.add_scalar(name, value, step)

    def show(self, step: int, samples: dict[str, Sample]) -> None:
        """Put what was made on TensorBoard, to be heard and seen; nothing without it."""
        if self.board is None:
            return
        for name, sample in samples.items():
            if sample.sample_rate is not None:
                self.board.add_audio(name, np.clip(sample.values, -1, 1)[None], step, sample.sample_rate)
            else:
                bands = sample.values.T[::-1]
                self.board.add_image(name, np.clip(1 + (bands - bands.max()) / SHOWN_NEPERS, 0, 1)[None], step)


def _step(line: str) -> float:
    """The step of a line of the log; one cut short belongs to no step."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
