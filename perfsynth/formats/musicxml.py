"""MusicXML and compressed MusicXML (.mxl) as scores, through partitura.

Three steps: the bytes become a tree that is safe to walk, the tree is prepared so that partitura hears all of
it (`musicxml_prepare`), and partitura's parts become flat arrays with the repeats played (`musicxml_score`).
"""

from __future__ import annotations

import io
import zipfile
import zlib

from lxml import etree

from perfsynth.errors import InputError
from perfsynth.formats.musicxml_prepare import prepare
from perfsynth.formats.provenance import made_of
from perfsynth.types import Score

_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, RuntimeError, ValueError)
MAX_XML_BYTES = 256 * 2**20  # the largest score of (n)ASAP has 15 MB


def read_musicxml(data: bytes, *, name: str = "score", repeats: str = "unfold") -> Score:
    """Read a MusicXML or .mxl score.

    Parameters
    ----------
    data
        The file's content.
    name
        What to call it in errors.
    repeats
        ``unfold`` plays every repeat, volta and da capo, ids telling the time around ("n12-1", "n12-2");
        ``as-written`` reads the page once.

    Raises
    ------
    InputError
        When it is broken, unsafe (entities, oversized archives), not partwise, or has no pitched notes.
    """
    root = _parse(_unpacked(data, name) if data.startswith(b"PK") else data, name)
    extras = prepare(root, name)
    from perfsynth.formats.musicxml_score import to_score

    made = made_of(data, "musicxml", repeats=repeats)
    return to_score(etree.tostring(root), extras, name=name, unfolds=repeats == "unfold", made=made)


def _unpacked(data: bytes, name: str) -> bytes:
    """The score inside an .mxl archive, never more than `MAX_XML_BYTES` of it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = _rootfile(archive, name)
            with archive.open(member) as score:
                text = score.read(MAX_XML_BYTES + 1)
    except InputError:
        raise
    except _BROKEN_ZIP as error:
        raise InputError(f"{name}: broken .mxl archive ({error}); export it again") from error
    if len(text) > MAX_XML_BYTES:
        raise InputError(f"{name}: its score is larger than {MAX_XML_BYTES >> 20} MB; that is no score")
    return text


def _rootfile(archive: zipfile.ZipFile, name: str) -> str:
    members = archive.namelist()
    if "META-INF/container.xml" in members:
        with archive.open("META-INF/container.xml") as container:
            root = _parse(container.read(2**20), name)
        for element in root.iter("{*}rootfile"):
            if element.get("full-path") in members:
                return str(element.get("full-path"))
    scores = [m for m in members if m.lower().endswith((".musicxml", ".xml")) and not m.startswith("META-INF")]
    if not scores:
        raise InputError(f"{name}: this archive holds no MusicXML score; export it as MusicXML")
    if len(scores) > 1:
        raise InputError(f"{name}: this archive holds {len(scores)} scores; unpack it, and name those to read")
    return scores[0]


def _parse(data: bytes, name: str) -> etree._Element:
    """Parse XML without following, fetching or expanding anything."""
    if len(data) > MAX_XML_BYTES:
        raise InputError(f"{name}: larger than {MAX_XML_BYTES >> 20} MB; that is no score")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        tree = etree.parse(io.BytesIO(data.lstrip()), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(f"{name}: broken XML ({error}); export the score again") from error
    dtd = tree.docinfo.internalDTD
    if dtd is not None and next(dtd.iterentities(), None) is not None:
        raise InputError(f"{name}: it declares XML entities, which no score needs; remove its DOCTYPE")
    return tree.getroot()
