"""Every recipe on a small copy in its dataset's real layout, with the defects that the real ones have."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfsynth.batch.manifest import Columns, columns, read_rows
from perfsynth.cli import app
from perfsynth.cli.data_recipes import NAMES
from perfsynth.data import salamander, salamander_npm
from perfsynth.data.manifest import digest
from perfsynth.data.recipe import check, fault
from perfsynth.data.recipes import RECIPES
from perfsynth.errors import InputError, MissingError
from tests.data.layouts import LAYOUTS, SCORE, WAV, atepp, batik, maestro, mxl

EXPECTED = {
    "maestro": (2, "2004/MIDI-Unprocessed_SMF_02_R1_2004_01-05", {"split": "train", "duration_s": 698.66}),
    "atepp": (
        2,
        'Frédéric_Chopin/Ballade_"No.1":_Op.23/00000',
        {"performer": "Krystian Zimerman", "album": "Ballades"},
    ),
    "musicnet": (
        3,
        "1727",
        {"instrument": "piano-quintet", "score": "musicnet_midis/Schubert/1727_schubert_op114_2.mid"},
    ),
    "bach-violin": (1, "john-garner/john-garner_bwv1002_mov7", {"licence": "CC BY-NC 3.0", "duration_s": 141.0}),
    "vienna4x22": (2, "Chopin_op38_p01", {"score": "musicxml/Chopin_op38.musicxml", "performer": "p01"}),
    "smd": (2, "Bach_BWV849-01_001_20090916-SMD", {"composer": "Bach", "title": "BWV849-01", "performer": "001"}),
    "malik": (2, "classical/bach_1", {"album": "classical"}),
    "nasap": (2, "Bach/Fugue/bwv_848/Denisova06M", {"performer": "Denisova", "quality": ""}),
    "salamander": (568, "velocity01/A0v1", {"pitch": 21, "layer": 1, "instrument": "yamaha-c5"}),
    "batik": (1, "kv279_1", {"split": "valid", "licence": "not stated"}),
}


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hashes of the samples that are made here, as if they were the real ones."""
    names = sorted({Path(sample.audio).parts[0] for sample in salamander.samples()})
    made = [salamander_npm.Package("", name, "", _digest_of_samples(name)) for name in names]
    monkeypatch.setattr(salamander_npm, "PACKAGES", tuple(made))


@cache
def _digest_of_samples(folder: str) -> str:
    found = sha256()
    for sample in sorted((row for row in salamander.samples() if row.audio.startswith(folder)), key=lambda x: x.audio):
        data = b"OggS" + sample.id.encode()
        found.update(f"{Path(sample.audio).name}\0{len(data)}\0".encode() + data)
    return found.hexdigest()


