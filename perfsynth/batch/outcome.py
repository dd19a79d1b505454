"""What became of one item of a batch, and of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of an item; it travels between processes."""

    status: Status
    duration_s: float = 0.0  # of the work on it
    size: int = 0  # bytes of the result
    error: str = ""
    exit_code: int = 0
    lines: tuple[str, ...] = ()  # what was said on the way


@dataclass
class Tally:
    """The count of a batch as it goes on."""

    total: int
    started_s: float = field(default_factory=monotonic)
    done: int = 0
    skipped: int = 0
    failed: int = 0
    size: int = 0  # bytes
    work_s: float = 0.0  # summed over the processes

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        setattr(self, outcome.status, getattr(self, outcome.status) + 1)
        self.size += outcome.size
        self.work_s += outcome.duration_s

    @property
    def elapsed_s(self) -> float:
        """Since the start."""
        return monotonic() - self.started_s

    @property
    def left(self) -> int:
        """How many items nothing has become of yet."""
        return self.total - self.done - self.skipped - self.failed

    @property
    def rate(self) -> float:
        """Items worked on in a second; those skipped cost nothing and do not count."""
        return (self.done + self.failed) / max(self.elapsed_s, 1e-9)

    @property
    def left_s(self) -> float:
        """Time left at this rate; infinite before the first item is done."""
        return self.left / self.rate if self.rate else float("inf")

    def __str__(self) -> str:
        """One line: how far, how fast, how long yet."""
        left = f", {clock(self.left_s)} left" if self.left and self.rate else ""
        return f"{self.total - self.left} of {self.total}, {pace(self.rate)}{left}"


def pace(rate: float) -> str:
    """A rate in words: a second when there are several, else a minute."""
    return f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"


def clock(duration_s: float) -> str:
    """A duration as h:mm:ss."""
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
