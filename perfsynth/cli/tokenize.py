"""``perfsynth tokenize`` and ``detokenize``: a performance to integers and back."""

from __future__ import annotations

from perfsynth.cli import _io, app
from perfsynth.cli import _options as opt


@_io.stage(
    app,
    "tokenize",
    suffix=".jsonl",
    binary=False,
    examples=(
        "perfsynth tokenize performance.mid -o tokens.jsonl",
        "perfsynth tokenize performance.mid | perfsynth detokenize -o quantised.mid",
    ),
)
def tokenize(item: _io.Item, vocabulary: opt.Vocabulary = "seed") -> None:
    """Turn a performance (MIDI) into tokens (JSON Lines, one note a line)."""
    from perfsynth import formats
    from perfsynth.formats.jsonl import write_jsonl
    from perfsynth.tokens import core

    performance = formats.read_performance(item.read(), name=item.name)
    item.write(write_jsonl(core.tokenize(performance, vocabulary=vocabulary)))


@_io.stage(
    app,
    "detokenize",
    suffix=".mid",
    examples=(
        "perfsynth detokenize tokens.jsonl -o performance.mid",
        "perfsynth tokenize a.mid | perfsynth detokenize | perfsynth synth-audio -o a.wav",
    ),
)
def detokenize(item: _io.Item) -> None:
    """Turn tokens (JSON Lines) back into a performance (MIDI)."""
    from perfsynth import formats
    from perfsynth.errors import InputError
    from perfsynth.formats.midi_write import write_performance
    from perfsynth.tokens import core
    from perfsynth.types import Tokens

    tokens = formats.read_notes(item.read(), name=item.name)
    if not isinstance(tokens, Tokens):
        raise InputError(f"{item.name}: these are {type(tokens).__name__.lower()} lines, where tokens are expected")
    item.write(write_performance(core.detokenize(tokens)))
