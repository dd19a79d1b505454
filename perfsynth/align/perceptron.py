"""The small networks that hear where notes begin, and choose where they end: one hidden layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from perfsynth import folders


@dataclass(frozen=True)
class Perceptron:
    """One hidden layer with the activation x / (1 + exp(-x)), and one output."""

    hidden_weight: np.ndarray  # (n_hidden, n_inputs)
    hidden_bias: np.ndarray  # (n_hidden,)
    weight: np.ndarray  # (1, n_hidden)
    bias: np.ndarray  # (1,)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(...) outputs of (..., n_inputs)."""
        hidden = x @ self.hidden_weight.T + self.hidden_bias
        hidden *= 1 / (1 + np.exp(-hidden))
        return np.asarray(hidden @ self.weight[0] + self.bias[0])

    def save(self, path: Path) -> None:
        """Write the weights as safetensors, into a folder that is made where there is none."""
        from safetensors.numpy import save

        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(save(asdict(self)))


@cache
def shipped(model: str, file: str = "model") -> Perceptron:
    """One that ships: `file` of the folder of a model, without its suffix."""
    from safetensors.numpy import load_file

    return Perceptron(**load_file(folders.shipped(model) / f"{file}.safetensors"))
