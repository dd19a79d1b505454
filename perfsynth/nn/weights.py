"""The weights that training leaves behind, made a network again."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from perfsynth.errors import InputError, MissingError, briefly
from perfsynth.folders import shipped

if TYPE_CHECKING:
    from torch import nn

Network = TypeVar("Network", bound="nn.Module")

WEIGHTS, CONFIG = "model.safetensors", "config.toml"
KEPT = 4  # networks in memory


def network_of(
    folder: str | None, system: str, network: Callable[[Any], Network], config: Callable[..., Any]
) -> Network:
    """The network of a folder, without one that of a system as it ships; kept until its files change.

    Parameters
    ----------
    folder
        With ``model.safetensors`` and ``config.toml``.
    system
        Whose weights they must be.
    network, config
        What makes the network of a configuration, and a configuration of the sizes in ``config.toml``.

    Raises
    ------
    MissingError
        When none ships.
    InputError
        When the folder holds no such network, or that of another version.
    """
    place = Path(folder) if folder else shipped(system)
    if folder is None and not place.is_dir():
        raise MissingError(f"no {system} ships with this version; train one, then give its folder as --weights")
    made: Network = _kept(place, written_at(place, system), system, network, config)
    return made


def written_at(place: Path, system: str) -> tuple[int, ...]:
    """When the files of a folder of weights were written, in ns: what is kept of them holds until that changes.

    Raises
    ------
    InputError
        When there are none.
    """
    try:
        return tuple((place / name).stat().st_mtime_ns for name in (WEIGHTS, CONFIG))
    except OSError as error:
        raise InputError(f"{place}: no weights of {system} ({error.strerror}: {error.filename})") from error


@lru_cache(maxsize=KEPT)
def _kept(place: Path, state: tuple[int, ...], system: str, network: Any, config: Any) -> Any:
    return load_network(place, system, network, config)


def load_network(place: Path, system: str, network: Callable[[Any], Network], config: Callable[..., Any]) -> Network:
    """A network of a system, from ``model.safetensors`` and ``config.toml``, in evaluation mode.

    Raises
    ------
    InputError
        When there is none, it is another system's, or its weights fit another version.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        table = tomllib.loads((place / CONFIG).read_text())
        if table.get("system") != system:
            found = table.get("system") or "no system that its config.toml names"
            raise InputError(f"{place}: weights of {found}, where those of {system} are needed")
        if not isinstance(table.get("model"), dict):
            raise InputError(f"{place}: its config.toml has no [model]; train it again")
        sizes = {key: tuple(v) if isinstance(v, list) else v for key, v in table["model"].items()}
        made = network(config(**sizes))
        made.load_state_dict({name: value.float() for name, value in load_file(place / WEIGHTS).items()})
    except InputError:
        raise
    except (OSError, LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{place}: no weights of this version of {system} ({briefly(error)}); train them again"
        ) from error
    return made.eval()
