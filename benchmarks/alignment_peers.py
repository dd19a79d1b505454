"""Other aligners on the truth set, run by the Python of an environment that holds them.

    PEERS/bin/python benchmarks/alignment_peers.py TRUTH [--soundfont SF2] [--systems synctoolbox,linmdtw,...]

It is called by ``benchmarks/alignment.py --peers``; it knows nothing of perfsynth. Every system gets the score at the
one tempo that makes it as long as the recording. synctoolbox (Müller, Özer, Krause, Prätzlich and Driedger, JOSS 2021)
makes features of the notes; the others hear a FluidSynth render of them: linmdtw (Tralie and Dempsey, ISMIR 2020) with
its own mixed features, librosa's chroma, and the constant-Q spectrograms of Deep Performer with librosa's time warping.
CPU seconds count all of it but the reading of the recording.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

RATE, FEATURE_HZ = 22050, 50
TICKS_HZ = 960  # of the MIDI files: 480 ticks of half a second
Aligner = Callable[[np.ndarray, np.ndarray], np.ndarray]  # recording (m,), notes (n, 3) -> onsets in s (n,)
soundfont = "/usr/share/sounds/sf2/FluidR3_GM.sf2"


def main() -> None:
    """Print a row for each piece and system, and one for each system with all pieces."""
    global soundfont
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--soundfont", default=soundfont)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    asked = parser.parse_args()
    soundfont = asked.soundfont
    warnings.simplefilter("ignore")
    systems = asked.systems.split(",")
    errors: dict[str, list[np.ndarray]] = {system: [] for system in systems}
    seconds: dict[str, list[float]] = {system: [] for system in systems}
    print("| piece | system | median ms | <=20 | <=50 | <=100 | CPU s |\n|---|---|---|---|---|---|---|")
    with suppress(KeyboardInterrupt):  # what is done by then is summed up
        for folder in sorted(path.parent for path in asked.truth.glob("*/truth.jsonl")):
            audio = recording(folder)
            notes, true_s = truth(folder, len(audio) / RATE)
            for system in systems:
                began = sum(os.times()[:4])
                error = SYSTEMS[system](audio, notes) - true_s
                seconds[system].append(sum(os.times()[:4]) - began)
                errors[system].append(error[np.isfinite(true_s)])
                figures = f"{row(errors[system][-1])} | {seconds[system][-1]:.1f}"
                print(f"| {folder.name[:28]} | {system} | {figures} |", flush=True)
    done = min(map(len, errors.values()))
    for system in systems:
        together = np.concatenate(errors[system][:done])
        cost = np.median(seconds[system][:done])
        print(f"| {done} pieces, {len(together)} notes | {system} | {row(together)} | {cost:.1f} |")


def truth(folder: Path, length_s: float) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3): score onset and end in s at one tempo, pitch; (n,) true onsets in s. Grace notes are left out."""
    lines = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()[1:]]
    kept = [line for line in lines if line["score_duration_beat"] > 0]
    beats = np.array([[line["score_onset_beat"], line["score_duration_beat"]] for line in kept])
    onset = beats[:, 0] - beats[:, 0].min()
    beat_s = length_s / (onset + beats[:, 1]).max()
    true = np.array([np.nan if line["onset_s"] is None else line["onset_s"] for line in kept], float)
    return np.stack([onset * beat_s, (onset + beats[:, 1]) * beat_s, [line["pitch"] for line in kept]], axis=1), true


def recording(folder: Path) -> np.ndarray:
    """(n,) at `RATE`."""
    import librosa

    return librosa.load(folder / "recording.flac", sr=RATE)[0]


def rendered(notes: np.ndarray, rate: int) -> np.ndarray:
    """(n,) at `rate`: the notes as FluidSynth plays them."""
    import librosa
    import mido

    ticks = np.rint(notes[:, :2] * TICKS_HZ).astype(int)
    events = [(on, 1, int(pitch)) for on, pitch in zip(ticks[:, 0], notes[:, 2], strict=True)]
    events += [(max(off - 1, on + 1), 0, int(p)) for (on, off), p in zip(ticks, notes[:, 2], strict=True)]
    file, track, now = mido.MidiFile(ticks_per_beat=480), mido.MidiTrack(), 0
    file.tracks.append(track)
    for tick, on, pitch in sorted(events):
        track.append(mido.Message("note_on", note=pitch, velocity=64 * on, time=int(tick - now)))
        now = tick
    with tempfile.TemporaryDirectory() as scratch:
        file.save(f"{scratch}/score.mid")
        options = ["-ni", "-g", "0.5", "-r", "44100", "-o", "synth.dynamic-sample-loading=1", "-F", f"{scratch}/s.wav"]
        line = ["fluidsynth", *options, soundfont, f"{scratch}/score.mid"]
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return librosa.load(f"{scratch}/s.wav", sr=rate)[0]


