"""FluidSynth with a soundfont made here, and stand-ins for the ways in which it fails."""

from __future__ import annotations

import os
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from perfsynth import fluid
from perfsynth.errors import InputError, MissingError, PerfsynthError, UsageError
from perfsynth.synth.core import synthesize
from perfsynth.types import CONTROL, PERFORMED_NOTE, SUSTAIN, Made, Part, Performance

RATE = 22050  # Hz
VOLUME, REVERB_SEND = 7, 91  # MIDI controllers


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def tiny_soundfont() -> bytes:
    """A looped sine that sounds as long as its key is down; program n plays n semitones up, and so do drum kits."""
    period, coarse_tune, instrument, sample_modes, sample_id = 100, 51, 41, 54, 53
    wave = (20000 * np.sin(2 * np.pi * np.arange(period * 20) / period)).astype("<i2").tobytes() + bytes(92)
    presets = [(bank, program) for bank in (0, 128) for program in range(40)]
    heads = [(b"sine", program, bank, index) for index, (bank, program) in enumerate(presets)]
    phdr = b"".join(struct.pack("<20sHHHIII", *h, 0, 0, 0) for h in [*heads, (b"EOP", 0, 0, len(presets))])
    pbag = b"".join(struct.pack("<HH", 2 * index, 0) for index in range(len(presets) + 1))
    pgen = b"".join(struct.pack("<HhHh", coarse_tune, program, instrument, 0) for _, program in presets)
    lists = {
        b"phdr": phdr,
        b"pbag": pbag,
        b"pmod": bytes(10),
        b"pgen": pgen + bytes(4),
        b"inst": struct.pack("<20sH20sH", b"sine", 0, b"EOI", 1),
        b"ibag": struct.pack("<HHHH", 0, 0, 2, 0),
        b"imod": bytes(10),
        b"igen": struct.pack("<HHHH", sample_modes, 1, sample_id, 0) + bytes(4),
        # 44100 Hz / 100 samples = 441 Hz: A4, key 69, 4 cents sharp.
        b"shdr": struct.pack("<20sIIIIIBbHH", b"sine", 0, period * 20, period, period * 19, 44100, 69, -4, 0, 1)
        + struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    info = chunk(b"ifil", struct.pack("<HH", 2, 1)) + chunk(b"isng", b"EMU8000\0") + chunk(b"INAM", b"tiny\0\0")
    body = chunk(b"LIST", b"INFO" + info) + chunk(b"LIST", b"sdta" + chunk(b"smpl", wave))
    body += chunk(b"LIST", b"pdta" + b"".join(chunk(name, content) for name, content in lists.items()))
    return chunk(b"RIFF", b"sfbk" + body)


@pytest.fixture(scope="module")
def soundfont(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("soundfont") / "tiny.sf2"
    path.write_bytes(tiny_soundfont())
    return str(path)


def played(*rows: tuple, controls: tuple = (), parts: tuple[Part, ...] = (Part(),)) -> Performance:
    """A performance of (onset_s, duration_s, pitch[, part])."""
    notes = np.array(
        [("", on, length, pitch, 100, *(part or (0,))) for on, length, pitch, *part in rows], PERFORMED_NOTE
    )
    return Performance(notes, np.array(list(controls), CONTROL), parts, sha256="cd" * 32)


def sounded(performance: Performance, soundfont: str, **options) -> np.ndarray:
    options = {"sample_rate": RATE, "reverb": False, **options}
    return np.concatenate(list(synthesize(performance, engine="fluidsynth", soundfont=soundfont, **options).blocks))


def level_at(samples: np.ndarray, second: float, pitch: float) -> float:
    """Amplitude of one pitch in the 0.2 s from `second` on."""
    piece = samples[round(second * RATE) : round((second + 0.2) * RATE), 0]
    turns = 440 * 2 ** ((pitch - 69) / 12) * np.arange(len(piece)) / RATE
    return float(2 * np.abs(np.mean(piece * np.hanning(len(piece)) * np.exp(-2j * np.pi * turns))))


def test_notes_sound_when_and_as_high_as_they_are_played(soundfont):
    samples = sounded(played((0.0, 0.5, 69), (1.0, 0.5, 72)), soundfont)
    assert level_at(samples, 0.1, 69) > 30 * level_at(samples, 0.1, 72)
    assert level_at(samples, 1.1, 72) > 30 * level_at(samples, 1.1, 69)
    assert level_at(samples, 0.7, 69) < 1e-3 * level_at(samples, 0.1, 69)
    first = np.flatnonzero(np.abs(samples[:, 0]) > 1e-3)
    assert first[0] < 0.005 * RATE
    assert first[first > 0.8 * RATE][0] / RATE == pytest.approx(1.0, abs=0.005)


def test_the_tail_is_kept_and_ends(soundfont):
    performance = played((0.0, 1.0, 69), controls=((0.0, REVERB_SEND, 127, 0),))
    dry, wet = (sounded(performance, soundfont, reverb=reverb) for reverb in (False, True))
    assert RATE < len(dry) < 1.5 * RATE
    assert 1.5 * RATE < len(wet) < 11 * RATE
    loudest = np.abs(wet).max()
    assert np.abs(wet[-100:]).max() < 1e-3 * loudest < np.abs(wet[RATE + RATE // 4]).max()


def test_a_pedal_held_to_the_end_fades_after_ten_seconds(soundfont):
    samples = sounded(played((0.0, 0.5, 69), controls=((0.1, SUSTAIN, 127, 0),)), soundfont)
    assert len(samples) == pytest.approx(10.5 * RATE, abs=0.1 * RATE)
    assert level_at(samples, 9.0, 69) > 0.9 * level_at(samples, 0.3, 69)
    assert np.abs(samples[-50:]).max() < 0.01 * np.abs(samples).max()


def test_a_key_struck_again_while_down_sounds_on(soundfont):
    samples = sounded(played((0.0, 1.0, 69), (0.5, 1.0, 69)), soundfont)
    assert level_at(samples, 1.2, 69) > 0.5 * level_at(samples, 0.2, 69)
    assert level_at(samples, 1.52, 69) < 0.05 * level_at(samples, 0.2, 69)


def test_thirty_parts_keep_their_programs(soundfont):
    parts = tuple(Part(f"part {index}", program=index) for index in range(30))
    performance = played(*((index * 0.3, 0.25, 60, index) for index in range(30)), parts=parts)
    samples = sounded(performance, soundfont)
    for index in range(30):
        own, other = (level_at(samples, index * 0.3 + 0.03, pitch) for pitch in (60 + index, 60 + (index + 5) % 30))
        assert own > 5 * other


def test_drums_alone_and_two_kits(soundfont):
    parts = (Part("kit", 0, True), Part("other kit", 12, True), Part("unheard", 3))
    samples = sounded(played((0.0, 0.4, 60, 0), (0.5, 0.4, 60, 1), parts=parts), soundfont)
    assert level_at(samples, 0.1, 60) > 30 * level_at(samples, 0.1, 72)
    assert level_at(samples, 0.6, 72) > 30 * level_at(samples, 0.6, 60)


def test_the_same_performance_gives_the_same_samples(soundfont):
    performance = played((0.0, 0.3, 60), (0.2, 0.3, 64))
    np.testing.assert_array_equal(sounded(performance, soundfont), sounded(performance, soundfont))


@pytest.mark.parametrize("sample_rate", [8000, 48000, 192000])
def test_any_sample_rate(soundfont, sample_rate):
    stream = synthesize(played((0.0, 1.0, 69)), soundfont=soundfont, sample_rate=sample_rate)
    assert (stream.sample_rate, stream.n_channels, stream.duration_s) == (sample_rate, 2, 1.0)
    samples = np.concatenate(list(stream.blocks))
    spectrum = np.abs(np.fft.rfft(samples[sample_rate // 10 : sample_rate // 10 * 6, 0]))
    assert 2 * np.argmax(spectrum) == pytest.approx(440, abs=2)


def test_provenance_names_engine_seed_input_and_soundfont(soundfont):
    (step,) = synthesize(played((0.0, 0.1, 60)), soundfont=soundfont, seed=3).history
    assert (step.stage, step.model, step.seed, step.input_sha256) == ("synth-audio", "fluidsynth", 3, "cd" * 32)
    assert step.options == {"soundfont": "tiny.sf2", "reverb": True, "chorus": False}


def test_what_cannot_be_sounded_is_refused(soundfont):
    with pytest.raises(InputError, match="no notes"):
        synthesize(Performance(np.zeros(0, PERFORMED_NOTE)))
    with pytest.raises(UsageError, match="fluidsynth takes no --room; leave it out"):
        synthesize(played((0, 1, 60)), engine="fluidsynth", soundfont=soundfont, room="hall")
    with pytest.raises(UsageError, match="sample rate 0"):
        synthesize(played((0, 1, 60)), soundfont=soundfont, sample_rate=0)
    assert synthesize(played((0, 1, 60)), soundfont=soundfont, room=None).n_channels == 2


def test_an_engine_gets_what_it_takes_and_is_resampled(monkeypatch):
    """An engine with a rate of its own, a seed, and no history."""
    from perfsynth import registry
    from perfsynth.types import Audio

    seen = {}

    def engine(performance, *, seed, brightness=1.0):
        seen.update(seed=seed, brightness=brightness)
        return Audio(np.zeros((1000, 1), np.float32), 10000).stream()

    monkeypatch.setattr(registry.Model, "load", lambda model: engine)
    stream = synthesize(played((0, 1, 60)), engine="fluidsynth", seed=5, sample_rate=20000, brightness=2.0, room=None)
    assert sum(len(block) for block in stream.blocks) == 2000
    assert seen == {"seed": 5, "brightness": 2.0}
    assert stream.history == (Made("synth-audio", "fluidsynth", 5, "cd" * 32, options={"brightness": 2.0}),)


def running_children() -> set[str]:
    return {
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/stat")
        if (fields := path.read_text().rsplit(")", 1)[-1].split())[1] == str(os.getpid()) and fields[0] != "Z"
    }


def test_nothing_is_left_of_a_stream_that_is_given_up(soundfont, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    parts = tuple(Part(program=index) for index in range(20))
    performance = played(*((0.0, 3600.0, 60, index) for index in range(20)), parts=parts)
    blocks = iter(synthesize(performance, soundfont=soundfont, sample_rate=RATE).blocks)
    before = running_children()
    assert len(next(blocks)) == fluid.BLOCK
    assert len(list(tmp_path.iterdir())) == 2  # two files of at most 15 parts
    assert len(running_children() - before) == 2
    blocks.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []
    assert running_children() - before == set()


def test_ten_hours_come_in_blocks_as_they_are_made(soundfont):
    blocks = iter(synthesize(played((0.0, 36000.0, 69)), soundfont=soundfont, sample_rate=8000).blocks)
    assert {len(next(blocks)) for _ in range(15)} == {fluid.BLOCK}
    blocks.close()  # type: ignore[attr-defined]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a Python script in the place of FluidSynth; gives a function that plays half a second with it."""

    def play(script: str) -> np.ndarray:
        program, soundfont = tmp_path / "fluidsynth", tmp_path / "any.sf2"
        program.write_text(
            f"#!{sys.executable}\nimport sys, time\nout, err = sys.stdout.buffer, sys.stderr\n{script}\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return np.concatenate(list(fluid.render(b"MThd", soundfont=soundfont, sample_rate=8000, end_s=0.5)))

    return play


def test_an_endless_program_is_ended(stand_in):
    samples = stand_in("import array\nwhile True: out.write(array.array('f', [0.5]) * 2000)")
    assert len(samples) == pytest.approx(10.5 * 8000, abs=800)
    assert samples[0, 0] == 0.5
    assert samples[-1, 0] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "err.write('fluidsynth: error: Unexpected end of file\\n')",
            "stopped after 0 of 4000.*Unexpected end of file",
        ),
        ("out.write(bytes(1600)); sys.exit(3)", "stopped after 200 of 4000 samples with status 3; it gave no reason"),
        ("out.write(bytes(800000))", "any.sf2: has no sound"),
        ("err.write('Failed to load the SoundFont any.sf2'); err.flush(); out.write(bytes(800000))", "cannot load"),
    ],
)
def test_silent_failures_are_errors(stand_in, script, message):
    with pytest.raises(PerfsynthError, match=message):
        stand_in(script)


def test_a_program_that_hangs_is_ended(stand_in, monkeypatch):
    monkeypatch.setattr(fluid, "STALL_S", 0.2)
    with pytest.raises(PerfsynthError, match="has made no sound for 0 s; thinking"):
        stand_in("err.write('thinking'); err.flush(); time.sleep(1000)")


def test_fluidsynth_itself_refuses_a_truncated_soundfont(soundfont, tmp_path):
    cut = tmp_path / "cut.sf2"
    cut.write_bytes(Path(soundfont).read_bytes()[:3000])
    with pytest.raises(InputError, match=r"cut\.sf2: FluidSynth cannot load this soundfont"):
        sounded(played((0.0, 0.5, 60)), str(cut))


def test_notes_that_a_soundfont_does_not_have_are_an_error(soundfont):
    with pytest.raises(PerfsynthError, match="has no sound for any of these notes"):
        sounded(played((0.0, 0.5, 60), controls=((0.0, VOLUME, 0, 0),)), soundfont)


class TestFinding:
    def put(self, folder: Path, name: str) -> Path:
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"RIFF\x10\0\0\0sfbk")
        return folder / name

    def test_the_best_one_in_the_usual_places(self, tmp_path, monkeypatch):
        monkeypatch.delenv(fluid.SOUNDFONT_VARIABLE, raising=False)
        monkeypatch.setattr(fluid, "FOLDERS", (str(tmp_path / "sf2"), str(tmp_path / "sf3")))
        with pytest.raises(MissingError, match=r"no soundfont found.*apt-get install"):
            fluid.find_soundfont()
        for folder, name in (("sf2", "default-GM.sf2"), ("sf2", "FluidR3_GM.sf2"), ("sf3", "MuseScore_General.sf3")):
            best = self.put(tmp_path / folder, name)
            self.put(tmp_path / folder, "A_single_flute.sf2")
            assert fluid.find_soundfont() == best
        best.unlink()
        best.symlink_to(tmp_path / "gone")
        assert fluid.find_soundfont().name == "FluidR3_GM.sf2"

    def test_the_one_asked_for_comes_before_the_environment(self, tmp_path, monkeypatch):
        asked, named = (self.put(tmp_path, name) for name in ("asked.sf2", "named.sf2"))
        monkeypatch.setenv(fluid.SOUNDFONT_VARIABLE, str(named))
        assert fluid.find_soundfont() == named
        assert fluid.find_soundfont(str(asked)) == asked

    def test_what_is_no_soundfont_is_refused(self, tmp_path):
        (tmp_path / "song.mid").write_bytes(b"MThd")
        with pytest.raises(InputError, match=r"song\.mid: not a soundfont"):
            fluid.find_soundfont(str(tmp_path / "song.mid"))
        with pytest.raises(MissingError, match="there is no such soundfont"):
            fluid.find_soundfont(str(tmp_path / "none.sf2"))

    def test_without_the_program_the_error_says_how_to_install_it(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        with pytest.raises(MissingError, match="apt-get install fluidsynth"):
            fluid.find_program()
