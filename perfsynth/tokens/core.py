"""The verbs of the stage: a performance to tokens and back."""

from __future__ import annotations

from dataclasses import replace

from perfsynth import registry
from perfsynth.errors import InputError, expect
from perfsynth.tokens import seed
from perfsynth.types import Performance, Tokens

_DECODERS = {seed.NAME: seed.decode}


def tokenize(performance: Performance, *, vocabulary: str = "auto") -> Tokens:
    """Turn a performance into tokens.

    Parameters
    ----------
    performance
        What to tell.
    vocabulary
        A vocabulary's name; ``auto`` takes the default.

    Returns
    -------
    Tokens
        (n_notes, n_fields) int32, a row per note.

    Raises
    ------
    InputError
        When it has no notes, or one that the vocabulary has no token for.
    UsageError
        When there is no such vocabulary.
    """
    expect(performance, Performance, "load(path, as_performance=True) reads one")
    if len(performance.notes) == 0:
        raise InputError("the performance has no notes; there is nothing to tokenize")
    system = registry.get(vocabulary, "tokenize")
    tokens: Tokens = system.load()(performance)
    return replace(tokens, **performance.made_by("tokenize", system.name))


def detokenize(tokens: Tokens) -> Performance:
    """Turn tokens back into a performance.

    Parameters
    ----------
    tokens
        Of a vocabulary that is known.

    Returns
    -------
    Performance
        As exact as the grid of the vocabulary.

    Raises
    ------
    InputError
        When there are no tokens, the vocabulary is unknown or an id is none of its tokens.
    """
    expect(tokens, Tokens, "perfsynth.tokenize makes them of a performance")
    if not len(tokens.ids):
        raise InputError("no tokens; a performance needs at least one note")
    if tokens.vocabulary not in _DECODERS:
        raise InputError(f"vocabulary {tokens.vocabulary!r} is unknown; there are {', '.join(_DECODERS)}")
    performance = _DECODERS[tokens.vocabulary](tokens)
    return replace(performance, **tokens.made_by("detokenize", tokens.vocabulary))
