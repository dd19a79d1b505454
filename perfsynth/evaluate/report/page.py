"""A report as one HTML file: sounds, pictures and tables, nothing loaded and nothing sent.

A policy in the page itself forbids every connection, and every script but its own. The page is read without a
script as well: that one only stops a sound when another starts.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from perfsynth.version import __version__

MIME = {"png": "image/png", "svg": "image/svg+xml", "ogg": "audio/ogg"}


@dataclass(frozen=True)
class Table:
    """Rows of text, the head first; ``folded`` ones open on demand, ``words`` ones hold text and not numbers."""

    caption: str
    rows: Sequence[Sequence[str]]
    folded: bool = False
    words: bool = False

    def html(self) -> str:
        """The table in a region that scrolls by itself: on a phone it is wider than the page."""
        head = "".join(_head(cell) for cell in self.rows[0])
        body = "".join(
            f'<tr><th scope="row">{html.escape(row[0])}</th>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self.rows[1:]
        )
        name = html.escape(self.caption, quote=True)
        kind = ' class="text"' if self.words else ""
        table = (
            f'<div class="wide" role="region" tabindex="0" aria-label="{name}">'
            f'<table{kind} aria-label="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        )
        if self.folded:
            return f"<details><summary>{html.escape(self.caption)}</summary>{table}</details>"
        return f"<figure><figcaption>{html.escape(self.caption)}</figcaption>{table}</figure>"


def _head(cell: str) -> str:
    """A head; the empty corner heads nothing, and screen readers would stop at it."""
    return f'<th scope="col">{html.escape(cell)}</th>' if cell else "<td></td>"


@dataclass(frozen=True)
class Picture:
    """A PNG or SVG image; ``alt`` says in words what it shows."""

    caption: str
    alt: str
    data: bytes
    kind: Literal["png", "svg"]

    def html(self) -> str:
        """The picture in a region that scrolls by itself, so that its letters stay legible on a phone."""
        caption = html.escape(self.caption)
        image = f'<img src="{_uri(self.data, self.kind)}" alt="{html.escape(self.alt, quote=True)}">'
        region = f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(self.caption, quote=True)}">'
        return f"<figure><figcaption>{caption}</figcaption>{region}{image}</div></figure>"


@dataclass(frozen=True)
class Sound:
    """An Ogg file to play; ``marks_s`` are the times of the bar lines, empty where all sounds share one clock."""

    name: str
    words: str
    data: bytes
    marks_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sounds:
    """Sounds of the same music, to be compared."""

    players: Sequence[Sound]

    def html(self) -> str:
        """A list of players with the controls of the browser, which keyboards and screen readers reach."""
        items = "".join(_item(one) for one in self.players)
        return f'<ul class="sounds">{items}</ul>'


def _item(sound: Sound) -> str:
    name, label = html.escape(sound.name), html.escape(sound.name, quote=True)
    marks = json.dumps([round(mark, 3) for mark in sound.marks_s])
    return (
        f'<li><span class="name">{name}<span class="words">{html.escape(sound.words)}</span></span>'
        f'<audio controls preload="metadata" aria-label="{label}" data-marks="{marks}" src="{_uri(sound.data, "ogg")}">'
        "</audio></li>"
    )


Part = Table | Picture | Sounds


@dataclass(frozen=True)
class Section:
    """A heading, what to know before reading on, and what there is to see and hear."""

    title: str
    text: str
    parts: Sequence[Part]


def page(title: str, summary: str, sections: Sequence[Section]) -> bytes:
    """The report as one HTML file.

    Parameters
    ----------
    title
        What is judged.
    summary
        The result in a sentence or two.
    sections
        In the order of reading; those without parts are left out.

    Returns
    -------
    bytes
        UTF-8; the same content gives the same bytes.
    """
    style, script = _part("style.css"), _part("report.js")
    shown = [section for section in sections if section.parts]
    values = {
        "title": html.escape(title),
        "summary": html.escape(summary),
        "version": html.escape(__version__),
        "policy": html.escape(_policy(style, script)),
        "style": style,
        "script": script,
        "contents": "".join(f'<li><a href="#{_anchor(one)}">{html.escape(one.title)}</a></li>' for one in shown),
        "sections": "\n".join(_section(one) for one in shown),
    }
    # One pass: what is filled in is not searched for placeholders again.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], _part("template.html")).encode()


def _section(section: Section) -> str:
    text = f"<p>{html.escape(section.text)}</p>" if section.text else ""
    parts = "\n".join(part.html() for part in section.parts)
    anchor = _anchor(section)
    title = f'<h2 id="{anchor}">{html.escape(section.title)}</h2>'
    return f'<section aria-labelledby="{anchor}">{title}{text}{parts}</section>'


def _anchor(section: Section) -> str:
    return re.sub(r"\W+", "-", section.title.lower()).strip("-")


def _part(name: str) -> str:
    return files("perfsynth.evaluate.report").joinpath("page", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A content security policy: this style, this script, pictures and sounds of the page, and no connection."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "media-src data:",
            "connect-src 'none'",
            "form-action 'none'",
            "base-uri 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _uri(data: bytes, kind: str) -> str:
    return f"data:{MIME[kind]};base64,{base64.b64encode(data).decode()}"
