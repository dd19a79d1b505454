"""Packages that are verbs: ``perfsynth.perform`` holds the performance models and plays a score when called."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def make_callable(package: str) -> None:
    """Let calling `package` call the function of its last name in its module ``core``."""
    sys.modules[package].__class__ = _Verb


class _Verb(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        verb = self.__name__.rpartition(".")[2]
        return getattr(import_module(f"{self.__name__}.core"), verb)(*args, **kwargs)
