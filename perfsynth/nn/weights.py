"""The weights that training leaves behind, made a network again."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from perfsynth.errors import InputError, MissingError


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


def network_of(folder: str | None, system: str, network: Any, config: Any) -> Any:
    """The network of a folder, without one that of a system as it ships; see `load_network`.

    Raises
    ------
    MissingError
        When none ships.
    InputError
        When the folder holds no such network, or that of another version.
    """
    place = Path(folder) if folder else Path(str(files("perfsynth") / "pretrained" / system))
    if folder is None and not place.is_dir():
        raise MissingError(f"no {system} ships with this version; train one, then give its folder as --weights")
    return load_network(place, system, network, config)
