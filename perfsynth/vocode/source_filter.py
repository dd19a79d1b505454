"""``source-filter``: the notes behind a spectrogram, played by an engine and filtered until they have its bands.

A spectrogram says how loud each band is, not where partials lie nor in which phase. Its performance does, so a piano
that plays the same is coloured (`perfsynth.dsp.colouring`), with nothing trained. `synth-mel` keeps the performance in
what it writes. A spectrogram of a violin colours a bowed string.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from perfsynth import registry
from perfsynth.dsp.colouring import Colour, coloured
from perfsynth.dsp.mel import PRESETS, Preset
from perfsynth.errors import UsageError
from perfsynth.known import VIOLIN, kind_of
from perfsynth.types import AudioStream, Performance, Spectrogram
from perfsynth.vocode.core import played_in, said

PIANO, BOWED = "modal", "bowed"


def vocode(spectrogram: Spectrogram, *, source: str | None = None, seed: int = 0) -> AudioStream:
    """Sound a spectrogram that knows its performance; see `perfsynth.vocode.core.vocode`.

    Parameters
    ----------
    spectrogram
        Of any preset, with a performance.
    source
        An engine of ``synth-audio``, or ``bowed``, a bowed string. By default that for a violin, and else the modal
        piano, the one that the spectrogram is of where it is of one.
    seed
        Of the source, and of noise in it.

    Raises
    ------
    InputError
        When the spectrogram knows no performance.
    UsageError
        When there is no such source.
    """
    performance = played_in(spectrogram)
    preset = PRESETS[spectrogram.preset]
    chosen = source or (BOWED if kind_of(said(spectrogram, "instrument")) == VIOLIN else PIANO)
    piano = said(spectrogram, "piano") if chosen == PIANO else ""
    blocks, n_channels, colour = _played(performance, chosen, piano, preset, seed)
    made = coloured(blocks, spectrogram.values, preset, colour=colour, n_channels=n_channels, seed=seed)
    n_samples = preset.n_samples(spectrogram.values.shape[1])
    return AudioStream(made, preset.sample_rate, n_channels, n_samples / preset.sample_rate)


def _played(
    performance: Performance, source: str, piano: str, preset: Preset, seed: int
) -> tuple[Iterable[np.ndarray], int, Colour]:
    """Blocks at the preset's rate, of how many channels, and how far to bend them."""
    if source == BOWED:
        from perfsynth.synth import bowed
        from perfsynth.synth.roll import sounding, without_pedal

        blocks = bowed.strings(sounding(without_pedal(performance)), rate=preset.sample_rate, seed=seed)
        return blocks, bowed.CHANNELS, bowed.colour(preset)
    from perfsynth.synth.core import synthesize

    engines = registry.names("synth-audio")
    if source not in engines:
        raise UsageError(f"source {source!r}: {BOWED}, or an engine: {', '.join(engines)}")
    given = {"piano": piano} if piano else {}
    stream = synthesize(performance, engine=source, sample_rate=preset.sample_rate, seed=seed, **given)
    return stream.blocks, stream.n_channels, Colour()
