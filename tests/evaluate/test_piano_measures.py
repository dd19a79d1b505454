"""What a piano does and what is played on it, each measure against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.evaluate import decay, instrument, matching, partials, pitch
from perfsynth.evaluate.matching import RATE
from perfsynth.evaluate.pedal import pedal_response
from perfsynth.evaluate.score_informed import score_informed
from perfsynth.evaluate.velocity import level_and_centroid, velocity_response
from perfsynth.types import PERFORMED_NOTE

T = np.arange(2 * RATE) / RATE
NOISE = np.random.default_rng(1).normal(size=len(T))


# Velocity, decay, pedal.


def test_velocity_response_by_hand() -> None:
    velocity, level = np.array([20, 40, 60, 80, 100]), np.array([-30.0, -22.0, -23.0, -15.0, -10.0])
    found = velocity_response(velocity, level, np.array([500.0, 600.0, 550.0, 700.0, 1000.0]))
    assert (found.range_db, found.inversions, found.largest_step_db) == (20.0, 1, 8.0)
    assert found.slope_db == pytest.approx(2.35)  # sum (v - 60)(l - mean) / sum (v - 60)^2 = 940 / 4000
    assert found.centroid_ratio == pytest.approx(2.0)
    assert found.largest_centroid_step == pytest.approx(1000 / 700)
    assert found.roughness_db > 0.5
    with pytest.raises(InputError):
        velocity_response(velocity[::-1], level, level + 100)
    with pytest.raises(InputError):
        velocity_response(velocity, level[:3], level + 100)
    with pytest.raises(InputError):
        velocity_response(velocity, level * np.nan, level + 100)


def test_level_and_centroid() -> None:
    level, hertz = level_and_centroid((np.sin(2 * np.pi * 300 * T) + np.sin(2 * np.pi * 900 * T))[:, None], RATE)
    assert (level, hertz) == (pytest.approx(0.0, abs=0.01), pytest.approx(600, abs=1))


@pytest.mark.parametrize("t60", [1.0, 3.0])
def test_decay_times_of_an_exponential(t60: float) -> None:
    audio = (NOISE * 10 ** (-3 * T / t60))[:, None]
    assert decay.decay_time_s(audio, RATE, decay.EARLY_DB) == pytest.approx(t60, rel=0.05)
    if t60 < 2:
        assert decay.decay_time_s(audio, RATE, decay.LATE_DB) == pytest.approx(t60, rel=0.05)
    # Half a second of it does not fall far enough to tell.
    assert np.isnan(decay.decay_time_s(audio[: round(0.1 * RATE)], RATE, decay.EARLY_DB))
    assert np.isnan(decay.decay_time_s(np.ones((RATE, 1)), RATE, decay.EARLY_DB))


@pytest.mark.parametrize(
    ("t60", "held_s", "span"), [(20.0, 5, decay.EARLY_DB), (12.0, 4, decay.EARLY_DB), (28.0, 14, decay.LATE_DB)]
)
def test_a_note_let_go_early_decays_no_faster(t60: float, held_s: int, span: tuple[float, float]) -> None:
    t = np.arange(held_s * RATE) / RATE
    string = (np.sin(2 * np.pi * 300 * t) * 10 ** (-3 * t / t60))[:, None]
    for audio in (string, np.repeat(string, 2, axis=1)):
        assert decay.decay_time_s(audio, RATE, span) == pytest.approx(t60, rel=0.01)


def test_rumble_below_the_string_does_not_count() -> None:
    t = np.arange(4 * RATE) / RATE
    string = 10 ** (-3 * t / 2.0) * np.sin(2 * np.pi * 261.63 * t)
    rumbling = (string + 0.1 * np.sin(2 * np.pi * 25 * t))[:, None]
    assert np.isnan(decay.decay_time_s(rumbling, RATE, decay.LATE_DB))
    clean = decay.without_rumble(rumbling, RATE, 60)
    assert decay.decay_time_s(clean, RATE, decay.LATE_DB) == pytest.approx(2.0, rel=0.01)


def test_two_stages_have_two_times() -> None:
    t = np.arange(6 * RATE) / RATE
    power = 10 ** (-6 * t / 1.0) + 0.02 * 10 ** (-6 * t / 8.0)
    audio = (np.random.default_rng(3).normal(size=len(t)) * np.sqrt(power))[:, None]
    early, late = (decay.decay_time_s(audio, RATE, span) for span in (decay.EARLY_DB, decay.LATE_DB))
    assert early < 2.0 < 4.0 < late


def test_damped_time() -> None:
    gain = np.where(T < 0.5, 1.0, 10 ** (-2 * (T - 0.5) / 0.3))  # -40 dB in 0.3 s
    audio = (NOISE * gain)[:, None]
    assert decay.damped_s(audio, RATE, 0.5) == pytest.approx(0.3, abs=0.03)
    assert np.isnan(decay.damped_s(NOISE[:, None], RATE, 0.5))
    with pytest.raises(InputError):
        decay.damped_s(audio, RATE, 0.01)
    with pytest.raises(InputError):
        decay.energy_decay_db(np.zeros((0, 1)))


def test_pedal_response_by_hand() -> None:
    found = pedal_response(np.array([0, 32, 64, 96, 127]), np.array([-60.0, -59.0, -20.0, -2.0, 0.0]))
    assert (found.damped_db, found.sustained_db, found.half_values, found.backwards) == (-60.0, 0.0, 1, 0)
    assert pedal_response(np.array([0, 64, 127]), np.array([-60.0, 0.0, -10.0])).backwards == 1
    with pytest.raises(InputError):
        pedal_response(np.array([0, 64]), np.array([0.0, 1.0]))


# Partials.


@pytest.mark.parametrize("cents", [2.0, 5.0])
def test_the_wander_of_a_vibrato_is_its_own(cents: float) -> None:
    hertz = 220 * 2 ** (cents / 1200 * np.sin(2 * np.pi * 5 * T))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    audio = sum(np.sin(k * phase) / k for k in range(1, 5))
    found = partials.steadiness(audio, RATE, 57)
    assert found.n_partials == 4
    assert found.wander_cents == pytest.approx(cents / np.sqrt(2), rel=0.1)
    assert found.tuning_cents == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("pitch", [48, 60, 72, 84])
@pytest.mark.parametrize(("cents", "rel"), [(5.0, 0.06), (20.0, 0.08), (40.0, 0.25)])
def test_a_wide_vibrato_is_followed_in_every_octave(pitch: int, cents: float, rel: float) -> None:
    f0, depth = 440 * 2 ** ((pitch - 69) / 12), cents / 1200 * np.log(2)
    phase = 2 * np.pi * f0 * (T - depth * np.cos(2 * np.pi * 6 * T) / (2 * np.pi * 6))
    found = partials.steadiness(sum(np.sin(k * phase) / k for k in range(1, 9)), RATE, pitch)
    assert found.wander_cents == pytest.approx(cents / np.sqrt(2), rel=rel)
    assert found.tuning_cents == pytest.approx(0, abs=1.0)  # its middle, and not an edge where it lingers


def test_a_steady_stiff_string_does_not_wander() -> None:
    hertz = [k * 261.63 * np.sqrt(1 + 4e-4 * k**2) * 2 ** (7 / 1200) for k in range(1, 9)]
    audio = sum(np.exp(-T) * np.sin(2 * np.pi * f * T) for f in hertz)
    found = partials.steadiness(audio, RATE, 60)
    assert (found.n_partials, found.wander_cents) == (8, pytest.approx(0, abs=0.1))
    assert found.tuning_cents == pytest.approx(7, abs=0.5)


def test_nothing_to_follow() -> None:
    assert partials.steadiness(np.zeros(RATE), RATE, 60).n_partials == 0
    with pytest.raises(InputError):
        partials.steadiness(np.zeros(100), RATE, 60)
    assert np.isnan(partials.held_wander_cents(np.zeros(RATE), np.zeros(0, PERFORMED_NOTE)))


# Matching and score-informed.


def test_a_lag_beyond_a_block_of_frames_is_still_found() -> None:
    clicks = np.zeros((30 * RATE, 1), np.float32)
    clicks[np.random.default_rng(4).integers(RATE, 29 * RATE, 60)] = 0.5
    pair = matching.matched(np.roll(clicks, -1280, axis=0), clicks)
    assert pair.lag_s == pytest.approx(-1280 / RATE)
    assert np.abs(pair.generated - pair.reference).max() < 1e-2 * np.abs(pair.reference).max()


def test_what_is_too_soft_or_has_other_channels_is_refused() -> None:
    soft = (1e-6 * NOISE)[:, None].astype(np.float32)
    with pytest.raises(InputError, match="-70 LUFS"):
        matching.matched(soft, (0.1 * NOISE)[:, None])
    with pytest.raises(InputError, match="channels"):
        matching.matched(np.repeat(soft, 2, axis=1), soft)


def test_score_informed_onsets() -> None:
    notes = np.zeros(4, PERFORMED_NOTE)
    notes["onset_s"], notes["duration_s"], notes["pitch"] = [0.3, 0.31, 0.8, 1.3], 0.4, [60, 64, 67, 72]
    audio = np.zeros(len(T))
    for note in notes:
        since = np.maximum(T - note["onset_s"], 0)
        audio += (since > 0) * np.exp(-6 * since) * np.sin(2 * np.pi * 440 * 2 ** ((note["pitch"] - 69) / 12) * since)
    found = score_informed((0.1 * audio)[:, None], notes)
    assert (found.onset_precision, found.onset_recall, found.onset_f1) == (1.0, 1.0, 1.0)  # the chord is one onset
    assert np.isnan(found.wander_cents)
    late = notes.copy()
    late["onset_s"] += 0.2
    assert score_informed((0.1 * audio)[:, None], late).onset_f1 == 0.0
    late["onset_s"] += 100
    with pytest.raises(InputError, match="no note begins"):
        score_informed((0.1 * audio)[:, None], late)


# Pitch.


def test_struck_pitches_are_heard() -> None:
    notes = np.zeros(4, PERFORMED_NOTE)
    notes["onset_s"], notes["duration_s"], notes["pitch"] = [0.3, 0.31, 0.8, 1.3], 0.4, [60, 64, 67, 72]
    audio = np.zeros(len(T))
    for note in notes:
        since = np.maximum(T - note["onset_s"], 0)
        f0 = 440 * 2 ** ((note["pitch"] - 69) / 12)
        audio += sum((since > 0) * np.exp(-6 * since) * 0.6**k * np.sin(2 * np.pi * k * f0 * since) for k in (1, 2, 3))
    assert pitch.pitch_recall(audio, notes) == 1.0
    wrong = notes.copy()
    wrong["pitch"] += 1
    assert pitch.pitch_recall(audio, wrong) == 0.0
    half = notes.copy()
    half["pitch"][2:] += 1
    assert pitch.pitch_recall(audio, half) == 0.5
    assert np.isnan(pitch.pitch_recall(audio, notes[:0]))
    with pytest.raises(InputError):
        pitch.pitch_recall(audio[:, None], notes)


def test_harmonic_combs_sum_to_one_and_peak_at_their_key() -> None:
    combs = pitch.templates()
    assert combs.shape == (103, 88)
    assert combs.sum(axis=0) == pytest.approx(1)
    assert combs.argmax(axis=0).tolist() == list(range(88))


# Instruments.


def test_a_recording_sounds_like_what_it_is() -> None:
    def played(fall: float, roll_off: float) -> np.ndarray:
        audio = np.zeros(len(T))
        for i in range(4):
            since = np.maximum(T - 0.45 * i, 0)
            tones = sum(roll_off**k * np.sin(2 * np.pi * k * (220 + 60 * i) * since) for k in range(1, 9))
            audio += (since > 0) * np.exp(-fall * since) * np.minimum(since / 0.02, 1) * tones
        return 0.1 * audio[:, None]

    instruments = {"plucked": played(8, 0.8), "blown": played(0.5, 0.3)}
    found = instrument.timbre_distances(0.3 * played(7, 0.75), instruments)
    assert list(found) == ["plucked", "blown"]
    assert instrument.timbre_distances(instruments["blown"], instruments)["blown"] == pytest.approx(0, abs=1e-6)
    with pytest.raises(InputError):
        instrument.timbre_distances(instruments["blown"], {"blown": instruments["blown"]})
