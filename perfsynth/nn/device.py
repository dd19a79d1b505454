"""Where networks compute."""

from __future__ import annotations

from perfsynth.errors import MissingError, UsageError


def checked(device: str) -> str:
    """The name of a device that is there: ``cpu``, ``cuda`` or ``cuda:N``; for ``auto`` cuda where there is one.

    Raises
    ------
    UsageError
        When it is no such name.
    MissingError
        When there is no such device.
    """
    if device == "cpu":
        return device
    kind, _, number = device.partition(":")
    if not (device == "auto" or (kind == "cuda" and (number.isdecimal() or device == "cuda"))):
        raise UsageError(f"--device {device}: it is cpu, cuda, cuda:N or auto")
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if there else "cpu"
    if int(number or 0) >= there:
        raise MissingError(
            f"--device {device}: PyTorch finds {there or 'no'} CUDA devices; use --device cpu, or see perfsynth doctor"
        )
    return device
