"""What a run writes down of itself: ``log.jsonl``, and TensorBoard's event files where that is installed."""

from __future__ import annotations

import json
import math
from pathlib import Path

LOG = "log.jsonl"


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


def _step(line: str) -> float:
    """The step of a line of the log; one cut short belongs to no step."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
