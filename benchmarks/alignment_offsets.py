"""Fit the two networks of the aligner that tell when keys go up and when notes stop sounding.

    python benchmarks/alignment_offsets.py keys TRUTH [TRUTH ...] -o perfsynth/pretrained/align-offsets
    python benchmarks/alignment_offsets.py soundings TRUTH [TRUTH ...] -o perfsynth/pretrained/align-offsets
    python benchmarks/alignment_offsets.py test TRUTH [TRUTH ...]

Soundings are fitted on the releases of keys that the first network finds, so after it. TRUTH is what
``benchmarks/alignment_truth.py`` builds; only tuning sets are to be fitted on. ``test`` fits on three quarters of the
pieces and prints the share of ends within 50 ms or a fifth of the length on the others, four times, so that each piece
is among the others once, in whichever set it is: a row for each set, with the median error of all ends and of those of
notes longer than 0.4 s.
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
from perfsynth.align.bands import Bands
from perfsynth.align.ends import likeliest_s, struck_again_s
from perfsynth.align.onsets import onsets
from perfsynth.align.perceptron import Perceptron
from perfsynth.errors import InputError
from perfsynth.evaluate.alignment import tolerance_s
from perfsynth.types import Audio

RIGHT_S = 0.1  # of an onset: what lies farther off teaches nothing
SPREAD = 0.08  # of what the network is to believe around the true end, as a share of the length
SHORTEST_S = 0.02
LONG_S = 0.4
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
    def share(self) -> np.ndarray:
        """What the network is to believe, (n, w): a bell around the true end; nothing where no candidate is right."""
        true_s = np.maximum(self.true_s, SHORTEST_S)[:, None]
        odds = np.log(np.maximum(self.after_s, SHORTEST_S) / true_s) / SPREAD
        bell = (np.exp(-0.5 * odds**2) + 1e-9) * right(self.after_s, self.true_s[:, None])
        return np.asarray(bell / np.maximum(bell.sum(axis=1, keepdims=True), 1e-12), np.float32)

    def of(self, rows: np.ndarray) -> Ends:
        """Some of the notes."""
        return Ends(self.seen[rows], self.after_s[rows], self.true_s[rows])


def right(after_s: np.ndarray, true_s: np.ndarray) -> np.ndarray:
    """Which times after the onset are near enough to the true ones."""
    return np.asarray(np.abs(after_s - true_s) <= tolerance_s(true_s))


def main() -> None:
    """Fit or test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(*HIDDEN, "test"))
    parser.add_argument("truth", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path)
    asked = parser.parse_args()
    folders = sorted(folder.parent for truth in asked.truth for folder in truth.glob("*/truth.jsonl"))
    found = {folder: piece for folder in folders if (piece := found_of(folder)) is not None}
    for kind in HIDDEN if asked.what == "test" else (asked.what,):
        ends = {folder: CANDIDATES[kind](piece) for folder, piece in found.items()}
        if asked.what == "test":
            tested(kind, ends)
        else:
            fitted(list(ends.values()), HIDDEN[kind]).save(asked.out / f"{FILES[kind]}.safetensors")


@dataclass(frozen=True)
class Found:
    """The notes of a piece that are played and found, (n,), and what is true of them.

    Attributes
    ----------
    heard
        The recording.
    notes : `SCORE_NOTE`
        Sorted by onset, then pitch.
    onset_s
        As found.
    good : bool
        Whether that is right enough to teach something.
    length_s, sounding_s
        How long their keys are down and how long they sound.
    """

    heard: Bands
    notes: np.ndarray
    onset_s: np.ndarray
    good: np.ndarray
    length_s: np.ndarray
    sounding_s: np.ndarray


