"""Spectrogram to audio, by several models; call it: ``perfsynth.vocode(spectrogram)``."""

from perfsynth.verb import make_callable

make_callable(__name__)
