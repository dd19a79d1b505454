"""The page that listeners open: one file with its sounds, which loads nothing and sends nothing.

A policy in the page itself forbids every connection; one made with a post URL may connect to that host alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

from perfsynth.evaluate.listening.plan import Plan, names_of
from perfsynth.evaluate.listening.samples import sound
from perfsynth.formats.audio import audio_bytes
from perfsynth.progress import Report, silent
from perfsynth.version import __version__

Sound = Literal["ogg", "flac"]
MIME: dict[Sound, str] = {"ogg": "audio/ogg", "flac": "audio/flac"}
SCRIPTS = ("random.js", "store.js", "player.js", "headphones.js", "trials.js", "answers.js", "main.js")


def page(
    plan: Plan, *, sound_format: Sound = "ogg", progress: Report = silent
) -> bytes:  # fmt: skip
    """The test as one HTML file.

    Parameters
    ----------
    plan
        From `perfsynth.evaluate.listening.plan.make_plan`; its sounds are read again.
    sound_format
        ``ogg`` (Vorbis, some 190 kbit/s in stereo) or ``flac`` (lossless).
    progress
        Called with what is going on and the share that is done, 0..1.

    Returns
    -------
    bytes
        UTF-8; the same plan and files give the same bytes.

    Raises
    ------
    InputError
        When a sound has changed since it was measured.
    """
    style, script = _part("style.css"), _script()
    values = {
        "title": html.escape(plan.title),
        "version": __version__,
        "policy": html.escape(_policy(plan, style, script)),
        "style": style,
        "script": script,
        "test": _json(_test(plan)),
        "sounds": "\n".join(_sounds(plan, sound_format, progress)),
    }
    # One pass: what is filled in is not searched for placeholders again.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], _part("template.html")).encode()


def _part(name: str) -> str:
    return files("perfsynth.evaluate.listening").joinpath("page", name).read_text(encoding="utf-8")


def _script() -> str:
    """One strict function: the parts share their names with each other and with nobody else."""
    parts = "\n".join(_part(name) for name in SCRIPTS)
    start = 'const TEST = JSON.parse(document.getElementById("test").textContent);'
    return f'(() => {{\n"use strict";\n{start}\n{parts}\n}})();\n'


def _policy(plan: Plan, style: str, script: str) -> str:
    """A content security policy: this style, this script, sounds made here, and no connection but the one asked for."""
    url = urlsplit(plan.post_url)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "media-src blob: data:",
            "img-src data:",
            f"connect-src {url.scheme}://{url.netloc.rpartition('@')[2]}" if plan.post_url else "connect-src 'none'",
            "form-action 'none'",
            "base-uri 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _test(plan: Plan) -> dict[str, Any]:
    pieces = {piece: index for index, piece in enumerate(sorted({trial.piece for trial in plan.trials}))}
    return {
        "test_id": plan.test_id,
        "title": plan.title,
        "method": plan.method,
        "seed": plan.seed,
        "questions": [question.to_json() for question in plan.questions],
        "instructions": list(plan.instructions),
        "headphones": plan.headphones,
        "ties": plan.ties,
        "must_hear": plan.must_hear,
        "post_url": plan.post_url,
        "durations": {key: round(sample.duration_s, 3) for key, sample in plan.stimuli.items()},
        # Encoded, so that nobody who looks into the page reads a system's name by chance.
        "names": base64.b64encode(json.dumps(names_of(plan)).encode()).decode(),
        "trials": [
            {"id": trial.id, "piece": pieces[trial.piece], "stimuli": list(trial.stimuli), "reference": trial.reference}
            for trial in plan.trials
        ],
    }


def _sounds(plan: Plan, sound_format: Sound, progress: Report) -> Iterator[str]:
    for index, (key, sample) in enumerate(plan.stimuli.items()):
        progress("encoding", index / len(plan.stimuli))
        heard = sound(sample, plan.loudness_lufs, plan.cut)
        data = audio_bytes(heard, format=sound_format, subtype="PCM_16" if sound_format == "flac" else None)
        uri = f"data:{MIME[sound_format]};base64,{base64.b64encode(data).decode()}"
        yield f'<script type="text/plain" id="sound-{key}">{uri}</script>'
