"""The options that several commands share, each defined once."""

from __future__ import annotations

from enum import StrEnum
from inspect import Parameter
from typing import Annotated, Any

import typer

from perfsynth.errors import UsageError

Inputs = Annotated[list[str] | None, typer.Argument(metavar="INPUT", help="Files to read; - or nothing: stdin.")]
Pair = Annotated[
    list[str] | None,
    typer.Argument(metavar="RECORDING SCORE", help="A recording, then its score; -, of one of them: stdin."),
]
Output = Annotated[str | None, typer.Option("--output", "-o", help="File to write; - or nothing: stdout.")]
OutDir = Annotated[str | None, typer.Option(help="Folder for the results of several inputs.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite what is there.")]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="Leave inputs whose result is there.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random: same input, model and seed, same bytes.")]
AsJson = Annotated[bool, typer.Option("--json", help="Reports and errors as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more; show tracebacks.")]


class Repeats(StrEnum):
    """What becomes of repeat signs."""

    unfold = "unfold"
    as_written = "as-written"


class AudioFormat(StrEnum):
    """Audio files that can be written."""

    wav = "wav"
    flac = "flac"
    ogg = "ogg"


RepeatsOption = Annotated[Repeats, typer.Option(help="Play repeats, or read the page once.")]
Bpm = Annotated[
    float | None,
    typer.Option(metavar="BPM", help="Mean tempo in quarter notes a minute, instead of what the score states."),
]
PerformanceModel = Annotated[str, typer.Option("--model", help="Performance model; see `perfsynth models`.")]
Engine = Annotated[str, typer.Option(help="Sound engine; see `perfsynth models`.")]
Soundfont = Annotated[str | None, typer.Option(metavar="SF2", help="Soundfont, for the fluidsynth engine.")]
Format = Annotated[
    AudioFormat | None, typer.Option("--format", help="Audio format; else by the output's suffix, else WAV.")
]
Piano = Annotated[str | None, typer.Option(metavar="DIR", help="A piano made by fit-piano, for the modal engine.")]
Instrument = Annotated[str | None, typer.Option(help="Of a trained engine: which of its instruments.")]
Weights = Annotated[str | None, typer.Option(metavar="DIR", help="A trained model of your own.")]
SoundWeights = Annotated[
    str | None, typer.Option(metavar="DIR", help="Trained weights of the engine, instead of those shipped.")
]
Variant = Annotated[str | None, typer.Option(help="Of the modal engine: E2 (recorded attacks) or A (all smooth).")]
Room = Annotated[str | None, typer.Option(help="Of the modal and neural engines: dry, studio or hall.")]
Lid = Annotated[str | None, typer.Option(help="Of the modal engine: open, half or closed.")]
A4 = Annotated[float | None, typer.Option(metavar="HZ", help="Concert pitch of the modal, neural and violin engines.")]
Temperament = Annotated[str | None, typer.Option(help="Of the modal and neural engines: equal, or a historical one.")]
Resonance = Annotated[
    float | None,
    typer.Option(metavar="0..1", help="Of the modal engine: how strongly free strings answer; 1 is natural."),
]
PedalNoise = Annotated[
    float | None,
    typer.Option(metavar="0..1", help="Of the modal engine: how loud the sustain pedal is; 1 is natural."),
]
Samples = Annotated[str | None, typer.Option(metavar="DIR", help="Samples, for the sampler engine.")]
SampleRate = Annotated[int | None, typer.Option(metavar="HZ", help="Sample rate; the engine's own by default.")]
Loudness = Annotated[
    float | None,
    typer.Option(
        metavar="LUFS",
        help="Integrated loudness; the true peak stays below -1 dBFS. 0: as it comes, unless it would clip.",
    ),
]
KeepStages = Annotated[str | None, typer.Option(metavar="DIR", help="Keep what each stage makes in a folder.")]
Jobs = Annotated[int, typer.Option(metavar="N", help="Processes; 0: as many as cores.")]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, cuda:N or auto.")]
Plot = Annotated[str | None, typer.Option(metavar="PNG", help="Draw a picture: .png, .pdf or .svg.")]
Vocabulary = Annotated[str, typer.Option(help="Token vocabulary; see `perfsynth models`.")]


def check_jobs(jobs: int) -> None:
    """Refuse what is no number of processes.

    Raises
    ------
    UsageError
        When it is negative.
    """
    if jobs < 0:
        raise UsageError(f"--jobs {jobs}: not a number of processes; 0 takes as many as there are cores")


def parameter(name: str, annotation: Any, default: Any = None) -> Parameter:
    """An option that is added to the signature of a command."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


SESSION_PARAMETERS = (
    parameter("as_json", AsJson, False),
    parameter("quiet", Quiet, False),
    parameter("verbose", Verbose, False),
)
STAGE_PARAMETERS = (
    parameter("inputs", Inputs),
    parameter("output", Output),
    parameter("out_dir", OutDir),
    parameter("force", Force, False),
    parameter("skip_existing", SkipExisting, False),
    parameter("seed", Seed, 0),
    *SESSION_PARAMETERS,
)