@pytest.fixture(params=sorted(LAYOUTS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def root(name: str, tmp_path: Path) -> Path:
    folder = tmp_path / "dataset"
    LAYOUTS[name](folder)
    return folder


def test_every_recipe_is_tested_and_has_a_command() -> None:
    assert set(RECIPES) == set(LAYOUTS) == set(EXPECTED) == {*NAMES, "nasap", "batik"}


def test_the_rows_are_those_of_the_layout(name: str, root: Path) -> None:
    whole, findings = check(RECIPES[name], root)
    assert findings == []
    number, first, fields = EXPECTED[name]
    assert (len(whole), whole[0].id) == (number, first)
    assert {key: getattr(whole[0], key) for key in fields} == fields
    for example in whole:
        assert example.files()
        assert example.licence
        assert example.split in ("train", "valid", "test")
        assert example.dataset == name


def test_files_missing_empty_or_of_another_kind_are_found(name: str, root: Path) -> None:
    whole, _ = check(RECIPES[name], root)
    example = whole[-1]
    for column, file in example.files().items():
        path = root / file
        data = path.read_bytes()
        path.write_bytes(b"")
        assert (example.id, file, "empty") in [(f.id, f.file, f.fault) for f in check(RECIPES[name], root)[1]]
        path.unlink()
        if (name, column) not in {("musicnet", "alignment"), ("musicnet", "score"), ("vienna4x22", "performance"),
                                  ("vienna4x22", "alignment"), ("smd", "performance"), ("malik", "performance"),
                                  ("batik", "alignment")}:  # fmt: skip
            found, wrong = check(RECIPES[name], root)
            assert example.id not in [row.id for row in found]
            assert any(finding.fault == "missing" for finding in wrong)
        path.write_bytes(data)
    assert check(RECIPES[name], root)[1] == []


def test_another_folder_is_refused_and_says_what_is_wanted(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=re.escape(f"{tmp_path}: no ") + ".*; fetch the dataset first"):
        check(RECIPES[name], tmp_path)
    with pytest.raises(MissingError, match="no such folder"):
        check(RECIPES[name], tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["maestro", "atepp", "musicnet", "bach-violin", "nasap"])
def test_a_list_cut_off_or_of_another_kind_is_refused(name: str, root: Path) -> None:
    listed = next(path for path in root.iterdir() if path.suffix == ".csv")
    text = listed.read_text()
    listed.write_text(text.rstrip()[: -len(text.splitlines()[-1]) // 2])
    with pytest.raises(InputError, match=r":[234]: the row is cut off"):
        check(RECIPES[name], root)
    listed.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column"):
        check(RECIPES[name], root)
    listed.write_bytes(b"\xff\xfe\0a")
    with pytest.raises(InputError, match="no CSV in UTF-8"):
        check(RECIPES[name], root)


def test_a_list_that_points_outside_is_not_followed(tmp_path: Path) -> None:
    maestro(tmp_path)
    listed = tmp_path / "maestro-v3.0.0.csv"
    listed.write_text(listed.read_text().replace("2004/MIDI-Unprocessed_SMF_02_R1_2004_01-05.wav", "../../secret.wav"))
    assert [finding.fault for finding in check(RECIPES["maestro"], tmp_path)[1]] == ["outside the dataset"]


def test_maestro_without_audio_is_the_archive_of_midi(tmp_path: Path) -> None:
    maestro(tmp_path)
    for path in tmp_path.rglob("*.wav"):
        path.unlink()
    whole, findings = check(RECIPES["maestro"], tmp_path)
    assert [row.audio for row in whole] == ["", ""]
    assert findings == []


def test_atepp_keeps_what_is_known_to_be_bad_marked(tmp_path: Path) -> None:
    atepp(tmp_path)
    whole, _ = check(RECIPES["atepp"], tmp_path)
    assert [row.quality for row in whole] == ["", "applause"]
    assert whole[0].split == whole[1].split


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        ("a.wav", WAV[:-10], "cut off: 34 of 44 bytes"),
        ("a.wav", b"RIFFxxxxAVI ", "not WAV"),
        ("a.mid", b"RIFF", "not MIDI"),
        ("a.mxl", mxl()[:-30], "not a whole .mxl"),
        ("a.musicxml", b"%PDF", "not MusicXML"),
        ("a.musicxml", b"\xff\xfe<\0?\0", ""),
        ("a.wav", WAV, ""),
    ],
)
def test_faults_of_files(tmp_path: Path, file: str, data: bytes, words: str) -> None:
    (tmp_path / file).write_bytes(data)
    assert fault(tmp_path, file) == words


def test_the_hash_is_of_all_files_and_their_columns(tmp_path: Path) -> None:
    batik(tmp_path)
    example = check(RECIPES["batik"], tmp_path)[0][0]
    first = digest(example, tmp_path)
    assert digest(replace(example, composer="x"), tmp_path) == first
    assert digest(replace(example, score="", audio=example.score), tmp_path) != first
    (tmp_path / example.score).write_bytes(SCORE + b" ")
    assert digest(example, tmp_path) != first


def test_what_lists_all_that_is_left_out_is_a_command(tmp_path: Path) -> None:
    maestro(tmp_path)
    rows = (tmp_path / "maestro-v3.0.0.csv").read_text().splitlines()
    gone = [rows[1].replace("2004/", f"gone{n}/") for n in range(30)]
    (tmp_path / "maestro-v3.0.0.csv").write_text("\n".join([*rows, *gone]))
    found = tmp_path / "found.jsonl"
    runs = (["prepare", tmp_path, "-o", found], ["check", tmp_path])
    for arguments, lister in zip(runs, ("; perfsynth data maestro check --findings", "; --findings"), strict=True):
        ran = CliRunner().invoke(app, ["data", "maestro", *map(str, arguments)])
        assert f"{lister} FILE lists them all" in ran.stderr


def test_the_commands_check_and_write_a_manifest(name: str, root: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> object:
        return CliRunner().invoke(app, ["data", name, *map(str, arguments)])

    word = "manifest" if name in ("nasap", "batik") else "prepare"
    assert run("check", root).exit_code == 0
    assert run("check", root, "--jobs", 2).exit_code == 2, "only --contents opens files"
    made = root.parent / "manifest.jsonl"
    ran = run(word, root, "-o", made, "--hashes")
    assert ran.exit_code == 0, ran.stderr
    rows = [json.loads(line) for line in made.read_text().splitlines()]
    assert len(rows) == EXPECTED[name][0]
    assert all(len(row["sha256"]) == 64 and "split" in row for row in rows)
    column = next(column for column in ("performance", "audio") if column in rows[0])
    stage = columns({"performance": "synth-audio", "audio": "align"}[column])
    if "score" not in rows[0] and column == "audio":  # samples
        stage = Columns(("audio",), "report")
    for row in read_rows(made.read_text().splitlines(), "m", stage, str(made.parent)):
        assert all(Path(path).is_file() for path in row.inputs)
    assert run(word, root, "-o", made).exit_code == 1
    (root / check(RECIPES[name], root)[0][0].files().popitem()[1]).write_bytes(b"")
    findings = tmp_path / "findings.jsonl"
    assert run("check", root, "--findings", findings).exit_code == 3
    assert "empty" in findings.read_text()
    assert run("check", root, "--findings", findings).exit_code == 1, "it is there"
