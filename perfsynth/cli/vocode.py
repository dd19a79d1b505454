"""``perfsynth vocode``: a spectrogram in, audio out."""

from __future__ import annotations

from typing import Annotated

import typer

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt
from perfsynth.cli._sound import ending
from perfsynth.dsp.loudness import LOUDNESS_LUFS


@_io.stage(
    app,
    "vocode",
    suffix=ending,
    examples=(
        "perfsynth vocode performance.npz -o out.wav",
        "perfsynth synth-mel performance.mid | perfsynth vocode --format flac > out.flac",
    ),
)
def vocode(
    item: _io.Item,
    model: Annotated[str, typer.Option(help="Vocoder; see `perfsynth models`.")] = "auto",
    source: Annotated[
        str | None,
        typer.Option(metavar="ENGINE", help="Of source-filter: what plays, or bowed; else what fits the instrument."),
    ] = None,
    iterations: Annotated[int | None, typer.Option(min=1, max=10000, help="Of griffin-lim.")] = None,
    weights: Annotated[str | None, typer.Option(metavar="DIR", help="A trained vocoder of your own.")] = None,
    device: opt.Device = "cpu",
    sample_rate: opt.SampleRate = None,
    loudness: opt.Loudness = LOUDNESS_LUFS,
    audio_format: opt.Format = None,
) -> None:
    """Sound a spectrogram (.npz): write audio."""
    from perfsynth import formats
    from perfsynth.dsp.loudness import normalise
    from perfsynth.formats.audio import write_audio
    from perfsynth.vocode.core import vocode as sounded

    spectrogram = formats.read_spectrogram(item.read(), name=item.name)
    stream = sounded(
        spectrogram, model=model, sample_rate=sample_rate, device=device, seed=item.seed, source=source,
        iterations=iterations, weights=weights,
    )  # fmt: skip
    level = normalise(stream, loudness_lufs=loudness or None)
    suffix = ending(output=item.target, audio_format=audio_format)
    with item.file() as path:
        duration_s = write_audio(level, path, format=suffix[1:])  # type: ignore[arg-type]
    item.session.say(
        f"{item.target}: {spectrogram.values.shape[1]} frames by {stream.history[-1].model}, {duration_s:.1f} s"
    )
