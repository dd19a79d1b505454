"""How far one recording is from another that plays the same performance.

Both are brought to one loudness and laid over each other first, and what that took is reported (`matching`). Then
they are measured in pieces of about 20 s and channel by channel, and the mean is the figure: spectra (`spectra`),
Table III of Tang et al. 2025 (`table_iii`), the character of the sound per critical band (`tonality`), onsets
(`onsets`), and, over all pieces together, a Frechet distance on modulation features (`frechet`).

No figure means much alone: `ladder` says what each is for a reference against itself, softer, with hiss, late, and
against another piano.

Arrays are (n, n_channels) float at 44.1 kHz.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise

import numpy as np

from perfsynth.errors import InputError
from perfsynth.evaluate import frechet, onsets, spectra, table_iii, tonality
from perfsynth.evaluate.matching import RATE, matched, validate
from perfsynth.progress import Report

SEGMENT_S = 20.0
SILENT = 1e-4  # -80 dBFS: a piece in which the reference never exceeds it has nothing to compare
RESAMPLES = 1000
MIN_SEGMENTS = 5  # for a confidence interval


@dataclass(frozen=True)
class Distances:
    """Distances of one piece, mean over its channels. Lower is nearer, but for ``onset_f1``."""

    log_mel_16k: float  # neper^2, 80 bands
    log_mel_44k: float  # neper^2, 128 bands
    absolute_db: float  # dB, cells within 60 dB of the loudest
    spectral_convergence: float  # 0 equal
    log_magnitude: float  # neper
    chroma: float
    chroma_as_released: float
    spectrogram: float
    spectrogram_as_released: float
    tonality: float  # 0..1
    flatness_db: float  # dB
    onset_f1: float  # 0..1, within 25 ms of the reference's


@dataclass(frozen=True)
class Comparison:
    """A whole recording against its reference."""

    rows: tuple[Distances, ...]  # one for each piece
    gain_db: float  # that matching took; 0 where nothing was matched
    lag_s: float
    features: tuple[np.ndarray, np.ndarray] = field(repr=False)  # of `frechet`: generated, reference
    bark: dict[str, np.ndarray] = field(repr=False)  # mean per band, (24,): tonality and flatness of both

    def mean(self) -> dict[str, float]:
        """The mean of each distance over the pieces, by name, with ``frechet`` over all."""
        means = {
            name.name: float(np.mean([getattr(row, name.name) for row in self.rows])) for name in fields(Distances)
        }
        return {**means, "frechet": frechet.frechet_distance(*self.features)}

    def interval(self, *, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % bootstrap intervals of those means over the pieces; empty below five pieces."""
        if len(self.rows) < MIN_SEGMENTS:
            return {}
        table = np.array([list(asdict(row).values()) for row in self.rows])
        picks = np.random.default_rng(seed).integers(len(table), size=(RESAMPLES, len(table)))
        low, high = np.percentile(table[picks].mean(axis=1), [2.5, 97.5], axis=0)
        return {name.name: (float(low[i]), float(high[i])) for i, name in enumerate(fields(Distances))}


def distances(generated: np.ndarray, reference: np.ndarray, *, report: Report | None = None) -> Comparison:
    """All distances of a recording from its reference, after matching loudness and lag.

    Parameters
    ----------
    generated, reference
        (n, n_channels) float at 44.1 kHz, at least a second; what the longer has more is left out.
    report
        Told how far it is.

    Raises
    ------
    InputError
        When they cannot be compared; see `matching.validate`.
    """
    pair = matched(generated, reference)
    found = compare({"": pair.generated}, pair.reference, report=report)[""]
    return Comparison(found.rows, pair.gain_db, pair.lag_s, found.features, found.bark)


