"""Score to performance: one file a model. Calling the package is `perfsynth.perform.core.perform`."""

from perfsynth.verb import make_callable

make_callable(__name__)
