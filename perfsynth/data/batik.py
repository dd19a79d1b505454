"""Batik-plays-Mozart (Hu and Widmer 2023): sonata movements by one concert pianist, aligned to the New Mozart Edition.

Its repository states no licence: a corpus to validate on, not one whose weights are passed on. All of it is "valid".
"""

from __future__ import annotations

from pathlib import Path

from perfsynth import formats
from perfsynth.data.pieces import Entry, Piece, save, unread, write_prepared
from perfsynth.errors import MissingError, PerfsynthError
from perfsynth.expression import joined, played_notes
from perfsynth.formats.match import read_match

LICENCE = "not stated"


def prepare(root: Path, out: Path) -> list[Entry]:
    """Turn the dataset's folder (``match/``, ``scores/``) into a corpus in `out`; see `perfsynth.data.nasap.prepare`.

    Raises
    ------
    MissingError
        When `root` is not the dataset.
    InputError
        When nothing of it can be kept; a corpus in `out` stays as it is.
    """
    matches = sorted((root / "match").glob("*.match"))
    if not matches:
        raise MissingError(
            f"{root}/match: no match files; this is no Batik-plays-Mozart folder; "
            "fetch it (perfsynth data batik fetch), or give its folder"
        )
    (out / "pieces").mkdir(parents=True, exist_ok=True)
    entries = [_prepare_movement(match, root, out) for match in matches]
    write_prepared(entries, out, source=root)
    return entries


def _prepare_movement(match: Path, root: Path, out: Path) -> Entry:
    name, what = match.stem, "score"
    try:
        score_path = root / "scores" / f"{name}.musicxml"
        score = formats.read_score(score_path.read_bytes(), name=str(score_path))
        what = "match file"
        performance = read_match(match.read_bytes(), name=str(match))
        performance = joined(score, performance, played_notes(score, performance))
    except (PerfsynthError, OSError) as error:
        return Entry(name, "Mozart", "valid", "", 0, (), (), {"Batik": unread(what, error)}, LICENCE)
    path = f"pieces/{name}.npz"
    save(Piece(name, "Mozart", "valid", {"musicxml": score}, {"Batik": performance}), out / path)
    return Entry(name, "Mozart", "valid", path, len(score.notes), ("musicxml",), ("Batik",), {}, LICENCE)
