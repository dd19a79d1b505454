"""``perfsynth data batik``: sonatas by Mozart, played by one pianist."""

from __future__ import annotations

from perfsynth.cli import _io
from perfsynth.cli._corpora import Preparing, Source, Target
from perfsynth.cli.data import data, group
from perfsynth.folders import data_folder

batik = group("batik", "Batik-plays-Mozart, sonatas on a computer grand; no licence stated: to validate on.")
data.add_typer(batik)


@_io.report(
    batik,
    "prepare",
    examples=("perfsynth data batik prepare -o corpus", "perfsynth data batik prepare ~/batik_plays_mozart -o corpus"),
)
def prepare(session: _io.Session, folder: Source = None, output: Target = None) -> None:
    """Turn the dataset into a corpus to validate on, and report what was kept and dropped, and why."""
    from perfsynth.data import batik as recipe

    root = folder or data_folder("batik")
    total = len(list((root / "match").glob("*.match")))
    Preparing("batik", output, session, total=total).run(lambda out: recipe.prepare(root, out))
