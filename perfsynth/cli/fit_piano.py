"""``perfsynth fit-piano``: a folder of samples in, a modal piano out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt
from perfsynth.cli._item import alone
from perfsynth.errors import PerfsynthError


@_io.report(
    app,
    "fit-piano",
    examples=(
        "perfsynth fit-piano ~/.local/share/perfsynth/salamander -o my-piano",
        "perfsynth render score.musicxml --piano my-piano -o out.wav",
    ),
)
def fit_piano(
    session: _io.Session,
    samples: Annotated[
        Path,
        typer.Argument(
            help="Folder of .ogg, .wav or .flac named by note and layer (C4v7, 60_100), or a .toml of "
            "tables: each sample with file, key and velocity, each release with file and key."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the piano.")],
    force: opt.Force = False,
) -> None:
    """Analyse a sampled piano into a small modal one, for --engine modal --piano DIR. Takes some minutes."""
    if (output / "model.safetensors").exists() and not force:
        raise PerfsynthError(f"{output}: holds a piano already; --force overwrites it")
    from perfsynth.synth.modal import fitting, mapping, model
    from perfsynth.synth.samples import load_samples

    with alone(output, "fitting a piano"), session.progress() as progress:
        progress.begin(samples.name)
        if samples.suffix.lower() == ".toml":
            with TemporaryDirectory() as folder:
                mapping.link(samples, Path(folder))
                recordings = load_samples(folder, velocities=True, report=progress)
        else:
            recordings = load_samples(samples, report=progress)
        model.save(fitting.fit(recordings, report=progress), output)
    session.say(f"{output}: {sum(path.stat().st_size for path in output.iterdir()) / 1e6:.1f} MB")
