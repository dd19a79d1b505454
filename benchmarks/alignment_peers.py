"""Other aligners on the truth set, run by the Python of an environment that holds them: synctoolbox.

    PEERS/bin/python benchmarks/alignment_peers.py TRUTH

It is called by ``benchmarks/alignment.py --peers``; it knows nothing of perfsynth. synctoolbox (Müller, Özer, Krause,
Prätzlich and Driedger, JOSS 2021) aligns chroma and decaying onset features by multi-resolution time warping.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

RATE, FEATURE_HZ = 22050, 50


def main() -> None:
    """Print a row of the table for each piece and one for all."""
    print("\n## synctoolbox\n\n| piece | median ms | <=20 | <=50 | <=100 | CPU s |\n|---|---|---|---|---|---|")
    pooled = []
    for folder in sorted(path.parent for path in Path(sys.argv[1]).glob("*/truth.jsonl")):
        notes, audio = truth(folder), recording(folder)
        began = time.process_time()
        error = synctoolbox(audio, notes) - notes[:, 3]
        seconds = time.process_time() - began
        pooled.append(error[np.isfinite(error)])
        print(f"| {folder.name[:28]} | {row(pooled[-1])} | {seconds:.1f} |", flush=True)
    print(f"| all, {sum(map(len, pooled))} notes | {row(np.concatenate(pooled))} | |")


def truth(folder: Path) -> np.ndarray:
    """(n, 4): score onset and end in s at one tempo, pitch, true onset in s; grace notes left out."""
    lines = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()[1:]]
    kept = [line for line in lines if line["score_duration_beat"] > 0]
    beats = np.array([[line["score_onset_beat"], line["score_duration_beat"]] for line in kept])
    onset = beats[:, 0] - beats[:, 0].min()
    beat_s = 100.0 / (onset + beats[:, 1]).max()
    true = [np.nan if line["onset_s"] is None else line["onset_s"] for line in kept]
    return np.stack([onset * beat_s, (onset + beats[:, 1]) * beat_s, [line["pitch"] for line in kept], true], axis=1)


def recording(folder: Path) -> np.ndarray:
    """(n,) at `RATE`."""
    import librosa

    return librosa.load(folder / "recording.flac", sr=RATE)[0]


def synctoolbox(audio: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Onset times in s, by chroma and decaying onset features."""
    import pandas
    from synctoolbox.dtw.mrmsdtw import sync_via_mrmsdtw
    from synctoolbox.dtw.utils import make_path_strictly_monotonic
    from synctoolbox.feature.chroma import pitch_to_chroma, quantize_chroma
    from synctoolbox.feature.csv_tools import df_to_pitch_features, df_to_pitch_onset_features
    from synctoolbox.feature.dlnco import pitch_onset_features_to_DLNCO
    from synctoolbox.feature.pitch import audio_to_pitch_features
    from synctoolbox.feature.pitch_onset import audio_to_pitch_onset_features

    columns = {"start": notes[:, 0], "end": notes[:, 1], "duration": notes[:, 1] - notes[:, 0], "pitch": notes[:, 2]}
    table = pandas.DataFrame({**columns, "velocity": 0.5, "instrument": "piano"})
    played = audio_to_pitch_features(f_audio=audio, Fs=RATE, tuning_offset=0, feature_rate=FEATURE_HZ, verbose=False)
    chroma = [quantize_chroma(f_chroma=pitch_to_chroma(f_pitch=played))]
    onsets = audio_to_pitch_onset_features(f_audio=audio, Fs=RATE, tuning_offset=0, verbose=False)
    impulses = [
        pitch_onset_features_to_DLNCO(onsets, feature_rate=FEATURE_HZ, feature_sequence_length=chroma[0].shape[1])
    ]
    written = df_to_pitch_features(table, feature_rate=FEATURE_HZ)
    chroma.append(quantize_chroma(f_chroma=pitch_to_chroma(f_pitch=written)))
    peaks = df_to_pitch_onset_features(table)
    impulses.append(
        pitch_onset_features_to_DLNCO(peaks, feature_rate=FEATURE_HZ, feature_sequence_length=chroma[1].shape[1])
    )
    path = sync_via_mrmsdtw(
        f_chroma1=chroma[0], f_onset1=impulses[0], f_chroma2=chroma[1], f_onset2=impulses[1],
        input_feature_rate=FEATURE_HZ, step_weights=np.array([1.5, 1.5, 2.0]), threshold_rec=10**6, verbose=False,
    )  # fmt: skip
    path = make_path_strictly_monotonic(path)
    return np.interp(notes[:, 0], path[1] / FEATURE_HZ, path[0] / FEATURE_HZ)


def row(error: np.ndarray) -> str:
    """Median and shares."""
    size_ms = 1000 * np.abs(error)
    return " | ".join([f"{np.median(size_ms):.1f}", *(f"{100 * np.mean(size_ms <= w):.1f}" for w in (20, 50, 100))])


if __name__ == "__main__":
    main()
