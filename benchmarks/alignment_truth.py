"""Recordings whose every note is known: human performances on a sampled piano, half of them degraded.

    python benchmarks/alignment_truth.py CORPUS OUT --samples SALAMANDER
        [--set final|tuning|more-tuning|fresh-final|dry-tuning|steady-tuning]

CORPUS is what `perfsynth data nasap prepare` makes. Of each piece: the first 100 s of one performance as
``recording.flac``, the score to there as ``score.mid`` at one tempo, the true times as ``truth.jsonl``. Every second
piece is heard through reverberation, a low-pass at 5 kHz and pink noise at -22 dB. The pieces of ``final`` are of the
validation split and those of ``tuning`` of the training split; nothing is to be tuned on the former. Twenty more of
the training split are ``more-tuning``, and twelve more of the other two ``fresh-final``: drawn by `SEED`, one of each
composer in turn, none of them music that another set has. ``dry-tuning`` and ``steady-tuning`` are slow and
contrapuntal pieces of the training split: as they were played, but without the pedal, and as they are written, without
it too, at a tempo drawn for each piece, keys held for a share of what is written that is drawn too.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import signal

from perfsynth.data import pieces
from perfsynth.expression import played_notes, sound_offs_s
from perfsynth.formats.audio import audio_bytes
from perfsynth.formats.jsonl import write_jsonl
from perfsynth.synth.core import synthesize
from perfsynth.types import ALIGNED_NOTE, PERFORMED_NOTE, TEMPO, Alignment, Audio, Performance, Score

LENGTH_S = 100.0
RATE = 44100
REVERBERATION_S = 1.4
WET_DB, NOISE_DB, LOW_PASS_HZ = -9.0, -22.0, 5000.0
FINAL = (
    "Bach/Fugue/bwv_846",
    "Bach/Prelude/bwv_875",
    "Beethoven/Piano_Sonatas/11-1",
    "Beethoven/Piano_Sonatas/18-2_no_repeat",
    "Beethoven/Piano_Sonatas/31-2",
    "Chopin/Barcarolle",
    "Chopin/Etudes_op_10/10",
    "Chopin/Etudes_op_10/3",
    "Chopin/Etudes_op_25/1",
    "Haydn/Keyboard_Sonatas/50-1_no_repeat",
    "Schubert/Impromptu_op.90_D.899/3",
    "Scriabin/Sonatas/5",
)
LEGATO = (
    *(f"Bach/Fugue/bwv_{number}" for number in (857, 858, 862, 863, 867, 868, 873, 874, 876, 880, 884, 885, 891, 892)),
    *(f"Bach/Prelude/bwv_{number}" for number in (854, 865, 867, 889, 891)),
    "Beethoven/Piano_Sonatas/8-2",
    "Beethoven/Piano_Sonatas/21-2",
    "Schubert/Piano_Sonatas/664-2",
    "Schumann/Kreisleriana/4",
    "Schumann/Kreisleriana/6",
)
QUARTER_BPM, HELD = (35.0, 210.0), (0.7, 1.0)  # of the steady ones
MORE_TUNING, FRESH_FINAL, SEED = 20, 12, 5
VERSIONS = ("_repeat", "_no_repeat", "_no_trio")  # of one piece
TUNING_COMPOSERS = 12  # one piece each of as many composers of the training split as there are, then more of the first


def main() -> None:
    """Build a truth set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", required=True)
    parser.add_argument("--set", choices=SETS, default="final")
    asked = parser.parse_args()
    chosen = SETS[asked.set](asked.corpus)
    for number, entry in enumerate(chosen):
        folder = asked.out / entry.piece.replace("/", "__")
        if not (folder / "truth.jsonl").exists():
            piece = pieces.load(asked.corpus / entry.path)
            played = PLAYED.get(asked.set, as_played)(piece, np.random.default_rng([SEED, number]))
            build(piece, played, folder, asked.samples, degraded=number % 2 == 1)
        print(folder, flush=True)


def final(corpus: Path) -> list[pieces.Entry]:
    """The pieces looked at once."""
    entries = {entry.piece: entry for entry in pieces.read_manifest(corpus) if entry.path}
    return [entries[piece] for piece in FINAL]


