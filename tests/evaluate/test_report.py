"""The pages of ``--report``: what stands in them, and that nothing in them reaches for the network."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from perfsynth import formats
from perfsynth.cli import app
from perfsynth.data.pieces import Entry, Piece, save, write_manifest
from perfsynth.evaluate.performance_ceilings import deadpan
from perfsynth.evaluate.report.page import Picture, Section, Sound, Sounds, Table, page
from perfsynth.evaluate.report.playing import bar_table, excerpts
from perfsynth.evaluate.report.sounds import OPUS_RATE, opus
from perfsynth.formats.midi_write import write_performance
from perfsynth.types import PERFORMED_NOTE, Performance
from tests.evaluate import plain_piano, played

RATE = 22050
HOSTILE = "<script>alert(\"1\")</script> & 'x'.wav"


class Reader(HTMLParser):
    """What a page holds: its elements with their attributes, and its tables as rows of text."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.rows: list[list[str]] = []
        self._open = False
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))
        if tag == "tr":
            self.rows.append([])
        self._open = tag in ("td", "th")
        if self._open:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def self_contained(data: bytes) -> Reader:
    """Read a page, and see that it holds what it shows and allows nothing else."""
    read = Reader(data)
    sources = [attributes["src"] for _, attributes in read.elements if "src" in attributes]
    assert all(source.startswith("data:") for source in sources)
    assert {link["href"] for link in read.all("link")} == {"data:,"}
    assert all(link["href"].startswith("#") for link in read.all("a"))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) and {link["href"][1:] for link in read.all("a")} <= set(ids)
    policy = next(meta["content"] for meta in read.all("meta") if "Content-Security-Policy" in meta.values())
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy and "http" not in policy
    for part in ("style", "script"):
        inline = re.search(rf"<{part}>(.*?)</{part}>", data.decode(), re.S)
        assert inline is not None
        digest = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in policy
    return read


def test_a_page_escapes_what_it_is_told_and_loads_nothing() -> None:
    rows = [["name", HOSTILE], [HOSTILE, "{{style}}"]]
    parts = [
        Table(HOSTILE, rows),
        Picture(HOSTILE, HOSTILE, b"png", "png"),
        Sounds([Sound(HOSTILE, "w", b"ogg", (0.5,))]),
    ]
    sections = [Section(HOSTILE, HOSTILE, parts), Section("Nothing", "in it", [])]
    made = page(HOSTILE, HOSTILE, sections)
    read = self_contained(made)
    assert made.count(b"<script>") == 1 and b"Nothing" not in made
    assert read.rows == rows
    assert read.all("img")[0]["alt"] == HOSTILE
    audio = read.all("audio")[0]
    assert audio["data-marks"] == "[0.5]" and "controls" in audio and audio["aria-label"] == HOSTILE
    assert base64.b64decode(audio["src"].partition(",")[2]) == b"ogg"
    assert page(HOSTILE, HOSTILE, sections) == made


def test_tables_say_which_cell_heads_what_and_can_be_scrolled_with_keys() -> None:
    read = Reader(Table("t", [["measure", "a"], ["r", "1"]], folded=True).html().encode())
    assert [cell["scope"] for cell in read.all("th")] == ["col", "col", "row"]
    assert [one["tabindex"] for one in read.all("div")] == ["0"]
    assert len(read.all("details")) == 1


@pytest.mark.parametrize(("rate", "n_channels"), [(22050, 1), (44100, 2), (48000, 1)])
def test_sounds_are_the_same_cut_and_faded(rate: int, n_channels: int) -> None:
    time = np.arange(3 * rate) / rate
    tone = np.repeat(np.sin(2 * np.pi * 440 * time)[:, None], n_channels, axis=1).astype(np.float32)
    data = opus(0.3 * tone, rate, longest_s=2.0)
    samples, found = soundfile.read(io.BytesIO(data), always_2d=True)
    assert found == OPUS_RATE and samples.shape[1] == n_channels
    assert len(samples) / found == pytest.approx(2.0, abs=0.03)
    heard = samples[: 2 * found - 4000, 0]
    expected = 0.3 * np.sin(2 * np.pi * 440 * np.arange(len(heard)) / found)
    assert np.corrcoef(heard, expected)[0, 1] > 0.99
    assert np.abs(samples[-200:]).max() < 0.1
    assert opus(0.3 * tone, rate, longest_s=2.0) == data
    assert len(data) < 2 * 64000 / 8 * 1.6


