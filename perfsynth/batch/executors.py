"""The seam between a batch and what runs it: one shape for this process, more processes, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
ATTEMPTS = 3  # processes that a task may lose before it is given up


@dataclass(frozen=True)
class Answer(Generic[R]):
    """What became of one task: a result, or the error that kept it from one."""

    index: int  # of the task
    result: R | None = None
    error: BaseException | None = None


class Executor(Protocol):
    """Runs tasks. The answers come as they are ready, in any order, one for each task.

    A task whose process dies is done again, `ATTEMPTS` times in all. The iterator is to be closed: whatever ends it
    early, an interrupt included, ends the work too.
    """

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> Generator[Answer[R], None, None]:
        """Do `work` on every task; both have to be picklable."""
        ...


class ThisProcess:
    """One task after another, here."""

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> Generator[Answer[R], None, None]:
        """See `Executor`."""
        for index, task in enumerate(tasks):
            yield Answer(index, work(task))