def tuning(corpus: Path) -> list[pieces.Entry]:
    """Other pieces: of each composer in turn, the one in the middle of the list."""
    entries = [entry for entry in pieces.read_manifest(corpus) if entry.split == "train" and entry.path]
    composers: dict[str, list[pieces.Entry]] = {}
    for entry in entries:
        composers.setdefault(entry.composer, []).append(entry)
    chosen = [of[len(of) // 2] for of in composers.values()]
    for of in composers.values():
        chosen += of[:1] if len(of) > 3 else []
    return chosen[:TUNING_COMPOSERS]


def more_tuning(corpus: Path) -> list[pieces.Entry]:
    """Twenty other pieces to tune on."""
    return drawn(corpus, ("train",), MORE_TUNING)


def fresh_final(corpus: Path) -> list[pieces.Entry]:
    """Twelve other pieces to look at once."""
    return drawn(corpus, ("valid", "test"), FRESH_FINAL)


def legato(corpus: Path) -> list[pieces.Entry]:
    """Slow and contrapuntal pieces to tune on."""
    entries = {entry.piece: entry for entry in pieces.read_manifest(corpus) if entry.split == "train" and entry.path}
    return [entries[piece] for piece in LEGATO]


def drawn(corpus: Path, splits: tuple[str, ...], number: int) -> list[pieces.Entry]:
    """Pieces of some splits that neither `final` nor `tuning` has, of each composer in turn."""
    taken = {music(entry) for entry in final(corpus) + tuning(corpus)}
    entries = [entry for entry in pieces.read_manifest(corpus) if entry.split in splits and entry.path]
    order = np.random.default_rng(SEED).permutation(len(entries))
    composers: dict[str, list[pieces.Entry]] = {}
    for entry in (entries[place] for place in order):
        if music(entry) not in taken:
            taken.add(music(entry))
            composers.setdefault(entry.composer, []).append(entry)
    turns = [(turn, name, entry) for name, of in composers.items() for turn, entry in enumerate(of)]
    return [entry for _, _, entry in sorted(turns, key=lambda one: one[:2])][:number]


def music(entry: pieces.Entry) -> str:
    """What the versions of a piece have in common."""
    return re.sub(f"({'|'.join(VERSIONS)})$", "", entry.piece)


SETS = {
    "final": final,
    "tuning": tuning,
    "more-tuning": more_tuning,
    "fresh-final": fresh_final,
    "dry-tuning": legato,
    "steady-tuning": legato,
}


def build(piece: pieces.Piece, performance: Performance, folder: Path, samples: str, *, degraded: bool) -> None:
    """Write the files of a piece."""
    score, truth = cut(piece.scores["musicxml"], performance)
    audio = record(performance, samples)
    if degraded:
        audio = degrade(audio, seed=len(piece.name))
    folder.mkdir(parents=True, exist_ok=True)
    sound = Audio(audio[:, None].astype(np.float32), RATE)
    (folder / "recording.flac").write_bytes(audio_bytes(sound, format="flac", subtype="PCM_16"))
    np.save(folder / "score.npy", score.notes)
    (folder / "score.mid").write_bytes(midi(score))
    (folder / "truth.jsonl").write_bytes(write_jsonl(truth))


def as_played(piece: pieces.Piece, random: np.random.Generator) -> Performance:
    """The first performance, its first 100 s."""
    performance = next(iter(piece.performances.values()))
    notes, controls = performance.notes, performance.controls
    return replace(
        performance, notes=notes[notes["onset_s"] < LENGTH_S - 2], controls=controls[controls["time_s"] < LENGTH_S]
    )


def dry(piece: pieces.Piece, random: np.random.Generator) -> Performance:
    """The same without pedals."""
    performance = as_played(piece, random)
    return replace(performance, controls=performance.controls[:0])


def steady(piece: pieces.Piece, random: np.random.Generator) -> Performance:
    """The score at one tempo, each key held for the same share of what is written, velocities drawn; no pedal."""
    quarter_s = 60 / np.exp(random.uniform(*np.log(QUARTER_BPM)))
    return steadily(piece.scores["musicxml"], quarter_s, random.uniform(*HELD), random)


def steadily(score: Score, quarter_s: float, held: float, random: np.random.Generator) -> Performance:
    """A score without its grace notes at one tempo, as far as it goes in 100 s."""
    written = score.notes[score.notes["duration_beat"] > 0]
    notes = np.zeros(len(written), PERFORMED_NOTE)
    notes["note_id"], notes["pitch"] = written["note_id"], written["pitch"]
    notes["onset_s"] = 0.5 + quarter_s * (written["onset_beat"] - written["onset_beat"].min())
    notes["duration_s"] = held * quarter_s * written["duration_beat"]
    notes["velocity"] = random.integers(40, 90, len(notes))
    return Performance(notes[notes["onset_s"] < LENGTH_S - 2])


PLAYED = {"dry-tuning": dry, "steady-tuning": steady}


def cut(score: Score, performance: Performance) -> tuple[Score, Alignment]:
    """The score as far as it was played, at one tempo, and when each of its notes was."""
    row = played_notes(score, performance)
    last = score.notes["onset_beat"][row >= 0].max()
    inside = score.notes["onset_beat"] <= last + 1e-6
    notes, row = score.notes[inside], row[inside]
    beats = last - notes["onset_beat"].min()
    tempos = np.array([(min(0.0, notes["onset_beat"].min()), 60 * beats / LENGTH_S)], TEMPO)
    played = performance.notes[row]
    truth = np.zeros(len(notes), ALIGNED_NOTE)
    for field in ("note_id", "pitch"):
        truth[field] = notes[field]
    truth["score_onset_beat"], truth["score_duration_beat"] = notes["onset_beat"], notes["duration_beat"]
    truth["onset_s"] = np.where(row >= 0, played["onset_s"], np.nan)
    truth["offset_s"] = np.where(row >= 0, played["onset_s"] + played["duration_s"], np.nan)
    truth["sound_off_s"] = np.where(row >= 0, np.minimum(sound_offs_s(performance)[row], LENGTH_S), np.nan)
    truth["sound_off_s"] = np.maximum(truth["sound_off_s"], truth["offset_s"])
    truth["confidence"], truth["status"] = row >= 0, np.where(row >= 0, "matched", "unplayed")
    plain = {field: getattr(score, field)[:0] for field in ("directions", "slurs", "measures", "keys")}
    return replace(score, notes=notes, tempos=tempos, **plain), Alignment(truth)


def record(performance: Performance, samples: str) -> np.ndarray:
    """(n,) float, peak 0.5."""
    sound = synthesize(performance, engine="sampler", samples=samples, sample_rate=RATE).audio()
    audio = sound.samples.mean(axis=1)[: round(LENGTH_S * RATE)]
    return 0.5 * audio / np.abs(audio).max()


def degrade(audio: np.ndarray, *, seed: int) -> np.ndarray:
    """The same through a room, a telephone line and noise."""
    random = np.random.default_rng(seed)
    wet = low_pass(reverberate(audio, random))
    wet += pink(len(wet), random) * np.sqrt(np.mean(wet**2)) * 10 ** (NOISE_DB / 20)
    return np.asarray(0.5 * wet / np.abs(wet).max())


def reverberate(audio: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same in a room of `REVERBERATION_S`, its tail `WET_DB` above what comes directly."""
    length = round(REVERBERATION_S * RATE)
    tail = random.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail[: round(0.008 * RATE)] = 0
    tail *= 10 ** (WET_DB / 20) / np.sqrt(np.sum(tail**2))
    return np.asarray(audio + signal.oaconvolve(audio, tail)[: len(audio)])


def low_pass(audio: np.ndarray) -> np.ndarray:
    """The same without what lies above `LOW_PASS_HZ`."""
    return np.asarray(signal.sosfilt(signal.butter(6, LOW_PASS_HZ, fs=RATE, output="sos"), audio))


def pink(n: int, random: np.random.Generator) -> np.ndarray:
    """(n,) noise of unit power that falls by 3 dB an octave."""
    spectrum = np.fft.rfft(random.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(noise / noise.std())


def midi(score: Score) -> bytes:
    """The score as a MIDI file of one tempo, for programs that read no other."""
    import io

    import mido

    ticks = 480
    first = min(0.0, float(score.notes["onset_beat"].min()))
    events = []
    for note in score.notes[score.notes["grace"] == 0]:
        on = round((note["onset_beat"] - first) * ticks)
        off = max(on + 1, round((note["onset_beat"] + note["duration_beat"] - first) * ticks) - 1)
        events += [(on, 1, int(note["pitch"])), (off, 0, int(note["pitch"]))]
    file, track = mido.MidiFile(ticks_per_beat=ticks), mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / float(score.tempos["quarter_bpm"][0]))))
    now = 0
    for tick, on, pitch in sorted(events):
        track.append(mido.Message("note_on", note=pitch, velocity=64 * on, time=tick - now))
        now = tick
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


if __name__ == "__main__":
    main()
