"""What the commands do beyond the stream contract."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile

from perfsynth import registry
from perfsynth.version import __version__

HEAVY = {"torch", "numba", "librosa", "scipy", "partitura", "matplotlib", "pyloudnorm", "soundfile", "soxr", "mido"}
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "petzold-minuet.musicxml"


def perfsynth(*arguments: object, env: dict[str, str] | None = None, **kwargs: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "perfsynth", *map(str, arguments)],
        capture_output=True,
        timeout=120,
        env={**os.environ, **(env or {})},
        **kwargs,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("arguments", [["--help"], ["render", "--help"], ["--version"], ["models"]])
def test_light_commands_load_no_heavy_module(arguments: list[str]) -> None:
    code = (
        "import sys, atexit; atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr));"
        f"sys.argv = ['perfsynth', *{arguments!r}]; from perfsynth.cli import main; main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0
    loaded = {name.split(".")[0] for name in ran.stderr.split()}
    assert "perfsynth" in loaded
    assert not loaded & HEAVY


def test_version() -> None:
    assert perfsynth("--version").stdout.decode().strip() == __version__


def test_models_lists_every_model() -> None:
    listed = json.loads(perfsynth("models", "--json").stdout)
    assert [entry["name"] for entry in listed] == [model.name for model in registry.MODELS]
    text = perfsynth("models").stdout.decode()
    assert all(model.name in text for model in registry.MODELS)
    assert perfsynth("models", "no-such-model").returncode == 2


def test_models_keeps_within_a_terminal() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb") as shown:
        command = [sys.executable, "-m", "perfsynth", "models", "deadpan"]
        subprocess.run(
            command, stdout=theirs, stderr=subprocess.DEVNULL, env=os.environ | {"COLUMNS": "60"}, check=True
        )
        lines = os.read(shown.fileno(), 4096).decode().splitlines()
        os.close(theirs)
    assert len(lines) > 2 and max(map(len, lines)) <= 60
    assert all(line.startswith(" " * 26) for line in lines[2:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rendr", "x"], "'rendr' (did you mean 'render'?); see perfsynth --help"),
        ([EXAMPLE], f"name a command before it, as in perfsynth render {EXAMPLE}"),
        (
            ["align", "a.wav", EXAMPLE, "--repeats", "all"],
            "'--repeats': 'all' is not one of 'auto', 'as-written', 'none'",
        ),
        (["evaluate", "performance", "x"], "; see perfsynth evaluate performance --help"),
        (["data", "bach"], "is no dataset or action; there are check, sounds, batik"),
        (["render", EXAMPLE, "out.wav"], "put -o before the name of a result"),
        (["render", EXAMPLE, "-o", "out.mp3"], "a .wav, .flac or .ogg"),
        (["render", EXAMPLE.parent], "is a folder; name the files in it"),
        (["render", EXAMPLE, "--instrument", "flute"], "--engine fluidsynth"),
        (["synth-audio", EXAMPLE], "perfsynth render-performance makes one"),
        (["align", EXAMPLE, EXAMPLE], "the recording comes first"),
    ],
)
def test_what_people_mistake_is_answered_with_what_to_do(arguments: list[object], words: str) -> None:
    ran = perfsynth(*arguments, text=True)
    assert ran.returncode in (1, 2)
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_every_model_loads() -> None:
    assert all(callable(model.load()) for model in registry.MODELS)


def test_doctor_names_the_remedy_for_what_is_missing(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "PERFSYNTH_SOUNDFONT": str(tmp_path / "none.sf2")}
    checks = {check["name"]: check for check in json.loads(perfsynth("doctor", "--json", env=bare).stdout)}
    assert checks["numpy"]["found"] == np.__version__
    assert checks["fluidsynth"]["found"] == ""
    assert "apt-get install" in checks["fluidsynth"]["remedy"]
    assert "apt-get install" in checks["soundfont"]["remedy"]


def test_doctor_reports_what_is_broken(tmp_path: Path) -> None:
    (tmp_path / "broken.sf2").write_bytes(b"no soundfont")
    (tmp_path / "torch.py").write_text("raise ImportError('of no torch')")
    bare = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PERFSYNTH_SOUNDFONT": str(tmp_path / "broken.sf2")}
    ran = perfsynth("doctor", "--json", env=bare)
    checks = {check["name"]: check for check in json.loads(ran.stdout)}
    assert "not a soundfont" in checks["soundfont"]["remedy"]
    assert "of no torch" in checks["CUDA device"]["remedy"]
    assert checks["soundfont"]["found"] == checks["CUDA device"]["found"] == ""
    assert b"Traceback" not in ran.stderr


def test_without_fluidsynth_one_line_says_how_to_install_it(tmp_path: Path) -> None:
    ran = perfsynth("render", EXAMPLE, "--engine", "fluidsynth", "-o", tmp_path / "a.wav", env={"PATH": str(tmp_path)})
    assert ran.returncode == 1
    assert b"apt-get install fluidsynth" in ran.stderr
    assert ran.stderr.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_render_needs_nothing_but_the_package(tmp_path: Path) -> None:
    how = ("--repeats", "as-written", "--bpm", "120", "-o", tmp_path / "a.wav")
    ran = perfsynth("render", EXAMPLE, *how, env={"PATH": str(tmp_path)})
    assert ran.returncode == 0, ran.stderr
    audio, rate = soundfile.read(tmp_path / "a.wav")
    assert 48 < len(audio) / rate < 60  # 96 quarters at 120, and the last sound
    assert 0.05 < np.abs(audio).max() < 0.9
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_an_engine_says_which_options_it_lacks(tmp_path: Path) -> None:
    ran = perfsynth("render", EXAMPLE, "--engine", "modal", "--soundfont", "a.sf2", "-o", tmp_path / "a.wav")
    assert (ran.returncode, ran.stderr.count(b"\n")) == (2, 1)
    assert b"modal takes no --soundfont" in ran.stderr


def test_fit_piano_refuses_what_is_no_piano(tmp_path: Path) -> None:
    ran = perfsynth("fit-piano", tmp_path, "-o", tmp_path / "piano")
    assert (ran.returncode, ran.stderr.count(b"\n")) == (1, 1)
    assert str(tmp_path).encode() in ran.stderr


def test_fit_piano_finds_a_folder_that_cannot_be_before_it_reads(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = perfsynth("fit-piano", tmp_path / "nowhere", "-o", tmp_path / "file" / "piano")
    assert (ran.returncode, ran.stderr.count(b"\n")) == (1, 1)
    assert b"file/piano: cannot be made a folder" in ran.stderr


def test_data_names_what_there_is() -> None:
    ran = perfsynth("data", "no-such-set", "fetch")
    assert ran.returncode == 2
    assert b"salamander" in ran.stderr


def test_the_stages_piped_are_render_in_one(tmp_path: Path, fluidsynth_env: dict[str, str]) -> None:
    whole = perfsynth("render", EXAMPLE, "--engine", "fluidsynth", "--keep-stages", tmp_path, env=fluidsynth_env)
    assert whole.returncode == 0, whole.stderr
    performance = perfsynth("render-performance", EXAMPLE, "--ornaments").stdout
    assert (tmp_path / "petzold-minuet.performance.mid").read_bytes() == performance
    sound = perfsynth("synth-audio", "--engine", "fluidsynth", env=fluidsynth_env, input=performance)
    pieces = [soundfile.read(io.BytesIO(ran.stdout)) for ran in (whole, sound)]
    assert np.array_equal(pieces[0][0], pieces[1][0])
    assert pieces[0][1] == pieces[1][1] == 44100


@pytest.mark.parametrize(("name", "magic"), [("a.flac", b"fLaC"), ("a.ogg", b"OggS"), ("a.wav", b"RIFF")])
def test_the_suffix_chooses_the_format(name: str, magic: bytes, tmp_path: Path, fluidsynth_env: dict[str, str]) -> None:
    options = ["--engine", "fluidsynth", "--sample-rate", "22050", "-o", tmp_path / name]
    ran = perfsynth("render", EXAMPLE, *options, env=fluidsynth_env)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / name).read_bytes()[:4] == magic
    assert soundfile.info(tmp_path / name).samplerate == 22050


def test_an_unknown_engine_is_named(tmp_path: Path) -> None:
    ran = perfsynth("render", EXAMPLE, "--engine", "no-such-engine", "-o", tmp_path / "a.wav")
    assert ran.returncode == 2
    assert b"no-such-engine" in ran.stderr


@pytest.mark.parametrize("bpm", [60, 97.5, 180])
def test_bpm_is_met(bpm: float) -> None:
    midi = pretty_midi.PrettyMIDI(io.BytesIO(perfsynth("render-performance", EXAMPLE, "--bpm", bpm).stdout))
    quarters = 2 * 32 * 3 - 1  # 32 bars of 3/4, both halves repeated, up to the last onset
    assert 60 * quarters / midi.get_onsets().max() == pytest.approx(bpm, rel=0.01)


def test_repeats_as_written_are_half_as_long() -> None:
    notes = [
        len(
            pretty_midi.PrettyMIDI(io.BytesIO(perfsynth("render-performance", EXAMPLE, *o).stdout)).instruments[0].notes
        )
        for o in ([], ["--repeats", "as-written"])
    ]
    assert notes[0] == 2 * notes[1]


def test_the_command_reference_is_up_to_date() -> None:
    root = EXAMPLE.parents[1]
    ran = subprocess.run([sys.executable, root / "tools/cli_reference.py"], capture_output=True, text=True, timeout=120)
    assert ran.stdout == (root / "docs/cli.md").read_text()


@pytest.mark.parametrize("told", [[], ["--json"], ["--verbose"]])
def test_a_defect_is_one_line_that_asks_for_a_report(told: list[str], tmp_path: Path) -> None:
    arguments = ["perfsynth", "render-performance", str(EXAMPLE), "--model", "deadpan", "-o", str(tmp_path / "a.mid")]
    code = (
        "import sys; from perfsynth.cli import main; from perfsynth.perform import deadpan;"
        "deadpan.velocities = lambda score: {}['of\\nnone'];"
        f"sys.argv = {[*arguments, *told]!r}; main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 1
    *before, last = ran.stderr.splitlines()
    assert ("Traceback (most recent call last):" in before) == (told == ["--verbose"])
    assert told == ["--verbose"] or before == []
    said = json.loads(last)["error"] if told == ["--json"] else last.removeprefix("perfsynth: ")
    assert said.startswith("defect: KeyError: ") and "please report it" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["render", "render-performance", "synth-audio", "synth-mel", "vocode"])
def test_a_seed_that_is_too_large_is_refused_in_one_line(command: str, tmp_path: Path) -> None:
    ran = perfsynth(command, EXAMPLE, "--seed", 2**63, "-o", tmp_path / "a")
    assert (ran.returncode, ran.stderr.count(b"\n")) == (2, 1)
    assert b"seed 9223372036854775808: it is a whole number from 0 to 9223372036854775807" in ran.stderr


@pytest.mark.parametrize("command", ["render", "align", "data check", "data nasap check", "evaluate audio", "models"])
def test_the_usage_brackets_each_argument_once(command: str) -> None:
    usage = perfsynth(*command.split(), "--help").stdout.decode().split("\n\n")[0]
    assert "[[" not in usage and "......" not in usage and "...]..." not in usage


def test_the_usage_of_align_says_what_comes_first() -> None:
    assert b"[RECORDING SCORE]" in perfsynth("align", "--help").stdout
