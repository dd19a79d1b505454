"""One bar for the whole of a command, on stderr, and only where somebody can see it move."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Progress:
    """The progress of the current item: ``progress("synthesizing", 0.4)``. Silent without a bar."""

    def __init__(self, bar: RichProgress | None = None) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=1.0) if bar else None
        self._name = ""

    def begin(self, name: str) -> None:
        """Start with another item."""
        self._name = name
        self("", 0.0)

    def __call__(self, step: str, fraction: float) -> None:
        """Show that `fraction` (0..1) of the item is done, now at `step`."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=f"{self._name} {step}".strip(), completed=fraction)

    @classmethod
    @contextmanager
    def on_stderr(cls, *, hidden: bool) -> Iterator[Progress]:
        """A bar that lives as long as the block, or none when stderr is no terminal."""
        if hidden or not sys.stderr.isatty():
            yield cls()
            return
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield cls(bar)
