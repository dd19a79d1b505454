"""The documentation: its links and examples, and the tools that check and generate it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.text import Text

from perfsynth import formats, registry
from perfsynth.cli import app
from perfsynth.perform.core import perform
from perfsynth.version import __version__
from tools import check_docs, cli_reference, gallery, gallery_systems, man_pages, models_page, python_page

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery"
EXAMPLES = sorted((ROOT / "examples").glob("*.musicxml"))


def test_no_page_has_a_dead_link_or_an_example_that_cannot_be_typed() -> None:
    pages = check_docs.all_pages(ROOT)
    assert len(pages) > 15
    assert [fault for page in pages for fault in check_docs.check_page(page, ROOT)] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("perfsynth rendr score.musicxml", "perfsynth has no rendr"),
        ("perfsynth render score.musicxml --tempo 90", "--tempo"),
        ("perfsynth render score.musicxml --bpm fast", "number"),
        ("perfsynth render score.musicxml --repeats sometimes", "sometimes"),
        ("cat a.mid | perfsynth tokenise > b", "perfsynth has no tokenise"),
        ("FOO=1 perfsynth render x --engine no-such", "no model 'no-such'"),
        ("for f in *.mid; do perfsynth synth-audio $f --nothing; done", "--nothing"),
        ("perfsynth evaluate audio a.wav --refrence b.wav", "--refrence"),
        ("perfsynth data nowhere fetch", "perfsynth data has no nowhere"),
        ("perfsynth synth-audio a.mid --temperament bach", "--temperament bach: choose one of"),
        ("make demonstration", "no target demonstration"),
        ("python tools/none.py", "no tools/none.py"),
        ("perfsynth render 'a.mid", "shell command"),
        ("perfsynth render a.mid \\\n  --no-such-option", "--no-such-option"),
    ],
)
def test_examples_that_would_fail_are_found(tmp_path: Path, line: str, said: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n```sh\n# first\n{line}\n```\n")
    (fault,) = check_docs.check_page(page, ROOT)
    assert fault.startswith(f"{page}:5: ") and said in fault


@pytest.mark.parametrize(
    "line",
    [
        "perfsynth render score.musicxml -o out.wav   # score to sound",
        "perfsynth tokenize a.mid | perfsynth detokenize -o b.mid 2> log",
        "perfsynth render --help",
        "perfsynth --install-completion",
        "perfsynth COMMAND --help",
        "perfsynth evaluate performance --manifest c --model cantabile,deadpan",
        "VAR='a b' perfsynth render - --json < a.mid > b.wav && ls",
        "make test PYTHON=python3.12",
        "make data-maestro ARGS=--accept-licence",
        "torchrun --nproc-per-node 2 -m perfsynth train x.toml",
    ],
)
def test_examples_that_work_are_left_alone(tmp_path: Path, line: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```sh\n{line}\n```\n")
    assert check_docs.check_page(page, ROOT) == []


def test_dead_links_and_anchors_are_found_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One `two` (three)\n\n## Same\n\n## Same\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[fine](other.md#one-two-three) [fine](other.md#same-1) [web](https://example.org/x#y)\n"
        "[gone](missing.md)\n"
        "[no such heading](other.md#same-2)\n"
        "`[code](nowhere.md)`\n```text\n[code](nowhere.md)\n```\n"
        '<img src="none.png" alt="">\n'
        "[here](#nothing)\n"
    )
    lines = [(int(fault.split(":")[1]), fault) for fault in check_docs.check_page(page, ROOT)]
    assert [line for line, _ in lines] == [2, 3, 9, 8]
    assert "missing.md" in lines[0][1] and "#same-2" in lines[1][1] and "#nothing" in lines[2][1]


def _table(page: str, marker: str) -> list[list[str]]:
    """The rows of the table whose head holds some words."""
    lines = (ROOT / page).read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("|") and marker in line)
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[begin:]]
    return rows[: next(number for number, row in enumerate([*rows, []]) if len(row) < 2)]


def test_the_front_page_has_the_figures_of_the_page_behind_it() -> None:
    front, behind = _table("README.md", "agreement with people"), _table("docs/expression.md", "gradient boosting")
    names = [cell.replace("`", "") for cell in front[0]]
    full = {row[0]: dict(zip(behind[0], row, strict=True)) for row in behind}
    shown = [(row[0], dict(zip(names, row, strict=True))) for row in front[2:]]
    assert len(shown) >= 6
    for measure, cells in shown:
        found = {name: float(cell) for name, cell in cells.items() if name != names[0]}
        assert found == {name: float(full[measure][name].split(" ")[0]) for name in found}, measure


def test_the_citation_names_this_version() -> None:
    assert f"version = {{{__version__}}}" in (ROOT / "README.md").read_text()


def test_marked_examples_are_run_and_others_are_not(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    marked = "<!-- runs -->\n"
    page.write_text(
        f"{marked}```sh\nls examples > found\n```\n\n```sh\nexit 3\n```\n\n{marked}```sh\ngrep petzold found\n```\n"
    )
    assert check_docs.run_page(page, ROOT) == []
    page.write_text(f"{marked}```sh\ntrue\nfalse | cat\n```\n")
    assert "exit code 1" in check_docs.run_page(page, ROOT)[0]
    page.write_text(f"{marked}```python\n>>> 1 + 1\n3\n```\n")
    assert "Expected" in check_docs.run_page(page, ROOT)[0]


def test_the_reference_names_every_command_and_both_sides_of_a_switch(capsys: pytest.CaptureFixture[str]) -> None:
    cli_reference.main()
    shown = capsys.readouterr().out
    names = [name for name, _ in cli_reference.commands("perfsynth", typer.main.get_command(app))]
    assert [line[3:] for line in shown.splitlines() if line.startswith("## ")] == names
    assert "| `--ladder`, `--no-ladder` | `--ladder` |" in shown
    assert "| `--repeats`: unfold, as-written | `unfold` |" in shown


def test_help_shows_every_word_that_is_written() -> None:
    """In a terminal it is read as markup, in which what stands in square brackets may be a style."""
    for name, command in cli_reference.commands("perfsynth", typer.main.get_command(app)):
        for text in (command.help, *(parameter.help or "" for parameter in command.params)):
            assert Text.from_markup(text).plain == text.rstrip("\n"), name


@pytest.mark.parametrize(("tool", "page"), [(python_page, "python.md"), (models_page, "models.md")])
def test_generated_pages_are_up_to_date(tool: types.ModuleType, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    tool.main()
    assert (ROOT / "docs" / page).read_text() == capsys.readouterr().out, f"docs/{page} is out of date: make docs"


def test_manual_pages_are_roff_that_nothing_escapes_from() -> None:
    made = man_pages.pages()
    assert {"perfsynth.1", "perfsynth-render.1", "perfsynth-evaluate-audio.1"} <= made.keys()
    known = {".TH", ".SH", ".PP", ".TP", ".B", ".nf", ".fi"}
    for name, text in made.items():
        lines = text.splitlines()
        assert lines[0].startswith(".TH ") and all(line.isascii() for line in lines), name
        assert {line.split()[0] for line in lines if line.startswith((".", "'"))} <= known, name
        assert text.index(".SH NAME") < text.index(".SH SYNOPSIS") < text.index(".SH OPTIONS"), name
        assert not re.search(r"\\(?![efu&\-(\[])", text), name
    render = made["perfsynth-render.1"]
    assert "\\fB\\-\\-bpm\\fR" in render and "unfold|as\\-written" in render
    assert "perfsynth render score.musicxml \\-o out.wav" in render


GROFF = shutil.which("groff")


@pytest.mark.parametrize("program", [GROFF] if GROFF else [])
def test_groff_has_no_complaint_about_them(program: str, tmp_path: Path) -> None:
    for name, text in man_pages.pages().items():
        (tmp_path / name).write_text(text)
    files = sorted(str(path) for path in tmp_path.iterdir())
    ran = subprocess.run([program, "-man", "-Tascii", "-ww", "-z", *files], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_gallery_is_small_and_whole() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text()
    linked = set(re.findall(r"\]\((gallery/[\w.-]+)\)", page))
    assert linked == {f"gallery/{path.name}" for path in GALLERY.iterdir()}
    sounds = sorted(GALLERY.glob("*.ogg"))
    assert len(sounds) >= 14 and sum(path.stat().st_size for path in sounds) < 4e6
    for path in sounds:
        audio = formats.read_audio(path.read_bytes(), name=path.name)
        assert 10 < len(audio.samples) / audio.sample_rate <= 25.1
        assert np.abs(audio.samples).max() > 0.05 and np.abs(audio.samples[-200:]).max() < 0.02


def test_a_section_of_the_gallery_is_replaced_and_the_rest_stays() -> None:
    page = "# Gallery\n\n## A piece\n\nplayed\n\n## A recording and its score\n\naligned\n"
    first, second = (f"{gallery_systems.TITLE}\n\n{word}\n" for word in ("first", "second"))
    once = gallery.with_section(page, first)
    assert gallery_systems.kept(page) == "" and gallery_systems.kept(once) == first
    assert once.index("played") < once.index("first") < once.index("aligned")
    assert gallery.with_section(once, second) == once.replace("first", "second")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_scores_with_what_a_performer_reads(path: Path) -> None:
    score = formats.read_score(path.read_bytes(), name=path.name)
    assert score.title and score.composer
    assert len(score.slurs) and {"dynamic"} <= set(score.directions["kind"]) and len(score.tempos)
    assert path.name in (ROOT / "examples" / "README.md").read_text()


def test_the_prelude_and_the_bagatelle_are_engraved_as_composed() -> None:
    bach, elise = (
        formats.read_score((ROOT / "examples" / f"{name}.musicxml").read_bytes())
        for name in ("bach-prelude", "beethoven-elise")
    )
    by_time = np.sort(bach.notes, order=["onset_beat", "pitch"])
    assert len(by_time) == 32 * 16 + 2 * 16 + 5 and bach.measures["number"].tolist() == list(range(1, 36))
    assert by_time["pitch"][:8].tolist() == [60, 64, 67, 72, 76, 67, 72, 76]
    assert sorted(by_time["pitch"][-5:].tolist()) == [36, 48, 64, 67, 72]
    assert elise.notes["onset_beat"].min() == -0.5
    # The pick-up at -0.5 and seven bars, then the first ending at 10.5.
    right = elise.notes[(elise.notes["staff"] == 1) & (elise.notes["onset_beat"] < 11.5)]
    melody = np.sort(right, order="onset_beat")["pitch"].tolist()
    turn, rise, end = [76, 75, 76, 75, 76, 71, 74, 72], [69, 60, 64, 69, 71, 64], [72, 71]
    assert melody == [*turn, *rise, 68, 71, 72, 64, *turn, *rise, *end, 69]
    left = elise.notes[(elise.notes["staff"] == 2) & (elise.notes["onset_beat"] < 11.5)]
    minor, major = [45, 52, 57], [40, 52, 56]
    bass = [*minor, *major, *minor, *minor, *major, *minor]
    assert np.sort(left, order="onset_beat")["pitch"].tolist() == bass
    half = np.sort(elise.notes[elise.notes["onset_beat"] < 10.5], order=["onset_beat", "pitch"])["pitch"]
    again = elise.notes[(elise.notes["onset_beat"] >= 11.5) & (elise.notes["onset_beat"] < 22.5)]
    assert half.tolist() == np.sort(again, order=["onset_beat", "pitch"])["pitch"].tolist()


def test_the_walkthrough_of_adding_a_system_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: bytes
) -> None:
    blocks = check_docs.blocks((ROOT / "docs" / "adding-a-system.md").read_text())
    file, line, test = (block.text for block in blocks if block.language == "python")
    (tmp_path / "swing_of_the_docs.py").write_text(file)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = eval(line.replace("perfsynth.perform.swing", "swing_of_the_docs"), {"Model": registry.Model})
    monkeypatch.setattr(registry, "MODELS", (*registry.MODELS, model))
    score = formats.read_score(example)
    played = perform(score, model="swing", bpm=96)
    assert played.notes["note_id"].tolist() == score.notes["note_id"].tolist()
    assert played.notes["duration_s"].min() > 0 and played.history[-1].model == "swing"
    assert registry.names("render-performance")[-1] == "swing"
    own = sys.modules["swing_of_the_docs"]
    names = {"formats": formats, "np": np, "pytest": pytest, "perform": own.perform, "SHARE": own.SHARE}
    exec(test, names)
    names["test_the_second_eighth_comes_late"](example)
