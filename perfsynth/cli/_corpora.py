"""What the commands that prepare a corpus have in common: progress, and the report of what was kept and dropped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfsynth.cli import _io
from perfsynth.cli._item import alone
from perfsynth.errors import PerfsynthError

if TYPE_CHECKING:
    from perfsynth.data.pieces import Entry

Source = Annotated[
    Path | None,
    typer.Argument(metavar="FOLDER", help="The dataset, unpacked, in its own layout; else where fetch keeps it."),
]
Target = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="CORPUS", help="Where it goes; else where train looks.")
]
LOOKS_PER_S = 2


@dataclass(frozen=True)
class Preparing:
    """The preparation of a corpus, as the user sees it."""

    name: str
    output: Path | None
    session: _io.Session
    total: int  # pieces to expect

    def run(self, prepare: Callable[[Path], list[Entry]]) -> None:
        """Prepare, and report.

        Raises
        ------
        PerfsynthError
            When nothing is kept, the folder cannot be written, or it is a corpus of sounds.
        """
        from perfsynth.cli.data import corpus_folder
        from perfsynth.data.sound_corpus import RECORDINGS

        out = self.output or corpus_folder(self.name)
        if (out / RECORDINGS).exists():
            raise PerfsynthError(f"{out}: holds a corpus of sounds; name another folder for one of performances")
        started = time.time()
        try:
            with alone(out, "preparing a corpus"), self._progress(out / "pieces", started):
                entries = prepare(out)
        except OSError as error:
            raise PerfsynthError(f"{error.filename or out}: {error.strerror or error}") from error
        found = summary(entries, (time.time() - started) / 60)
        if self.session.as_json:
            typer.echo(json.dumps({"corpus": str(out), **found, "pieces": [asdict(entry) for entry in entries]}))
            return
        for line in table(found):
            self.session.say(line)
        typer.echo(out)

    @contextmanager
    def _progress(self, pieces: Path, started: float) -> Iterator[None]:
        """A bar that counts the pieces as they are written."""
        with self.session.progress() as progress:
            progress.begin(self.name)
            done = Event()

            def watch() -> None:
                while not done.wait(1 / LOOKS_PER_S):
                    n = sum(path.stat().st_mtime >= started - 1 for path in pieces.glob("*.npz"))
                    progress(f"{n}/{self.total} pieces", min(n / max(self.total, 1), 1.0))

            watcher = Thread(target=watch, daemon=True)
            watcher.start()
            try:
                yield
            finally:
                done.set()
                watcher.join()


def summary(entries: list[Entry], minutes: float) -> dict[str, Any]:
    """What was kept of a dataset, by split, and why the rest was not, by reason."""
    from perfsynth.data import SPLITS
    from perfsynth.data.pieces import reasons

    kept = {}
    for split in SPLITS:
        rows = [entry for entry in entries if entry.split == split and entry.path]
        kept[split] = {
            "pieces": len(rows),
            "performances": sum(len(row.performances) for row in rows),
            "rough": sum(len(row.rough) for row in rows),
            "notes": sum(row.n_notes * len(row.performances) for row in rows),
            "with_score_midi": sum("midi" in row.notations for row in rows),
        }
    return {"minutes": round(minutes, 2), "kept": kept, "dropped": reasons(entries)}


def table(found: dict[str, Any]) -> Iterator[str]:
    """The lines of a report."""
    columns = ("pieces", "performances", "rough", "notes", "with_score_midi")
    heads = ("pieces", "performances", "of them rough", "notes", "with score MIDI")
    rows = [("kept", *heads)]
    rows += [(split, *(f"{values[c]:,}" for c in columns)) for split, values in found["kept"].items()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
    yield f"dropped {sum(found['dropped'].values())} performances"
    for why, count in found["dropped"].items():
        yield f"{count:6,}  {why}"
    yield f"{found['minutes']:g} min"
