"""``perfsynth doctor``: what is installed, what is missing, and the command that installs it."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version

import typer

from perfsynth.cli import _io, app
from perfsynth.errors import InputError, MissingError


@dataclass(frozen=True)
class Check:
    """One thing that perfsynth uses."""

    name: str
    found: str  # its version or place; empty when missing
    needed: bool  # whether nothing works without it
    remedy: str = ""


@_io.report(app, "doctor", examples=("perfsynth doctor", "perfsynth doctor --json"))
def doctor(session: _io.Session) -> None:
    """Show what is installed, what is missing, and the command that installs it."""
    checks = [_python(), *_packages(), *_fluidsynth(), _accelerator()]
    if session.as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        for check in checks:
            state = "ok     " if check.found else "MISSING" if check.needed else "absent "
            typer.echo(f"{state}  {check.name:24} {check.found or check.remedy}")
    missing = [check for check in checks if check.needed and not check.found]
    if missing:
        raise MissingError("; ".join(f"{check.name} is missing: {check.remedy}" for check in missing))


def _python() -> Check:
    return Check("python", platform.python_version(), True)


def _packages() -> list[Check]:
    declared = [line.split(";")[0] for line in requires("perfsynth") or [] if "extra ==" not in line]
    names = sorted(line.split(">=")[0].strip() for line in declared)
    return [Check(name, _version(name), True, f"pip install '{name}'") for name in names]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _fluidsynth() -> list[Check]:
    from perfsynth import fluid

    found = []
    for name, look in (("fluidsynth", fluid.find_program), ("soundfont", fluid.find_soundfont)):
        try:
            found.append(Check(name, str(look()), False))
        except (MissingError, InputError) as error:
            found.append(Check(name, "", False, str(error)))
    return found


def _accelerator() -> Check:
    try:
        import torch
    except (ImportError, OSError) as error:  # its libraries may be broken, too
        return Check("CUDA device", "", False, f"torch cannot be loaded ({error}); pip install --force-reinstall torch")
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return Check("CUDA device", name, False, "none found; everything runs on the CPU")