def transferred(path: np.ndarray, onset_s: np.ndarray, frame_s: float) -> np.ndarray:
    """Times in s of score times, by a path (k, 2) of recorded and written frames, ascending."""
    written, place = np.unique(path[:, 1], return_inverse=True)
    recorded = np.bincount(place, path[:, 0]) / np.bincount(place)
    return np.interp(onset_s, written * frame_s, recorded * frame_s)


def synctoolbox(audio: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Chroma and decaying onset features at the estimated tuning, by multi-resolution time warping."""
    import pandas
    from synctoolbox.dtw.mrmsdtw import sync_via_mrmsdtw
    from synctoolbox.dtw.utils import make_path_strictly_monotonic
    from synctoolbox.feature.chroma import pitch_to_chroma, quantize_chroma
    from synctoolbox.feature.csv_tools import df_to_pitch_features, df_to_pitch_onset_features
    from synctoolbox.feature.dlnco import pitch_onset_features_to_DLNCO
    from synctoolbox.feature.pitch import audio_to_pitch_features
    from synctoolbox.feature.pitch_onset import audio_to_pitch_onset_features
    from synctoolbox.feature.utils import estimate_tuning

    columns = {"start": notes[:, 0], "end": notes[:, 1], "duration": notes[:, 1] - notes[:, 0], "pitch": notes[:, 2]}
    table = pandas.DataFrame({**columns, "velocity": 0.5, "instrument": "piano"})
    heard = {"f_audio": audio, "Fs": RATE, "tuning_offset": estimate_tuning(audio, RATE), "verbose": False}
    pitches = [audio_to_pitch_features(**heard, feature_rate=FEATURE_HZ)]
    pitches.append(df_to_pitch_features(table, feature_rate=FEATURE_HZ))
    chroma = [quantize_chroma(f_chroma=pitch_to_chroma(f_pitch=pitch)) for pitch in pitches]
    peaks = [audio_to_pitch_onset_features(**heard), df_to_pitch_onset_features(table)]
    impulses = [
        pitch_onset_features_to_DLNCO(peak, feature_rate=FEATURE_HZ, feature_sequence_length=side.shape[1])
        for peak, side in zip(peaks, chroma, strict=True)
    ]
    path = sync_via_mrmsdtw(
        f_chroma1=chroma[0], f_onset1=impulses[0], f_chroma2=chroma[1], f_onset2=impulses[1],
        input_feature_rate=FEATURE_HZ, step_weights=np.array([1.5, 1.5, 2.0]), threshold_rec=10**6, verbose=False,
    )  # fmt: skip
    path = make_path_strictly_monotonic(path)
    return np.interp(notes[:, 0], path[1] / FEATURE_HZ, path[0] / FEATURE_HZ)


def linmdtw(audio: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Decaying onsets beside chroma as in its paper, every 23 ms, by exact time warping.

    Its way in linear memory fails on boxes whose sides add up to an odd number, which most alignments meet; so its
    own quadratic one is asked for, which finds the same path.
    """
    import scipy.ndimage

    sys.modules["scipy.ndimage.filters"] = scipy.ndimage  # its name when the library was written
    from linmdtw import linmdtw as warp
    from linmdtw.audiotools import get_mixed_DLNC0_CENS

    hop = 512
    sides = [get_mixed_DLNC0_CENS(side, RATE, hop).astype(np.float32) for side in (audio, rendered(notes, RATE))]
    path = np.asarray(warp(*sides, min_dim=sys.maxsize, do_gpu=False)[1])
    return transferred(path, notes[:, 0], hop / RATE)


def librosa_chroma(audio: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Smoothed chroma every 23 ms, exact time warping of the whole matrix."""
    import librosa

    hop = 512
    sides = [librosa.feature.chroma_cens(y=side, sr=RATE, hop_length=hop) for side in (audio, rendered(notes, RATE))]
    path = librosa.sequence.dtw(*sides, metric="cosine")[1][::-1]
    return transferred(path, notes[:, 0], hop / RATE)


def deep_performer(audio: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Constant-Q spectrograms in dB of 16 kHz audio, hop 512, 3 bins a semitone (Dong et al., ICASSP 2022)."""
    import librosa

    rate, hop = 16000, 512
    sides = [
        librosa.amplitude_to_db(
            np.abs(librosa.cqt(side, sr=rate, hop_length=hop, fmin=130.81, n_bins=180, bins_per_octave=36)), ref=np.max
        )
        for side in (librosa.resample(audio, orig_sr=RATE, target_sr=rate), rendered(notes, rate))
    ]
    path = librosa.sequence.dtw(*sides)[1][::-1]
    return transferred(path, notes[:, 0], hop / rate)


SYSTEMS: dict[str, Aligner] = {
    "synctoolbox": synctoolbox,
    "linmdtw": linmdtw,
    "librosa chroma": librosa_chroma,
    "deep performer": deep_performer,
}


def row(error: np.ndarray) -> str:
    """Median and shares."""
    size_ms = 1000 * np.abs(error)
    return " | ".join([f"{np.median(size_ms):.1f}", *(f"{100 * np.mean(size_ms <= w):.1f}" for w in (20, 50, 100))])


if __name__ == "__main__":
    main()
