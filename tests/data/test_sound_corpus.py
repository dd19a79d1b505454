"""Corpora of sound: excerpts, generated music, the list of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perfsynth.data import sound_corpus
from perfsynth.data.pieces import Entry, Piece, read_manifest, write_manifest
from perfsynth.data.sound_corpus import (
    EXCERPT_S,
    Instrument,
    Recording,
    covering,
    excerpt,
    excerpts,
    prepare,
    read_recordings,
    write_recordings,
)
from perfsynth.errors import InputError, MissingError
from perfsynth.types import CONTROL, PERFORMED_NOTE, SUSTAIN, Performance

NOTES = np.array([("", 0.25 * i, 0.2, 60 + i % 12, 40 + i % 60, 0) for i in range(200)], PERFORMED_NOTE)
PEDAL = np.array([(3.0, SUSTAIN, 127, 0), (30.0, SUSTAIN, 0, 0)], CONTROL)
LONG = Performance(NOTES, PEDAL)


def test_an_excerpt_begins_with_the_pedals_as_they_stand() -> None:
    made = excerpt(LONG, 10.0, 12.0)
    assert made.notes["onset_s"].min() == 0
    assert 11.5 < made.notes["onset_s"].max() < 12.0
    assert made.controls[["time_s", "value"]].tolist() == [(0.0, 127)]
    assert excerpt(LONG, 25.0, 12.0).controls["time_s"].tolist() == [0.0, 5.0]
    assert len(excerpt(LONG, 0.0, 2.0).controls) == 0
    assert LONG.notes["onset_s"][50] == 12.5  # nothing was changed


def test_excerpts_come_from_all_pieces_in_turn() -> None:
    pieces = [Piece(name, "", "train", {}, {"a": LONG, "b": LONG}) for name in "xyz"]
    made = excerpts(pieces, 6, seed=1)
    assert sorted(name[0] for name, _ in made) == ["x", "x", "y", "y", "z", "z"]
    assert [name for name, _ in made] == [name for name, _ in excerpts(pieces, 6, seed=1)]
    assert excerpts([], 3, seed=0) == []


def test_no_excerpt_is_drawn_twice_and_each_has_a_name_of_its_own() -> None:
    made = excerpts([Piece("x", "", "train", {}, {"a": LONG})], 80, seed=0)
    assert len({name for name, _ in made}) == len(made) == 80
    assert max(cut.notes["onset_s"].max() for _, cut in made) < EXCERPT_S - 0.1
    short = Performance(NOTES[:40])
    assert [len(cut.notes) for _, cut in excerpts([Piece("x", "", "train", {}, {"a": short})], 5, seed=0)] == [40]


def test_generated_music_covers_the_keyboard() -> None:
    made = [covering(seed) for seed in range(30)]
    notes = np.concatenate([performance.notes for performance in made])
    assert len(np.unique(notes["pitch"])) > 80
    assert notes["pitch"].min() >= 21
    assert notes["pitch"].max() <= 108
    assert notes["velocity"].min() < 20
    assert notes["velocity"].max() > 115
    assert (notes["onset_s"] < EXCERPT_S).all()
    assert any(len(performance.controls) for performance in made)
    assert np.array_equal(covering(3).notes, made[3].notes)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pieces = {"train": [Piece("A/one", "A", "train", {}, {"p": LONG})], "valid": []}
    monkeypatch.setattr(sound_corpus, "pieces", lambda corpus, split: pieces[split])
    monkeypatch.setattr(sound_corpus, "EXCERPT_S", 4.0)
    write_manifest([Entry("A/one", "A", "train", "a.npz", 200, ("musicxml",), ("p",), {}, "CC BY 4.0")], tmp_path)
    prepare(
        tmp_path, tmp_path / "out", [Instrument("grand", "modal", {"resonance": 0.0})], train=1, valid=1, coverage=1
    )
    return tmp_path / "out"


def test_an_environment_is_drawn_for_each_recording(folder: Path) -> None:
    made = prepare(
        folder.parent, folder / "around", [Instrument("grand", "modal", {"resonance": 0.0})],
        train=0, valid=0, coverage=4, settings=3,
    )  # fmt: skip
    listed = read_recordings(folder / "around")
    assert {r.license for r in listed} == {"CC BY 4.0"}
    assert {r.environment for r in listed} <= {"", "e1", "e2", "e3"}
    assert len({r.environment for r in listed}) > 1
    assert all(r.instrument == (f"grand@{r.environment}" if r.environment else "grand") for r in listed)
    assert [r.instrument for r in made] == [r.instrument for r in listed]


def test_a_corpus_is_rendered_and_listed(folder: Path) -> None:
    from perfsynth import formats

    recordings = read_recordings(folder)
    assert [(r.split, r.instrument) for r in recordings] == [("train", "grand")] * 2
    for recording in recordings:
        audio = formats.read_audio(Path(recording.audio).read_bytes())
        assert audio.samples.shape == (4 * 44100, 2)
        assert np.abs(audio.samples).max() > 0.01
        assert len(formats.read_performance(Path(recording.performance).read_bytes()).notes) > 3
    entries = read_manifest(folder)
    assert next((entry.piece[:5], entry.split, entry.performances) for entry in entries) == (
        "A/one",
        "train",
        ("grand",),
    )


def test_velocities_to_learn_from_stray_and_those_to_check_do_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perfsynth import formats

    pieces = {"train": [Piece("A/one", "A", "train", {}, {"p": LONG})]}
    pieces["valid"] = [Piece("A/two", "A", "valid", {}, {"p": LONG})]
    monkeypatch.setattr(sound_corpus, "pieces", lambda corpus, split: pieces[split])
    played: dict[str, list[np.ndarray]] = {"train": [], "valid": []}
    for uneven in (0.0, 20.0):
        out = folder.parent / f"uneven{uneven}"
        prepare(folder.parent, out, [], train=1, valid=1, coverage=0, uneven=uneven)
        for place in sorted((out / "performances").iterdir()):
            split = "train" if "one" in place.name else "valid"
            played[split].append(formats.read_performance(place.read_bytes()).notes)
    (even, strayed), (before, after) = played["train"], played["valid"]
    assert np.array_equal(before, after)
    assert np.array_equal(even["onset_s"], strayed["onset_s"])
    assert np.array_equal(even["pitch"], strayed["pitch"])
    assert 10 < np.std(strayed["velocity"].astype(float) - even["velocity"]) < 30


def test_what_was_rendered_stays_until_its_performance_is_another(folder: Path) -> None:
    def again(seed: int) -> dict[str, tuple[int, bytes]]:
        grand = Instrument("grand", "modal", {"resonance": 0.0})
        prepare(folder.parent, folder, [grand], train=1, valid=1, coverage=1, seed=seed)
        return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (folder / "audio").iterdir()}

    name = "coverage__0.grand.flac"
    first = again(0)
    assert again(0) == first
    assert again(1)[name][1] != first[name][1]
    assert again(0)[name][1] == first[name][1]


def test_broken_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="perfsynth data sounds"):
        read_recordings(tmp_path)
    path = tmp_path / "recordings.jsonl"
    for text, word in (("", "at least one"), ("{", "line 1"), ('{"piece": "x"}', "line 1"), ("[]", "line 1")):
        path.write_text(text)
        with pytest.raises(InputError, match=word):
            read_recordings(tmp_path)
    write_recordings([Recording("x", "elsewhere", "i", "p.mid", "a.wav")], tmp_path)
    with pytest.raises(InputError, match="elsewhere"):
        read_recordings(path)
