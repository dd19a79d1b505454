"""Judging files: arrays in, numbers out. Knows no model."""
