"""Reports: one page that shows and plays what `perfsynth evaluate` measured, and needs nothing but a browser."""
