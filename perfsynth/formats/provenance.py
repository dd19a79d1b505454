"""How an artifact says how it was made: one line of text that fits a MIDI text event or a WAV comment."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from perfsynth.types import Made

PREFIX = "perfsynth "


def made_of(data: bytes, kind: str, told: tuple[Made, ...] = (), **options: Any) -> dict[str, Any]:
    """``history`` and ``sha256`` of what is read from a file of a kind: what is `told` in it, else that it was read."""
    digest = hashlib.sha256(data).hexdigest()
    return {"history": told or (Made("read", kind, input_sha256=digest, options=options),), "sha256": digest}


def history_to_text(history: tuple[Made, ...]) -> str:
    """One ASCII line: ``perfsynth {"history": [...]}``."""
    return PREFIX + json.dumps({"history": [step.to_json() for step in history]}, sort_keys=True)


def history_from_text(text: str) -> tuple[Made, ...]:
    """What `history_to_text` wrote; empty for any other text."""
    if not text.startswith(PREFIX):
        return ()
    try:
        return history_from_json(json.loads(text[len(PREFIX) :])["history"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


def history_from_json(rows: list[dict]) -> tuple[Made, ...]:
    """Steps from their JSON objects.

    Raises
    ------
    TypeError
        When an object is no step.
    """
    steps = tuple(Made(**row) for row in rows)
    for step in steps:
        words = (step.stage, step.model, step.input_sha256, step.version)
        if not all(isinstance(word, str) for word in words) or not isinstance(step.options, dict):
            raise TypeError(f"{step} is no step")
    return steps
