"""The weights that training leaves behind, made a network again."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from perfsynth.errors import InputError


def load_network(place: Path, system: str, network: Any, config: Any) -> Any:
    """A network of a system, from ``model.safetensors`` and ``config.toml``, in evaluation mode.

    Raises
    ------
    InputError
        When there is none, it is another system's, or its weights fit another version.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        table = tomllib.loads((place / "config.toml").read_text())
        if table.get("system") != system:
            raise InputError(f"{place}: weights of {table.get('system')}, where those of {system} are needed")
        sizes = {key: tuple(v) if isinstance(v, list) else v for key, v in table["model"].items()}
        made = network(config(**sizes))
        made.load_state_dict({name: value.float() for name, value in load_file(place / "model.safetensors").items()})
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        message = " ".join(str(error).split())[:200]
        raise InputError(f"{place}: no weights of this version of {system} ({message}); train them again") from error
    return made.eval()
