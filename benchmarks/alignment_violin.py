"""Both methods of ``align`` beside the published alignments of the Bach Violin Dataset, and a witness of all three.

    python benchmarks/alignment_violin.py BACH_VIOLIN [--only NAME,NAME]

BACH_VIOLIN holds ``audio``, ``notes``, ``alignments`` and ``info.csv`` as they are published (Dong et al. 2022). The
published times are estimates on a grid of 32 ms, not truth. The witness knows neither pitches nor scores: how fast the
energy of 80 mel bands rises. Its mean around the onsets of a method, by the lag from them, is the higher and the
narrower the better the method knows where sounds begin; where it is highest says how late or early its times are.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from perfsynth import formats
from perfsynth.align.core import align
from perfsynth.cli.align import rendered
from perfsynth.types import SCORE_NOTE, TEMPO, Audio, Score

TICKS, QUARTER_BPM = 24, 90.0  # of a quarter note in the published notes; any steady tempo will do
FRAME_S = 0.032
RATE, HOP, N_FFT = 22050, 128, 1024
LAGS = np.arange(-60, 61)  # hops


def main() -> None:
    """Print a row for each recording, then what the witness says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    names = asked.only.split(",") if asked.only else sorted(path.stem for path in asked.data.glob("alignments/*/*.csv"))
    said = []
    print("| recording | notes | method | <=100 ms | to the frame | within a frame | ends within a frame | median ms |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        audio, score, published = load(asked.data, name)
        rises = risen(audio)
        onsets = {"published": published[:, 0]}
        for method in ("production", "deep-performer"):
            found = align(audio, score, method=method, render=rendered).notes  # type: ignore[arg-type]
            order = np.argsort([int(note_id) for note_id in found["note_id"]])
            onsets[method] = found["onset_s"][order]
            print(f"| {name} | {len(published)} | {method} | {compared(found[order], published)} |", flush=True)
        first = np.unique(score.notes["onset_beat"], return_index=True)[1]
        said += [f"| {name} | {of} | {witness(rises, times[first])} |" for of, times in onsets.items()]
    print(
        "\n| recording | onsets | mean rise, standard deviations | at ms | half as high for ms |\n|---|---|---|---|---|"
    )
    print("\n".join(said))


def load(data: Path, name: str) -> tuple[Audio, Score, np.ndarray]:
    """A recording cut to its excerpt, its score, and (n, 2) published onsets and ends in s."""
    with (data / "info.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["filename"] == name)
    begin, end = (
        sum(int(x) * k for x, k in zip(row[of].split(":"), (3600, 60, 1), strict=True)) for of in ("start", "end")
    )
    path = next(data.glob(f"audio/*/{name}.*"))
    audio = formats.read_audio(path.read_bytes(), name=path.name)
    cut = Audio(audio.samples[begin * audio.sample_rate : end * audio.sample_rate], audio.sample_rate)
    table, published = (
        np.loadtxt(next(data.glob(f"{of}/*/{name}.csv")), delimiter=",", skiprows=1) for of in ("notes", "alignments")
    )
    notes = np.zeros(len(table), SCORE_NOTE)
    notes["note_id"] = [str(index) for index in range(len(table))]
    notes["onset_beat"], notes["duration_beat"] = table[:, 0] / TICKS, (table[:, 1] - table[:, 0]) / TICKS
    notes["pitch"], notes["velocity"] = table[:, 2], 64
    return cut, Score(notes, tempos=np.array([(0.0, QUARTER_BPM)], TEMPO)), published


def compared(found: np.ndarray, published: np.ndarray) -> str:
    """The figures of a row of the first table."""
    error = np.nan_to_num(found["onset_s"] - published[:, 0], nan=np.inf)
    ends = np.nan_to_num(found["offset_s"] - published[:, 1], nan=np.inf)
    shares = [
        np.mean(np.abs(of) <= limit + 1e-3)
        for of, limit in ((error, 0.1), (error, 0.0), (error, FRAME_S), (ends, FRAME_S))
    ]
    return f"{' | '.join(f'{100 * share:.1f}' for share in shares)} | {1000 * np.median(error):.0f}"


def risen(audio: Audio) -> np.ndarray:
    """(n,): how much louder 80 mel bands get over four hops, in standard deviations."""
    import librosa

    mono = librosa.resample(audio.samples.mean(axis=1), orig_sr=audio.sample_rate, target_sr=RATE)
    power = librosa.feature.melspectrogram(y=mono, sr=RATE, hop_length=HOP, n_fft=N_FFT, n_mels=80)
    loud = np.log1p(1000 * power / power.max())
    rise = np.pad(np.maximum(loud[:, 4:] - loud[:, :-4], 0).mean(axis=0), 2)
    return np.asarray((rise - rise.mean()) / rise.std())


def witness(rises: np.ndarray, onset_s: np.ndarray) -> str:
    """The figures of a row of the second table."""
    places = np.rint(onset_s[np.isfinite(onset_s)] * RATE / HOP).astype(int)
    places = places[(places >= -LAGS[0]) & (places < len(rises) - LAGS[-1])]
    mean = rises[places[:, None] + LAGS].mean(axis=0)
    hop_ms = 1000 * HOP / RATE
    best = int(mean.argmax())
    return f"{mean[best]:.2f} | {LAGS[best] * hop_ms:+.0f} | {hop_ms * (mean > mean[best] / 2).sum():.0f}"


if __name__ == "__main__":
    main()
