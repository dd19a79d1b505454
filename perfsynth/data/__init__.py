"""Recipes: where a dataset comes from, how it is laid out, how it is checked. Never its bytes."""

SPLITS = ("train", "valid", "test")  # of every corpus
