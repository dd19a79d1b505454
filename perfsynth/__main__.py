"""``python -m perfsynth``."""

from perfsynth.cli import main

main()