def test_sounds_beyond_full_scale_are_scaled_not_clipped() -> None:
    time = np.arange(RATE) / RATE
    samples, _ = soundfile.read(io.BytesIO(opus(4 * np.sin(2 * np.pi * 300 * time)[:, None], RATE)))
    crest = np.abs(samples).max() / np.sqrt((samples[5000:-5000] ** 2).mean())
    assert crest == pytest.approx(np.sqrt(2), rel=0.1)  # a clipped sine has less


def test_excerpts_end_at_one_place_in_the_score() -> None:
    score = played.score(64)
    players = {"a": played.human(score, 0), "slow": played.slower(played.human(score, 1), 1.5)}
    found = excerpts(score, players, longest_s=12.0)
    ids = [set(one.performance.notes["note_id"]) for one in found.values()]
    assert 0.1 < len(ids[0]) / len(score.notes) < 0.6
    assert len(ids[0] ^ ids[1]) <= 3  # notes that asynchrony moves over the edge
    assert found["a"].performance.end_s < 16 < found["slow"].performance.end_s + 4
    marks = [np.array(one.marks_s) for one in found.values()]
    assert len(marks[0]) == len(marks[1]) >= 4
    assert all((np.diff(each) > 0).all() for each in marks)
    assert all(one.performance.notes["onset_s"].min() == 0 for one in found.values())
    for one in found.values():
        last = one.performance.controls[-1]
        assert last["value"] == 0 and last["time_s"] < one.performance.notes["onset_s"].max() + 2


def test_a_short_performance_is_its_own_excerpt() -> None:
    score = played.score(16)
    human = played.human(score, 0)
    found = excerpts(score, {"a": human}, longest_s=100.0)["a"].performance
    assert len(found.notes) == len(human.notes)


def test_bars_as_numbers_against_values_counted_by_hand() -> None:
    score = played.score(16)
    zero = deadpan(score)  # 120 quarter notes a minute, velocity 64
    notes = zero.notes.copy()
    notes["velocity"] = np.where(score.notes["onset_beat"] < 4, 40, 80)
    half = played.slower(Performance(notes), 2.0)  # 60 a minute
    rows = bar_table(score, zero, [zero, half])
    assert [len(row) for row in rows] == [9] * 5
    assert rows[1] == ["1", "120", "90", "60", "120", "64", "52", "40", "64"]
    assert rows[2] == ["2", "120", "90", "60", "120", "64", "72", "64", "80"]
    assert bar_table(replace(score, measures=score.measures[:0]), zero, [zero]) == [rows[0]]


