"""Spectrograms as .npz archives that say which preset they are in."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib

import numpy as np

from perfsynth.dsp.mel import PRESETS
from perfsynth.errors import InputError
from perfsynth.formats.midi import read_performance
from perfsynth.formats.midi_write import write_performance
from perfsynth.formats.provenance import history_from_json
from perfsynth.types import Spectrogram

MAX_BYTES = 8 * 2**30  # ten hours of the widest preset
_MEMBERS = ("values", "preset")
_PERFORMANCE, _HISTORY = "performance", "history"  # members that may be missing
_EPOCH = (1980, 1, 1, 0, 0, 0)  # no clock in the bytes


def write_spectrogram(spectrogram: Spectrogram) -> bytes:
    """Write a spectrogram; `numpy.load` reads it.

    Its arrays are ``values``, ``preset``, ``history`` (JSON) and, where it is known, ``performance`` (bytes of MIDI).
    """
    arrays = {
        "values": np.ascontiguousarray(spectrogram.values, np.float32),
        "preset": np.array(spectrogram.preset),
        "history": np.array(json.dumps([step.to_json() for step in spectrogram.history])),
    }
    if spectrogram.performance is not None:
        arrays[_PERFORMANCE] = np.frombuffer(write_performance(spectrogram.performance), np.uint8)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), member.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read_spectrogram(data: bytes, *, name: str = "spectrogram") -> Spectrogram:
    """Read a spectrogram.

    Raises
    ------
    InputError
        When it is broken, of an unknown preset, of the wrong number of bands, or not finite.
    """
    arrays = _arrays(data, name)
    preset = str(arrays["preset"])
    if preset not in PRESETS:
        raise InputError(f"{name}: preset {preset!r} is unknown; there are {', '.join(PRESETS)}")
    values = arrays["values"]
    n_bands = PRESETS[preset].n_bands
    if values.ndim != 2 or values.shape[0] != n_bands or values.dtype.kind != "f":
        raise InputError(
            f"{name}: shape {values.shape} of {values.dtype}; {preset} has {n_bands} bands of floats, (bands, frames)"
        )
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise InputError(f"{name}: it has values that are not finite numbers; make it again")
    try:
        history = history_from_json(json.loads(str(arrays.get(_HISTORY, "[]"))))
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{name}: its history is garbled ({error}); make it again") from error
    performance = None
    if _PERFORMANCE in arrays:
        performance = read_performance(arrays[_PERFORMANCE].tobytes(), name=f"{name}, its performance")
    digest = hashlib.sha256(data).hexdigest()
    return Spectrogram(values.astype(np.float32), preset, performance, history=history, sha256=digest)


def _arrays(data: bytes, name: str) -> dict[str, np.ndarray]:
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > MAX_BYTES:
                raise InputError(f"{name}: unpacks to {size >> 20} MB; that is no spectrogram")
            there = archive.namelist()
            for member in (*_MEMBERS, *(name for name in (_PERFORMANCE, _HISTORY) if f"{name}.npy" in there)):
                with archive.open(f"{member}.npy") as file:
                    found[member] = np.lib.format.read_array(io.BytesIO(file.read(MAX_BYTES)), allow_pickle=False)
    except InputError:
        raise
    except KeyError as error:
        needed = " and ".join(_MEMBERS)
        raise InputError(f"{name}: this .npz is no spectrogram, which has {needed} ({error.args[0]})") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{name}: broken .npz ({error}); make it again") from error
    return found
