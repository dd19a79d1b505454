"""Recording to score, one row per note. Calling the package is `perfsynth.align.core.align`."""

from perfsynth.verb import make_callable

make_callable(__name__)
