"""FluidSynth 2, as a subprocess: MIDI bytes in, blocks of audio out.

The program ends with status 0 whatever goes wrong: a soundfont that is missing or broken gives silence, a
broken MIDI file a few samples, and a held organ note never ends. So the soundfont is checked before, what the
program says and makes is checked after, and the tail is cut here.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perfsynth.errors import InputError, MissingError, PerfsynthError

INSTALL = "sudo apt-get install fluidsynth musescore-general-soundfont"
SOUNDFONT_VARIABLE = "PERFSYNTH_SOUNDFONT"
FOLDERS = (
    "/usr/share/sounds/sf3",  # Debian
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",  # Arch, Fedora
    "/usr/local/share/sounds/sf3",
    "/usr/local/share/sounds/sf2",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",  # macOS
    "/opt/homebrew/share/sounds/sf2",
    "~/Library/Audio/Sounds/Banks",
    "~/.local/share/soundfonts",
    "~/.local/share/sounds/sf2",
)
# The best piano first. Any other bank may hold a single instrument, so it has to be asked for.
NAMES = (
    "MuseScore_General*.sf3",
    "MuseScore_General*.sf2",
    "FluidR3_GM*.sf2",
    "FluidR3*.sf3",
    "default-GM.sf3",
    "default-GM.sf2",
    "GeneralUser*.sf2",
    "TimGM6mb.sf2",
)
MIN_RATE, MAX_RATE = 8000, 96000  # Hz, FluidSynth's own limits
CHANNELS = 2
FRAME_BYTES = 4 * CHANNELS
BLOCK = 32768  # samples
GAIN = 0.2
POLYPHONY = 2048  # its default of 256 steals voices from pedalled piano music, audibly
TAIL_S = 10.0  # how long the sound may go on after the last key is released
FADE_S = 1.0  # at the end of a tail that long
TAIL_STEP_S = 0.1
SILENCE_DB = -70.0  # below the loudest sample: there the tail is over
NO_SOUND = 1e-6  # full scale; FluidSynth's dither is below it
STALL_S = 120.0  # without a single byte; loading a soundfont from a slow disk takes less
_SOUNDFONT_FAILED = re.compile(r"Failed to load the SoundFont|not a SoundFont")


def find_program() -> Path:
    """The FluidSynth program.

    Raises
    ------
    MissingError
        When it is not installed.
    """
    found = shutil.which("fluidsynth")
    if found is None:
        raise MissingError(f"the fluidsynth program is not installed; on Debian: {INSTALL}")
    return Path(found)


def find_soundfont(explicit: str | None = None) -> Path:
    """The soundfont asked for, or that of ``$PERFSYNTH_SOUNDFONT``, or the best in the usual places.

    Raises
    ------
    MissingError
        When there is none.
    InputError
        When it is not a soundfont.
    """
    asked = explicit or os.environ.get(SOUNDFONT_VARIABLE)
    if asked:
        path = Path(asked).expanduser()
        if not path.is_file():
            raise MissingError(f"{asked}: there is no such soundfont; on Debian: {INSTALL}")
        return _checked(path)
    for name in NAMES:
        for folder in FOLDERS:
            for path in sorted(Path(folder).expanduser().glob(name)):
                if path.is_file():  # and no dangling link
                    return _checked(path)
    raise MissingError(f"no soundfont found; give --soundfont FILE, or on Debian: {INSTALL}")


def _checked(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); a soundfont has to be") from error
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise InputError(f"{path}: not a soundfont; an .sf2 or .sf3 file is needed")
    return path.resolve()


def render(
    *midis: bytes, soundfont: Path, end_s: float, sample_rate: int = 44100, reverb: bool = True, chorus: bool = False
) -> Iterator[np.ndarray]:
    """Play MIDI files together through a soundfont.

    Parameters
    ----------
    *midis
        Whole MIDI files, one for every sixteen channels. Each has an event at least `TAIL_S` after `end_s`:
        FluidSynth may stop at the last one.
    soundfont
        As `find_soundfont` gives it.
    end_s
        When the last key is released. What sounds on is kept until it is 70 dB below the loudest sample, at
        most for `TAIL_S`, and then faded out.
    sample_rate
        In Hz, 8000 to 96000.
    reverb, chorus
        FluidSynth's own effects.

    Yields
    ------
    ndarray
        (n, 2) float32, not bounded by full scale. Time 0 of the first block is time 0 of the files.

    Raises
    ------
    PerfsynthError
        When FluidSynth fails, or plays nothing but silence.
    """
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise InputError(f"sample rate {sample_rate}: FluidSynth takes {MIN_RATE} to {MAX_RATE} Hz")
    settings = {
        "synth.gain": GAIN,
        "synth.polyphony": POLYPHONY,
        "synth.dynamic-sample-loading": 1,
        "synth.reverb.active": int(reverb),
        "synth.chorus.active": int(chorus),
    }
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    command = [str(find_program()), "-r", str(sample_rate), *options]
    end = round(end_s * sample_rate)
    with ExitStack() as stack:
        players = [stack.enter_context(closing(_play(midi, soundfont, command, end))) for midi in midis]
        yield from _trimmed(_mixed(players), end, sample_rate, soundfont)


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    audio: int  # the end of the pipe that its audio comes out of
    log: Path

    def said(self) -> str:
        """All that it wrote to stderr, on one line."""
        return " ".join(self.log.read_text(errors="replace").split())

    def read(self, n_bytes: int) -> bytes:
        """As many bytes of audio, or all that are left."""
        data = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self.audio, selectors.EVENT_READ)
            while len(data) < n_bytes:
                if not selector.select(STALL_S):
                    raise PerfsynthError(f"fluidsynth has made no sound for {STALL_S:.0f} s; {self.said()}".rstrip())
                received = os.read(self.audio, n_bytes - len(data))
                if not received:
                    break
                data += received
        return bytes(data)


@contextmanager
def _running(midi: bytes, soundfont: Path, command: list[str]) -> Iterator[_Child]:
    """The program at work, and nothing of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="perfsynth-") as folder, ExitStack() as stack:
        score, log = Path(folder) / "performance.mid", Path(folder) / "log"
        score.write_bytes(midi)  # it cannot read a pipe
        # Quiet, it says nothing on stdout; its configuration files could change anything.
        output = ["-q", "-n", "-i", "-f", os.devnull, "-T", "raw", "-O", "float", "-F", "/dev/stdout"]
        process = stack.enter_context(
            subprocess.Popen(
                [*command, *output, str(soundfont), str(score)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stack.enter_context(log.open("wb")),
            )
        )
        stack.callback(process.kill)
        assert process.stdout is not None
        yield _Child(process, process.stdout.fileno(), log)


def _play(midi: bytes, soundfont: Path, command: list[str], end: int) -> Generator[np.ndarray, None, None]:
    """Blocks of one file, all of `BLOCK` samples but the last, until FluidSynth ends or the caller does."""
    n_samples = 0
    with _running(midi, soundfont, command) as child:
        while data := child.read(BLOCK * FRAME_BYTES):
            if n_samples == 0 and _SOUNDFONT_FAILED.search(child.said()):
                raise InputError(f"{soundfont}: FluidSynth cannot load this soundfont ({child.said()}); try another")
            block = np.frombuffer(data[: len(data) // FRAME_BYTES * FRAME_BYTES], "<f4").reshape(-1, CHANNELS)
            n_samples += len(block)
            yield block
        if n_samples < end:
            raise PerfsynthError(
                f"fluidsynth stopped after {n_samples} of {end} samples with status {child.process.wait()}; "
                f"{child.said() or 'it gave no reason'}"
            )


def _mixed(players: Sequence[Iterator[np.ndarray]]) -> Iterator[np.ndarray]:
    """The sum of several, as long as the longest."""
    playing = list(players)
    while blocks := [(player, block) for player in playing if (block := next(player, None)) is not None]:
        total = np.zeros((max(len(block) for _, block in blocks), CHANNELS), np.float32)
        for _, block in blocks:
            total[: len(block)] += block
        yield total
        playing = [player for player, _ in blocks]


def _trimmed(blocks: Iterator[np.ndarray], end: int, sample_rate: int, soundfont: Path) -> Iterator[np.ndarray]:
    """The blocks up to `end`, and the tail after it as far as it can be heard."""
    loudest, position = 0.0, 0
    for block in blocks:
        before, after = block[: max(0, end - position)], block[max(0, end - position) :]
        loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
        if len(before):
            yield before
        position += len(before)
        step = round(TAIL_STEP_S * sample_rate)
        for start in range(0, len(after), step):
            piece = after[start : start + step]
            fade = _fade(position - end, len(piece), sample_rate)
            is_over = np.abs(piece).max() < loudest * 10 ** (SILENCE_DB / 20)
            yield piece * np.minimum(fade, np.linspace(1, 0, len(piece), dtype=np.float32)[:, None] if is_over else 1)
            position += len(piece)
            if is_over or fade[-1] == 0:
                break
        else:
            continue
        break
    if loudest < NO_SOUND:
        raise PerfsynthError(f"{soundfont}: has no sound for any of these notes; try a General MIDI soundfont")


def _fade(since_end: int, n_samples: int, sample_rate: int) -> np.ndarray:
    """(n, 1) factors: 1, then down to 0 in the last `FADE_S` before `TAIL_S` is over."""
    seconds = (since_end + np.arange(n_samples, dtype=np.float32)) / sample_rate
    return np.clip((TAIL_S - seconds) / FADE_S, 0, 1)[:, None]
