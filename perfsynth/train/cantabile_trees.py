"""The trees beside the networks of ``cantabile``: what the humans of each piece have in common, note by note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from perfsynth.data.pieces import Piece
from perfsynth.perform.cantabile.crops import cut
from perfsynth.perform.cantabile.trees import Trees, rows_of
from perfsynth.train.cantabile_examples import Example, examples_of

CURVES = ("velocity", "articulation", "asynchrony")
UNSTATED = frozenset({"marks", "dynamics", "tempo", "staff"})  # what flat MIDI leaves out
MOST_ROWS = 400_000  # notes to learn from
SHARE = 0.5  # of the notes of a view: neighbours say nearly the same


def boosted(pieces: Iterable[Piece], *, trees: int = 200, leaves: int = 31, seed: int = 0) -> dict[str, Trees]:
    """Gradient boosting (Friedman 2001) of each of `CURVES` on the pieces, by scikit-learn on binned columns.

    Every piece is seen as MusicXML, as score MIDI where there is one, and without anything that flat MIDI lacks.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(seed)
    views = [view for piece in pieces for view in _views(piece, rng)]
    rows, wanted = (np.concatenate(parts) for parts in zip(*views, strict=True))
    found = {}
    for index, name in enumerate(CURVES):
        known = np.flatnonzero(np.isfinite(wanted[:, index]))
        known = rng.permutation(known)[:MOST_ROWS]
        model = HistGradientBoostingRegressor(
            max_iter=trees, learning_rate=0.08, max_leaf_nodes=leaves, early_stopping=False, random_state=seed
        )
        found[name] = _packed(model.fit(rows[known], wanted[known, index]))
    return found


def _views(piece: Piece, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of a share of the notes and (n, curves) targets, for each way in which a piece can be read."""
    for notation, examples in examples_of(piece).items():
        if not examples:
            continue
        wanted = _common(examples)
        for absent in (frozenset[str](), UNSTATED) if notation == "musicxml" else (frozenset[str](),):
            reading = examples[0].reading
            crop = cut(reading, 0, len(reading.chord_beat), absent=absent)
            chosen = rng.random(len(wanted)) < SHARE
            yield rows_of(crop)[chosen], wanted[chosen]


def _common(examples: list[Example]) -> np.ndarray:
    """(n, curves) float32 the mean over performances of each curve less its own mean, nan where nobody plays."""
    stacked = np.stack([[getattr(one, name) for name in CURVES] for one in examples]).astype(float)
    known = np.isfinite(stacked)
    level = np.where(known, stacked, 0).sum(axis=2, keepdims=True) / np.maximum(known.sum(axis=2, keepdims=True), 1)
    total = np.where(known, stacked - level, 0).sum(axis=0)
    mean = np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
    return np.asarray(mean.T, np.float32)


def _packed(model: object) -> Trees:
    """The trees of a fitted scikit-learn model, which keeps them as arrays of nodes."""
    nodes = [tree.nodes for (tree,) in model._predictors]  # type: ignore[attr-defined]
    sizes = np.array([len(one) for one in nodes])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    joined, shift = np.concatenate(nodes), np.repeat(roots, sizes)
    leaf = joined["is_leaf"] > 0
    return Trees(
        roots.astype(np.int32),
        np.where(leaf, -1, joined["feature_idx"]).astype(np.int16),
        joined["num_threshold"].astype(np.float32),
        (joined["left"] + shift).astype(np.int32),
        (joined["right"] + shift).astype(np.int32),
        np.where(leaf, joined["value"], 0).astype(np.float32),
    )
