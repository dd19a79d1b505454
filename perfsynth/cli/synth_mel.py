"""``perfsynth synth-mel``: a performance in, a spectrogram out."""

from __future__ import annotations

from typing import Annotated

import typer

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt


@_io.stage(
    app,
    "synth-mel",
    suffix=".npz",
    examples=(
        "perfsynth synth-mel performance.mid -o performance.npz",
        "perfsynth synth-mel performance.mid | perfsynth vocode -o out.wav",
    ),
)
def synth_mel(
    item: _io.Item,
    model: Annotated[str, typer.Option(help="Spectrogram model; see `perfsynth models`.")] = "auto",
    instrument: Annotated[str | None, typer.Option(help="Of a trained model: which of its instruments.")] = None,
    room: Annotated[str | None, typer.Option(help="dry, studio or hall.")] = None,
    piano: opt.Piano = None,
    preset: Annotated[
        str | None, typer.Option(help="Of modal: which spectrogram, as perfsynth-44k or deep-performer-16k.")
    ] = None,
    weights: opt.Weights = None,
    device: opt.Device = "cpu",
) -> None:
    """Predict the spectrogram of a performance (MIDI): write .npz."""
    from perfsynth import formats
    from perfsynth.formats.spectrogram import write_spectrogram
    from perfsynth.synth.spectrogram import synthesize_spectrogram

    performance = formats.read_performance(item.read(), name=item.name)
    made = synthesize_spectrogram(
        performance, model=model, seed=item.seed, device=device, instrument=instrument, room=room, piano=piano,
        preset=preset, weights=weights,
    )  # fmt: skip
    item.write(write_spectrogram(made))
    item.session.say(f"{item.target}: {made.values.shape[1]} frames of {made.preset}")
