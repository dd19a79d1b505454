"""Small copies of the datasets in their real layouts, with the defects that the real ones have."""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

from perfsynth.data import salamander

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


def salamander_samples(root: Path) -> None:
    put(root, {sample.audio: b"OggS" + sample.id.encode() for sample in salamander.samples()})


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "maestro": maestro, "atepp": atepp, "musicnet": musicnet, "bach-violin": bach_violin, "vienna4x22": vienna4x22,
    "smd": smd, "malik": malik, "nasap": nasap, "batik": batik,
    "salamander": salamander_samples,
}  # fmt: skip