def evaluate(*arguments: object) -> Result:
    """Run a command in this process."""
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three seconds of notes, their sound, and it again, softer."""
    made = tmp_path_factory.mktemp("sounds")
    notes = np.array([(f"n{i}", 0.2 + 0.5 * i, 0.4, 60 + 2 * i, 90, 0) for i in range(5)], PERFORMED_NOTE)
    (made / "played.mid").write_bytes(write_performance(Performance(notes)))
    sound = plain_piano.sounded(Performance(notes), rate=RATE)
    soundfile.write(made / "a.wav", sound, RATE)
    soundfile.write(made / "b.wav", 0.7 * sound, RATE)
    return made


def test_evaluate_audio_writes_a_page(sounds: Path) -> None:
    path = sounds / "page.html"
    command = ("audio", sounds / "b.wav", "--reference", sounds / "a.wav", "--other", sounds / "b.wav")
    ran = evaluate(*command, "--report", path)
    assert ran.exit_code == 0, ran.output
    assert f"{path}: written" in ran.stderr
    read = self_contained(path.read_bytes())
    labels = [player["aria-label"] for player in read.all("audio")]
    assert labels == ["generated", "reference", "itself", "-6 dB", "+ hiss -40 dB", "+12 ms", "another piano"]
    assert len(read.all("img")) == 3 and all(len(image["alt"]) > 40 for image in read.all("img"))
    printed = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in ran.stdout.splitlines() if "---" not in line
    ]
    assert [row for row in printed if row] == read.rows[: -len(read.rows) + len([row for row in printed if row])]
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(read.all("audio")[0]["src"].partition(",")[2])))
    assert len(heard) / rate == pytest.approx(len(soundfile.read(sounds / "a.wav")[0]) / RATE, abs=0.05)
    again = evaluate(*command, "--report", path)
    assert again.exit_code == 1 and "--force overwrites" in again.stderr


def test_channels_that_cancel_each_other_are_drawn(sounds: Path) -> None:
    one, rate = soundfile.read(sounds / "a.wav", always_2d=True)
    drawn = []
    for name, audio in (("one", one[:, [0, 0]]), ("two", np.concatenate([one[:, :1], -one[:, :1]], axis=1))):
        soundfile.write(sounds / f"{name}.wav", audio, rate, subtype="FLOAT")
        path = sounds / f"{name}.wav"
        ran = evaluate("audio", path, "--reference", path, "--report", path.with_suffix(".html"))
        assert ran.exit_code == 0, ran.output
        drawn.append(self_contained((sounds / f"{name}.html").read_bytes()).all("img")[0]["src"])
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("a.wav", "--reference", "a.wav", "--report", "page.txt"), 2, "ends in .html"),
        (("a.wav", "--reference", "a.wav", "--report", "-"), 2, "ends in .html"),
        (("a.wav", "--reference", "a.wav", "--report", "none/page.html"), 1, "no folder"),
        (("--probe", "--engine", "modal", "--report", "page2.html"), 2, "without a reference"),
    ],
)
def test_pages_that_cannot_be_written_are_refused_first(
    sounds: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(sounds)
    ran = evaluate("audio", *arguments)
    assert (ran.exit_code, ran.stdout, ran.stderr.count("\n")) == (code, "", 1)
    assert said in ran.stderr


def first_bars(example: bytes, count: int) -> bytes:
    """The example score, cut after some bars."""
    end = example.index(b"</measure>", example.index(f'<measure number="{count}">'.encode())) + len(b"</measure>")
    return example[:end] + b"</part></score-partwise>"


def test_evaluate_performance_writes_a_page(tmp_path: Path, example: bytes) -> None:
    data = first_bars(example, 6)
    (tmp_path / "score.musicxml").write_bytes(data)
    score = formats.read_score(data)
    for number in range(2):
        human = played.without_ids(played.human(score, number))
        (tmp_path / f"human{number}.mid").write_bytes(write_performance(human))
    path = tmp_path / "page.html"
    names = ["-S", tmp_path / "score.musicxml", "-G", tmp_path / "human0.mid", "-H", tmp_path / "human1.mid"]
    ran = evaluate("performance", *names, "--report", path)
    assert ran.exit_code == 0, ran.output
    read = self_contained(path.read_bytes())
    players = read.all("audio")
    assert [player["aria-label"] for player in players] == ["generated", "human 1: human1.mid", "deadpan"]
    assert {player["data-marks"].count(",") for player in players} == {5}
    bars = [row for row in read.rows if row[0].isdigit()]
    assert [row[0] for row in bars] == ["1", "2", "3", "4", "5", "6"]
    assert "Minuet" in path.read_text() and len(read.all("img")) == 1


def test_models_over_a_corpus_write_a_page(tmp_path: Path) -> None:
    score = played.score(48)
    save(Piece("piece", "Bach", "valid", {"musicxml": score}, {"one": played.human(score, 0)}), tmp_path / "0.npz")
    write_manifest(
        [Entry("piece", "Bach", "valid", "0.npz", len(score.notes), ("musicxml",), ("one",), {}, "none")], tmp_path
    )
    path = tmp_path / "page.html"
    ran = evaluate("performance", "--manifest", tmp_path, "--model", "deadpan", "--report", path)
    assert ran.exit_code == 0, ran.output
    read = self_contained(path.read_bytes())
    assert ["pieces", "1", "1"] in read.rows and not read.all("audio")