def found_of(folder: Path) -> Found | None:
    """The onsets of a piece, for which no network that is fitted here is asked; None where it is refused."""
    case = load(folder)
    try:
        found = onsets(Audio(case.audio[:, None].astype(np.float32), RATE), case.score)
    except InputError as error:
        print(f"{folder}: {error}", file=sys.stderr)
        return None
    place = {str(note["note_id"]): row for row, note in enumerate(case.score.notes)}
    played = np.isfinite(found.onset_s)
    notes, onset_s = found.notes[played], found.onset_s[played]
    order = np.array([place[str(note["note_id"])] for note in notes])
    good = np.abs(onset_s - case.answers[0][order]) < RIGHT_S
    return Found(found.heard, notes, onset_s, good, case.length_s[order], case.sounding_s[order])


def keys(found: Found) -> Ends:
    """Candidates for the releases of keys."""
    around = offsets.surroundings(found.heard.levels, found.notes, found.onset_s, semitones=0)
    seen, times = offsets.described(found.heard.levels, around, slice(None))
    return Ends(seen, times - found.onset_s[:, None], found.length_s).of(found.good)


def soundings(found: Found) -> Ends:
    """Candidates for the ends of sounds, after the releases that the network that ships finds."""
    pitch, onset_s, levels = found.notes["pitch"].astype(int), found.onset_s, found.heard.levels
    up_s = offsets.key_up_s(found.heard, found.notes, onset_s, semitones=0)
    again_s = struck_again_s(pitch, onset_s)
    falls = sound_offs.overall_falls(levels)
    seen, times = sound_offs.described(levels, falls, pitch, onset_s, up_s, again_s, np.unique(onset_s))
    return Ends(seen, times - onset_s[:, None], found.sounding_s).of(found.good)


CANDIDATES = {"keys": keys, "soundings": soundings}


def fitted(pieces: list[Ends], hidden: int) -> Perceptron:
    """A network that believes what the truth says: least cross-entropy."""
    import torch

    torch.manual_seed(0)
    seen = torch.from_numpy(np.concatenate([piece.seen for piece in pieces]))
    share = torch.from_numpy(np.concatenate([piece.share for piece in pieces]))
    network = torch.nn.Sequential(torch.nn.Linear(seen.shape[-1], hidden), torch.nn.SiLU(), torch.nn.Linear(hidden, 1))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE_OF_LEARNING, weight_decay=DECAY)
    seen, share = seen[share.any(dim=1)], share[share.any(dim=1)]
    steps = EPOCHS * (len(seen) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE_OF_LEARNING, total_steps=steps)
    for step in range(steps):
        if step % (len(seen) // BATCH) == 0:
            order = torch.randperm(len(seen))
        rows = order[step % (len(seen) // BATCH) * BATCH :][:BATCH]
        loss = torch.nn.functional.cross_entropy(network(seen[rows]).squeeze(-1), share[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return Perceptron(*(p.detach().numpy() for p in network.parameters()))


def tested(kind: str, found: dict[Path, Ends]) -> None:
    """Print the share of right ends, and how early or late they are, on pieces that were not fitted on."""
    fold = {piece: number % FOLDS for number, piece in enumerate(sorted({folder.name for folder in found}))}
    together: dict[str, list[np.ndarray]] = {}
    for held in range(FOLDS):
        model = fitted([ends for folder, ends in found.items() if fold[folder.name] != held], HIDDEN[kind])
        for folder, ends in found.items():
            if fold[folder.name] == held:
                ended_s = likeliest_s(model(ends.seen), ends.after_s)
                together.setdefault(folder.parent.name, []).append(np.stack([ended_s, ends.true_s]))
    for name, each in together.items():
        ended_s, true_s = np.concatenate(each, axis=1)
        bias, long = (1000 * np.median((ended_s - true_s)[true_s > shortest]) for shortest in (0, LONG_S))
        shares = f"{100 * right(ended_s, true_s).mean():.1f} % of {len(true_s)} ends"
        print(f"{kind}, {name}: {shares}, median error {bias:+.0f} ms, of long notes {long:+.0f}")


if __name__ == "__main__":
    main()
