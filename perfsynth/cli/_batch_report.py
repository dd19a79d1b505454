"""How a batch is watched: a bar or a line now and then while it runs, a table when it is done."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from perfsynth.batch.outcome import Tally, clock, pace
from perfsynth.cli._item import Session
from perfsynth.cli._progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

LINE_EVERY_S = 60.0  # where there is no terminal to show a bar


class Watch:
    """Shows how far a batch is."""

    def __init__(self, tally: Tally, session: Session, bar: RichProgress | None = None, *, items: bool = False) -> None:
        self.tally = tally
        self._session = session
        self._bar = bar
        self._task = bar.add_task("", total=tally.total) if bar else None
        self.progress = Progress(bar if items else None)  # of the item at hand, where it is this process's
        self._said_s = monotonic()

    def update(self) -> None:
        """Show the tally as it is now."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=str(self.tally), completed=self.tally.total - self.tally.left)
        elif monotonic() - self._said_s > LINE_EVERY_S:
            self._session.say(f"perfsynth: {self.tally}")
            self._said_s = monotonic()

    @classmethod
    @contextmanager
    def on_stderr(cls, tally: Tally, session: Session, *, items: bool) -> Iterator[Watch]:
        """A watch that lives as long as the block."""
        if session.quiet or session.as_json or not sys.stderr.isatty():
            yield cls(tally, session)
            return
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn())
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield cls(tally, session, bar, items=items)


def summarise(tally: Tally, session: Session) -> None:
    """Show a table of the whole batch on stderr, or one JSON object."""
    numbers = {"done": tally.done, "skipped": tally.skipped, "failed": tally.failed}
    if session.as_json:
        times = {"elapsed_s": round(tally.elapsed_s, 3), "work_s": round(tally.work_s, 3), "bytes": tally.size}
        session.tell(json.dumps({"batch": numbers | times}))
        return
    if session.quiet:
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in (*numbers, "time", "rate", "each", "size"):
        table.add_column(column, justify="right")
    worked = tally.done + tally.failed
    each = f"{tally.work_s / worked:.2f} s" if worked else "-"
    rate = pace(tally.rate) if worked else "-"
    table.add_row(*map(str, numbers.values()), clock(tally.elapsed_s), rate, each, f"{tally.size / 1e6:.1f} MB")
    Console(stderr=True).print(table)