def compare(
    candidates: Mapping[str, np.ndarray], reference: np.ndarray, *, report: Report | None = None
) -> dict[str, Comparison]:
    """Distances of several recordings from one reference as they are, nothing matched.

    Parameters
    ----------
    candidates
        By name, each of the reference's shape.
    reference
        (n, n_channels) float at 44.1 kHz.
    report
        Told how far it is.

    Raises
    ------
    InputError
        When shapes differ, or the reference is silent.
    """
    for name, audio in candidates.items():
        validate(audio, reference)
        if audio.shape != reference.shape:
            raise InputError(f"{name} audio of shape {audio.shape} against {reference.shape}: cut them to one length")
    pieces = [piece for piece in segments(len(reference)) if np.abs(reference[piece]).max() > SILENT]
    if not pieces:
        raise InputError("the reference stays below -80 dBFS; there is nothing to compare")
    found: dict[str, list[_Piece]] = {name: [] for name in candidates}
    for i, piece in enumerate(pieces):
        if report is not None:
            report("measuring", i / len(pieces))
        channels = range(reference.shape[1])
        here = [_analyse(reference[piece, channel]) for channel in channels]
        for name, audio in candidates.items():
            for channel in channels:
                found[name].append(_Piece(_analyse(audio[piece, channel]), here[channel]))
    return {name: _joined(rows, reference.shape[1]) for name, rows in found.items()}


def segments(n_samples: int) -> list[slice]:
    """Equal pieces of about 20 s that make up `n_samples` at 44.1 kHz."""
    count = max(1, round(n_samples / (SEGMENT_S * RATE)))
    edges = np.linspace(0, n_samples, count + 1).astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


@dataclass(frozen=True)
class _Sound:
    """One channel of one piece, analysed."""

    spectra: spectra.Spectra
    table_iii: table_iii.TableIII
    bark: tonality.Bark
    onset_s: np.ndarray
    modulations: np.ndarray


def _analyse(audio: np.ndarray) -> _Sound:
    found = spectra.analyse(audio)
    return _Sound(
        found,
        table_iii.analyse(audio),
        tonality.analyse(audio),
        onsets.detected_s(audio),
        frechet.modulations(found.mel_44k),
    )


class _Piece:
    """The distances of one channel of one piece, and what is averaged over the whole; the spectra are let go."""

    def __init__(self, generated: _Sound, reference: _Sound) -> None:
        g, r = generated, reference
        self.distances = Distances(
            log_mel_16k=spectra.log_mel(g.spectra.mel_16k, r.spectra.mel_16k),
            log_mel_44k=spectra.log_mel(g.spectra.mel_44k, r.spectra.mel_44k),
            absolute_db=spectra.absolute_db(g.spectra.mel_44k, r.spectra.mel_44k),
            spectral_convergence=spectra.spectral_convergence(g.spectra, r.spectra),
            log_magnitude=spectra.log_magnitude(g.spectra, r.spectra),
            chroma=table_iii.chroma_distance(r.table_iii, g.table_iii),
            chroma_as_released=table_iii.chroma_distance(g.table_iii, r.table_iii),
            spectrogram=table_iii.spectrogram_distance(r.table_iii, g.table_iii),
            spectrogram_as_released=table_iii.spectrogram_distance(g.table_iii, r.table_iii),
            tonality=tonality.tonality_distance(g.bark, r.bark),
            flatness_db=tonality.flatness_distance(g.bark, r.bark),
            onset_f1=onsets.onset_scores(g.onset_s, r.onset_s, onsets.BETWEEN_RECORDINGS_S).f1,
        )
        self.features = (g.modulations, r.modulations)
        cells = tonality.heard(r.bark)
        self.bark = {
            f"{measure}_{side}": tonality.by_band(getattr(sound.bark, measure), cells)
            for measure in ("tonality", "flatness_db")
            for side, sound in (("generated", g), ("reference", r))
        }


def _joined(rows: list[_Piece], n_channels: int) -> Comparison:
    """Channels averaged, pieces in a row."""
    names = [name.name for name in fields(Distances)]
    table = np.array([[getattr(row.distances, name) for name in names] for row in rows])
    means = table.reshape(-1, n_channels, len(names)).mean(axis=1)
    generated, reference = (np.concatenate([row.features[side] for row in rows]) for side in (0, 1))
    bark = {}
    for name in rows[0].bark:
        values = np.stack([row.bark[name] for row in rows])
        count = np.isfinite(values).sum(axis=0)
        bark[name] = np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)
    return Comparison(tuple(Distances(*map(float, row)) for row in means), 0.0, 0.0, (generated, reference), bark)
