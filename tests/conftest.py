"""What many tests need: the example score, and a FluidSynth that is always there."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # here and in the commands that tests run: small work, many processes
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # ignored in the background, also by the commands that tests run
# The same examples each time; HYPOTHESIS_PROFILE=default looks for new ones.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
EXAMPLE = Path(__file__).parents[1] / "examples" / "petzold-minuet.musicxml"

# Speaks FluidSynth's command line as `perfsynth.fluid` uses it: a quiet tone as long as the MIDI file, then silence.
_FAKE_FLUIDSYNTH = f"""#!{sys.executable}
import sys, mido, numpy as np
arguments = sys.argv[1:]
rate = int(arguments[arguments.index("-r") + 1])
length = mido.MidiFile(arguments[-1]).length
tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(round(length * rate)) / rate)
audio = np.concatenate([tone, np.zeros(rate)]).astype(np.float32)
with open("/dev/stdout", "wb") as out:
    out.write(np.repeat(audio[:, None], 2, axis=1).tobytes())
"""


@pytest.fixture(scope="session")
def example() -> bytes:
    """A real score: 32 bars for the piano, with repeats, dynamics, slurs and ornaments."""
    return EXAMPLE.read_bytes()


@pytest.fixture(scope="session")
def fluidsynth_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which a stand-in for FluidSynth and a soundfont are installed."""
    folder = tmp_path_factory.mktemp("fluidsynth")
    program = folder / "fluidsynth"
    program.write_text(_FAKE_FLUIDSYNTH)
    program.chmod(0o755)
    soundfont = folder / "fake.sf2"
    soundfont.write_bytes(b"RIFF\0\0\0\0sfbk")
    return {"PATH": f"{folder}:{os.environ['PATH']}", "PERFSYNTH_SOUNDFONT": str(soundfont)}
