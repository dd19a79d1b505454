"""What can go wrong, as the command line reports it: one line each, with an exit code.

A message names the value, the rule it broke and the remedy:
``bach.mid: no notes in this MIDI file; a score needs at least one``.
"""


class PerfsynthError(Exception):
    """Anything that stops a stage for a reason its user can act on (exit code 1)."""

    exit_code = 1

    def __str__(self) -> str:
        """The message on one line, whatever a library put into it."""
        return " ".join(super().__str__().split())


class InputError(PerfsynthError, ValueError):
    """An input that cannot be read or makes no sense as what it claims to be."""


class MissingError(PerfsynthError):
    """A program, a package, a soundfont or a weight that is needed and not installed."""


class UsageError(PerfsynthError):
    """A combination of options that means nothing (exit code 2)."""

    exit_code = 2


class BatchError(PerfsynthError):
    """Some items of a batch failed, the others are done (exit code 3)."""

    exit_code = 3


def briefly(error: Exception) -> str:
    """What a library says of a failure: on one line, and cut where it goes on for long."""
    return " ".join(str(error).split())[:200]


def expect(value: object, kind: type, remedy: str) -> None:
    """Refuse what is of another type than `kind`, in words that say what it is.

    Raises
    ------
    UsageError
        When it is.
    """
    if not isinstance(value, kind):
        raise UsageError(f"this takes a {kind.__name__}, not a {type(value).__name__}; {remedy}")
