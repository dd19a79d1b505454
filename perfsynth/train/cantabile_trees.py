"""The trees beside the networks of ``cantabile``: what the humans of each piece have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from warnings import catch_warnings, simplefilter

import numpy as np

from perfsynth.data.pieces import Piece
from perfsynth.perform.cantabile.columns import UNSTATED
from perfsynth.perform.cantabile.crops import Crop, cut
from perfsynth.perform.cantabile.interpretation import PROBABILITIES
from perfsynth.perform.cantabile.trees import ROWS, Trees
from perfsynth.train.cantabile_examples import Example, examples_of

MOST_ROWS = 400_000  # to learn a curve from
SHARE = 0.5  # of the rows of a view: neighbours say nearly the same


def boosted(pieces: Iterable[Piece], *, trees: int = 200, leaves: int = 31, seed: int = 0) -> dict[str, Trees]:
    """Gradient boosting (Friedman 2001) of each curve of `ROWS` on the pieces, by scikit-learn on binned columns.

    Every piece is seen as MusicXML, as score MIDI where there is one, and without anything that flat MIDI lacks.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(seed)
    views = [view for piece in pieces for view in _views(piece)]
    found = {}
    for name, rows_of in ROWS.items():
        parts = [_drawn(rows_of(crop), _common(examples, name), rng) for crop, examples in views]
        rows, wanted = (np.concatenate(part) for part in zip(*parts, strict=True))
        chosen = rng.permutation(len(wanted))[:MOST_ROWS]
        model = HistGradientBoostingRegressor(
            max_iter=trees, learning_rate=0.08, max_leaf_nodes=leaves, early_stopping=False, random_state=seed
        )
        found[name] = _packed(model.fit(rows[chosen], wanted[chosen]))
    return found


def _views(piece: Piece) -> Iterator[tuple[Crop, list[Example]]]:
    """The whole piece and its performances, for each way in which it can be read."""
    for notation, examples in examples_of(piece).items():
        if not examples:
            continue
        for absent in (frozenset[str](), UNSTATED) if notation == "musicxml" else (frozenset[str](),):
            reading = examples[0].reading
            yield cut(reading, 0, len(reading.chord_beat), absent=absent), examples


def _drawn(rows: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A share of the rows of which it is known what is wanted."""
    chosen = np.isfinite(wanted) & (rng.random(len(wanted)) < SHARE)
    return rows[chosen], wanted[chosen]


def _common(examples: list[Example], name: str) -> np.ndarray:
    """What performances of a piece have in common of a curve, float32, nan where nobody plays.

    Their mean: of probabilities as they are, of other curves less each performance's own mean.
    """
    stacked = np.stack([getattr(one, name) for one in examples]).astype(float)
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)  # nobody plays
        if name not in PROBABILITIES:
            stacked = stacked - np.nanmean(stacked, axis=1, keepdims=True)
        return np.asarray(np.nanmean(stacked, axis=0), np.float32)


def _packed(model: object) -> Trees:
    """The trees of a fitted scikit-learn model, which keeps them as arrays of nodes."""
    nodes = [tree.nodes for (tree,) in model._predictors]  # type: ignore[attr-defined]
    sizes = np.array([len(one) for one in nodes])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    joined, shift = np.concatenate(nodes), np.repeat(roots, sizes)
    leaf = joined["is_leaf"] > 0
    value = np.where(leaf, joined["value"], 0)
    value[: sizes[0]] += leaf[: sizes[0]] * model._baseline_prediction.item()  # type: ignore[attr-defined]
    return Trees(
        roots.astype(np.int32),
        np.where(leaf, -1, joined["feature_idx"]).astype(np.int16),
        joined["num_threshold"].astype(np.float32),
        (joined["left"] + shift).astype(np.int32),
        (joined["right"] + shift).astype(np.int32),
        value.astype(np.float32),
    )
