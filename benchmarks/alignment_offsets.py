"""Fit the two networks of the aligner that tell when keys go up and when notes stop sounding.

    python benchmarks/alignment_offsets.py keys TRUTH [TRUTH ...] -o perfsynth/pretrained/align-offsets
    python benchmarks/alignment_offsets.py soundings TRUTH [TRUTH ...] -o perfsynth/pretrained/align-offsets
    python benchmarks/alignment_offsets.py test TRUTH [TRUTH ...]

Soundings are fitted on the releases of keys that the first network finds, so after it. TRUTH is what
``benchmarks/alignment_truth.py`` builds; only tuning sets are to be fitted on. ``test`` fits on three quarters of the
pieces and prints the share of ends within 50 ms or a fifth of the length on the others, four times, so that each piece
is among the others once.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from alignment import load
from alignment_truth import RATE

from perfsynth.align import offsets, sound_offs
from perfsynth.align.bands import Bands, bands, mono
from perfsynth.align.core import align
from perfsynth.align.evidence import OnsetModel
from perfsynth.types import Audio, Score

RIGHT_S = 0.1  # of an onset: what lies farther off teaches nothing
ALLOWED_S, ALLOWED = 0.05, 0.2
FILES = {"keys": "model", "soundings": "sounding"}
HIDDEN = {"keys": 32, "soundings": 24}
EPOCHS, BATCH, RATE_OF_LEARNING, DECAY = 24, 256, 4e-3, 1e-3
FOLDS = 4


@dataclass(frozen=True)
class Ends:
    """Candidates for the ends of n notes: what is known of each, when after the onset it is, and the truth."""

    seen: np.ndarray  # (n, w, n_inputs)
    after_s: np.ndarray  # (n, w)
    true_s: np.ndarray  # (n,)

    @property
    def right(self) -> np.ndarray:
        """Which candidates are near enough, (n, w)."""
        allowed = np.maximum(ALLOWED_S, ALLOWED * self.true_s)[:, None]
        return np.asarray(np.abs(self.after_s - self.true_s[:, None]) <= allowed)


def main() -> None:
    """Fit or test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(*HIDDEN, "test"))
    parser.add_argument("truth", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path)
    asked = parser.parse_args()
    folders = sorted(folder.parent for truth in asked.truth for folder in truth.glob("*/truth.jsonl"))
    found = [ends_of(folder) for folder in folders]
    if asked.what == "test":
        for kind in HIDDEN:
            tested(kind, [ends[kind] for ends in found])
    else:
        model = fitted([ends[asked.what] for ends in found], HIDDEN[asked.what])
        write(model, asked.out / f"{FILES[asked.what]}.safetensors")


def ends_of(folder: Path) -> dict[str, Ends]:
    """The candidates of both networks for the notes of a piece that were found."""
    case = load(folder)
    heard = bands(mono(Audio(case.audio[:, None].astype(np.float32), RATE)))
    aligned = align(Audio(case.audio[:, None].astype(np.float32), RATE), case.score).notes
    place = {str(note["note_id"]): row for row, note in enumerate(case.score.notes)}
    order = np.array([place[str(note["note_id"])] for note in aligned])
    true_s = case.answers[0][order]
    good = np.abs(aligned["onset_s"] - true_s) < RIGHT_S
    return {
        "keys": keys(heard, case.score, aligned, good, case.length_s[order]),
        "soundings": soundings(heard, aligned, good, case.sounding_s[order]),
    }


def keys(heard: Bands, score: Score, aligned: np.ndarray, good: np.ndarray, length_s: np.ndarray) -> Ends:
    """Candidates for the releases of keys."""
    notes = np.sort(score.notes, order=["onset_beat", "pitch"])
    onset_s = aligned["onset_s"]
    written_s = offsets._written_end_s(notes, onset_s)
    seen, times = offsets._seen(heard.levels, aligned["pitch"].astype(int), onset_s, written_s, np.unique(onset_s))
    return Ends(seen[good], (times - onset_s[:, None])[good], length_s[good])


def soundings(heard: Bands, aligned: np.ndarray, good: np.ndarray, sounding_s: np.ndarray) -> Ends:
    """Candidates for the ends of sounds."""
    pitch, onset_s = aligned["pitch"].astype(int), aligned["onset_s"]
    again_s = sound_offs.struck_again_s(pitch, onset_s)
    falls = sound_offs.overall_falls(heard.levels)
    seen, times = sound_offs.described(
        heard.levels, falls, pitch, onset_s, aligned["offset_s"], again_s, np.unique(onset_s)
    )
    return Ends(seen[good], (times - onset_s[:, None])[good], sounding_s[good])


def fitted(pieces: list[Ends], hidden: int) -> OnsetModel:
    """A network whose candidates that are right have the most probability together."""
    import torch

    torch.manual_seed(0)
    seen = torch.from_numpy(np.concatenate([piece.seen for piece in pieces]))
    right = torch.from_numpy(np.concatenate([piece.right for piece in pieces]))
    network = torch.nn.Sequential(torch.nn.Linear(seen.shape[-1], hidden), torch.nn.SiLU(), torch.nn.Linear(hidden, 1))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE_OF_LEARNING, weight_decay=DECAY)
    seen, right = seen[right.any(dim=1)], right[right.any(dim=1)]
    steps = EPOCHS * (len(seen) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE_OF_LEARNING, total_steps=steps)
    for step in range(steps):
        if step % (len(seen) // BATCH) == 0:
            order = torch.randperm(len(seen))
        rows = order[step % (len(seen) // BATCH) * BATCH :][:BATCH]
        share = torch.log_softmax(network(seen[rows]).squeeze(-1), dim=1)
        loss = -torch.logsumexp(share.masked_fill(~right[rows], -30.0), dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return OnsetModel(*(p.detach().numpy() for p in network.parameters()))


def tested(kind: str, pieces: list[Ends]) -> None:
    """Print the share of right ends on pieces that were not fitted on."""
    hits: list[np.ndarray] = []
    for fold in range(FOLDS):
        model = fitted([piece for row, piece in enumerate(pieces) if row % FOLDS != fold], HIDDEN[kind])
        for piece in pieces[fold::FOLDS]:
            best = offsets.likeliest(model(piece.seen), piece.after_s)
            hits.append(piece.right[np.arange(len(best)), best])
    every = np.concatenate(hits)
    print(
        f"{kind}: {100 * every.mean():.1f} % of {len(every)} ends, pieces {100 * np.mean([h.mean() for h in hits]):.1f}"
    )


def write(model: OnsetModel, path: Path) -> None:
    """Save a network."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: getattr(model, name) for name in OnsetModel.__dataclass_fields__}, path)


if __name__ == "__main__":
    main()
