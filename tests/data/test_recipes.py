"""Every recipe on a small copy in its dataset's real layout, with the defects that the real ones have."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfsynth.batch.manifest import columns, read_rows
from perfsynth.cli import app
from perfsynth.cli.data_recipes import NAMES
from perfsynth.data.manifest import digest
from perfsynth.data.recipe import check, fault
from perfsynth.data.recipes import RECIPES
from perfsynth.errors import InputError, MissingError

MIDI = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0"
WAV = b"RIFF" + (36).to_bytes(4, "little") + b"WAVEfmt " + bytes(28)
SCORE = b"<?xml version='1.0'?><score-partwise/>"


def mxl() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("score.musicxml", SCORE)
    return buffer.getvalue()


def put(root: Path, files: dict[str, bytes | str]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())


def table(rows: list[dict[str, object]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def maestro(root: Path) -> None:
    names = ["2004/MIDI-Unprocessed_SMF_02_R1_2004_01-05", "2018/MIDI-Unprocessed_Chamber2_MID--AUDIO_09_R3_2018"]
    rows = [
        {"canonical_composer": "Franz Schubert", "canonical_title": "Impromptu, Op. 90", "split": split,
         "year": name[:4], "midi_filename": f"{name}.midi", "audio_filename": f"{name}.wav", "duration": 698.66}
        for name, split in zip(names, ("train", "validation"), strict=True)
    ]  # fmt: skip
    put(root, {"maestro-v3.0.0.csv": table(rows)})
    put(root, {f"{name}.midi": MIDI for name in names} | {f"{name}.wav": WAV for name in names})


def atepp(root: Path) -> None:
    folder = 'Frédéric_Chopin/Ballade_"No.1":_Op.23'
    rows = [
        {"artist": "Krystian Zimerman", "track_duration": 560.0, "composer": "Frédéric Chopin", "album": "Ballades",
         "composition": "Ballade No.1", "midi_path": f"{folder}/0000{number}.mid", "quality": quality,
         "score_path": f"{folder}/score.mxl" if number else ""}
        for number, quality in enumerate(["", "applause"])
    ]  # fmt: skip
    put(root, {"ATEPP-metadata-1.2.csv": table(rows)})
    unpacked = unicodedata.normalize("NFD", "ATEPP-1.2/Frédéric_Chopin/Ballade__No.1___Op.23")
    put(root, {f"{unpacked}/00000.mid": MIDI, f"{unpacked}/00001.mid": MIDI, f"{unpacked}/score.mxl": mxl()})


def musicnet(root: Path) -> None:
    rows = [
        {"id": number, "composer": "Schubert", "composition": "Piano Quintet in A major", "movement": "2. Andante",
         "ensemble": ensemble, "source": "European Archive", "transcriber": "x", "catalog_name": "D667", "seconds": 447}
        for number, ensemble in ((1727, "Piano Quintet"), (1788, "Solo Piano"), (2303, "Solo Violin"))
    ]  # fmt: skip
    put(root, {"musicnet_metadata.csv": table(rows), "musicnet_midis/Schubert/1727_schubert_op114_2.mid": MIDI})
    put(root, {"test_data/2303.wav": WAV, "test_labels/2303.csv": "start_time,end_time\n"})
    put(root, {f"train_data/{n}.wav": WAV for n in (1727, 1788)} | {f"train_labels/{n}.csv": "x" for n in (1727, 1788)})


def bach_violin(root: Path) -> None:
    rows = [
        {"filename": "john-garner_bwv1002_mov7", "collection": "john-garner", "violinist": "john-garner",
         "violinist_name": "John Garner", "work": "BWV1002", "title": "Partita No. 1 in B minor", "mov": 7,
         "movement": "Tempo di Borea", "source_filename": "john-garner_bwv1002_mov7.mp3", "start": "0:00:00",
         "end": "0:02:21", "length": "0:02:21", "repeat1": 1, "repeat2": 0, "score_filename": "bwv1002_mov7_10",
         "baroque_tuning": 0}
    ]  # fmt: skip
    name = "john-garner/john-garner_bwv1002_mov7"
    put(root, {"info.csv": table(rows), f"audio/{name}.mp3": b"ID3", f"alignments/{name}.csv": "start,end\n"})
    put(root, {"audio/john-garner/LICENSE": "... licensed under CC\nBY-NC 3.0", f"notes/{name}.csv": "onset\n"})
    put(root, {"scores/bwv1002/bwv1002_mov7_10.mxl": mxl()})


def vienna4x22(root: Path) -> None:
    for name in ("Chopin_op38_p01", "Mozart_K331_1st-mov_p22"):
        put(root, {f"match/{name}.match": "info(matchFileVersion,1.0.0).", f"midi/{name}.mid": MIDI})
    put(root, {"musicxml/Chopin_op38.musicxml": SCORE, "musicxml/Mozart_K331_1st-mov.musicxml": SCORE})


def smd(root: Path) -> None:
    for name in ("Chopin_Op028-04_003_20100611-SMD", "Bach_BWV849-01_001_20090916-SMD"):
        put(root, {f"midi/{name}.mid": MIDI, f"wav_44100_stereo/{name}.wav": WAV})


def malik(root: Path) -> None:
    put(root, {"classical/bach_1.mid": MIDI, "jazz/Blue Monk.MID": MIDI, "README.txt": "x"})


def nasap(root: Path) -> None:
    folder = "Bach/Fugue/bwv_848"
    rows = [
        {"composer": "Bach", "title": "Fugue_bwv_848", "folder": folder, "xml_score": f"{folder}/xml_score.musicxml",
         "midi_score": f"{folder}/midi_score.mid", "midi_performance": f"{folder}/{who}.mid", "audio_performance": "",
         "robust_note_alignment": robust, "match_file": f"{folder}/{who}.match"}
        for who, robust in (("Denisova06M", "1.0"), ("MiyashitaM02M", "0.0"))
    ]  # fmt: skip
    put(root, {"metadata.csv": table(rows), f"{folder}/xml_score.musicxml": SCORE})
    put(root, {f"{folder}/{who}.mid": MIDI for who in ("Denisova06M", "MiyashitaM02M")})
    put(root, {f"{folder}/{who}.match": "info" for who in ("Denisova06M", "MiyashitaM02M")})


def batik(root: Path) -> None:
    put(root, {"match/kv279_1.match": "info", "midi/kv279_1.mid": MIDI, "scores/kv279_1.musicxml": SCORE})


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "maestro": maestro, "atepp": atepp, "musicnet": musicnet, "bach-violin": bach_violin, "vienna4x22": vienna4x22,
    "smd": smd, "malik": malik, "nasap": nasap, "batik": batik,
}  # fmt: skip
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
    "batik": (1, "kv279_1", {"split": "valid", "licence": "not stated"}),
}


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
    with pytest.raises(MissingError, match=re.escape(f"{tmp_path}: no ")):
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


def test_the_commands_check_and_write_a_manifest(name: str, root: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> object:
        return CliRunner().invoke(app, ["data", name, *map(str, arguments)])

    word = "manifest" if name in ("nasap", "batik") else "prepare"
    assert run("check", root).exit_code == 0
    made = root.parent / "manifest.jsonl"
    ran = run(word, root, "-o", made, "--hashes")
    assert ran.exit_code == 0, ran.stderr
    rows = [json.loads(line) for line in made.read_text().splitlines()]
    assert len(rows) == EXPECTED[name][0]
    assert all(len(row["sha256"]) == 64 and "split" in row for row in rows)
    column = next(column for column in ("performance", "audio") if column in rows[0])
    stage = {"performance": "synth-audio", "audio": "align"}[column]
    for row in read_rows(made.read_text().splitlines(), "m", columns(stage).reads, str(made.parent)):
        assert all(Path(path).is_file() for path in row.inputs)
    assert run(word, root, "-o", made).exit_code == 2
    (root / check(RECIPES[name], root)[0][0].files().popitem()[1]).write_bytes(b"")
    findings = tmp_path / "findings.jsonl"
    assert run("check", root, "--findings", findings).exit_code == 3
    assert "empty" in findings.read_text()
