"""What all tasks say alike of their networks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any


class Configured:
    """A task whose network is made of its configuration, a frozen dataclass."""

    config: Any

    def model_config(self) -> dict[str, Any]:
        """What the network must be told to be made again."""
        return asdict(self.config)
