"""Names that a network has learnt: instruments, albums, pianists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from perfsynth.errors import InputError, UsageError

VIOLIN = "violin"  # the kind of those that are bowed, and the network that ships for them


def kind_of(instrument: str | None) -> str:
    """What kind of instrument a name is of, its first word: ``violin-ann`` is a violin."""
    return (instrument or "").partition("-")[0]


def number_of(known: tuple[str, ...], name: str | None, what: str = "instrument") -> int:
    """Where a name stands among those that a network knows: the name itself, else the first whose first word it is.

    Parameters
    ----------
    known
        The names, as ``violin-ann``.
    name
        The first one without.
    what
        What the names are of.

    Raises
    ------
    InputError
        When the network knows none at all.
    UsageError
        When there is none of that name.
    """
    if not known:
        raise InputError(f"this network knows no {what}; train it again")
    if name is None:
        return 0
    found = [index for index, each in enumerate(known) if each == name]
    found += [index for index, each in enumerate(known) if each.startswith(f"{name}-")]
    if not found:
        others = f"; --instrument {VIOLIN} is a violin, --engine fluidsynth has those of a soundfont"
        there = ", ".join(known) + (others if what == "instrument" else "")
        raise UsageError(f"{what} {name!r}: this network knows {there}")
    return found[0]


def commonest(names: Iterable[str], count: int) -> tuple[str, ...]:
    """The `count` names that come most often, those that come as often as one another by the alphabet."""
    return tuple(name for name, _ in Counter(sorted(names)).most_common(count))
