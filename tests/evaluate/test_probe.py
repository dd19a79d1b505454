"""The probe, on a piano of sines that is known beforehand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from perfsynth.errors import InputError
from perfsynth.evaluate import probe_notes as plan
from perfsynth.evaluate.audio_table import markdown
from perfsynth.evaluate.probe import Probe, Recording, measure, recording
from perfsynth.evaluate.probe_plot import probe_figure
from perfsynth.evaluate.probe_table import FIGURES, GRAND, figures, table
from tests.evaluate import plain_piano


@pytest.fixture(scope="module")
def sound() -> Recording:
    return recording(plain_piano.sounded(plan.schedule().performance), plain_piano.RATE)


@pytest.fixture(scope="module")
def found(sound: Recording) -> Probe:
    return measure(sound)


def test_the_schedule_strikes_one_key_at_a_time() -> None:
    schedule = plan.schedule()
    notes = schedule.performance.notes
    single = notes[~np.isin(notes["onset_s"], schedule.cluster_s)]
    assert (np.diff(single["onset_s"]) > single["duration_s"][:-1]).all()
    assert len(notes) == len(single) + 2 * len(plan.CLUSTER_KEYS)
    assert schedule.end_s < 330
    assert (np.diff(schedule.performance.controls["time_s"]) >= 0).all()
    # Every section lies where the schedule says.
    onsets = np.concatenate([
        schedule.velocity_s.ravel(), schedule.decay_s, schedule.damper_s, [schedule.held_s], schedule.sustain_s,
        [schedule.sostenuto_s, schedule.soft_s, schedule.rest_s],
    ])  # fmt: skip
    assert np.allclose(np.sort(onsets), single["onset_s"])


def test_velocity(found: Probe) -> None:
    for response in found.velocity:
        assert response.inversions == 0
        # The octave adds up to 3 dB at the loudest.
        assert response.range_db == pytest.approx(plain_piano.RANGE_DB * 123 / 127 + 3.0, abs=0.2)
        assert response.centroid_ratio == pytest.approx(1.5, abs=0.03)
        assert response.roughness_db < 0.1


def test_decay_and_damper(found: Probe) -> None:
    assert found.edt_s == pytest.approx([plain_piano.DECAY_S] * len(plan.DECAY_KEYS), rel=0.03)
    assert found.t60_s == pytest.approx([plain_piano.DECAY_S] * len(plan.DECAY_KEYS), rel=0.03)
    # Key up, the decay of the string goes on beside the damper's.
    expected = 40 / (40 / plain_piano.DAMPED_S + 60 / plain_piano.DECAY_S)
    assert found.damped_s == pytest.approx([expected] * len(plan.DAMPER_KEYS), abs=0.02)


def test_pedals(found: Probe) -> None:
    assert found.pedal.sustained_db == pytest.approx(0.0, abs=0.01)
    assert found.pedal.damped_db < -90
    assert found.pedal.half_values == 0
    assert (found.pedal_levels_db > -1).tolist() == [value >= plain_piano.HALF for value in plan.PEDAL_VALUES]
    assert found.sostenuto_db == pytest.approx(0.0, abs=0.01)
    assert found.soft_db == pytest.approx(-6.0, abs=0.01)
    assert found.soft_centroid == pytest.approx(1.0, abs=0.01)


def test_steadiness_silence_and_delay(found: Probe) -> None:
    assert all(note.wander_cents < 0.1 for note in found.steadiness)
    assert [note.tuning_cents for note in found.steadiness] == pytest.approx([0.0] * 5, abs=0.2)
    assert found.rest_dbfs < -150
    assert 0 <= found.delay_ms < 3
    assert found.condition.clipped_samples == 0


def test_a_recording_started_late_measures_the_same(found: Probe) -> None:
    late = recording(plain_piano.sounded(plan.schedule().performance, late_s=0.1), plain_piano.RATE)
    again = measure(late)
    assert again.delay_ms == pytest.approx(found.delay_ms + 100, abs=0.2)
    assert again.levels_db == pytest.approx(found.levels_db, abs=0.01)
    assert again.t60_s == pytest.approx(found.t60_s, rel=0.01)


def test_channels_that_cancel_each_other_are_as_steady_as_one(found: Probe) -> None:
    one = plain_piano.sounded(plan.schedule().performance)[:, :1]
    both = recording(np.concatenate([one, -one], axis=1), plain_piano.RATE)
    assert [note.tuning_cents for note in measure(both).steadiness] == pytest.approx([0.0] * 5, abs=0.2)
    drawn = [axes for axes in probe_figure(both, found, "both").axes if axes.get_title().startswith("middle C, ")]
    assert len(drawn) == 2
    assert all(np.ptp(axes.collections[0].get_array()) > 20 for axes in drawn)  # dB


def test_what_is_wrong_shows() -> None:
    audio = plain_piano.sounded(plan.schedule().performance)
    loud = plan.schedule().velocity_s[1, 20]
    audio[round(loud * plain_piano.RATE) :][: plain_piano.RATE] *= 0.5  # a layer that is too soft
    audio += 1e-3 * np.random.default_rng(0).normal(size=audio.shape)  # and hiss
    broken = measure(recording(audio.astype(np.float32), plain_piano.RATE))
    assert broken.velocity[1].inversions >= 1
    assert broken.velocity[1].largest_step_db > 5
    assert broken.velocity[0].inversions == 0
    assert broken.rest_dbfs == pytest.approx(-60, abs=0.5)


def test_a_rate_too_low_for_the_highest_key_is_refused() -> None:
    with pytest.raises(InputError, match="at 4000 Hz"):
        recording(np.ones((4000 * 330, 1), np.float32), 4000)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros((16000, 1)), "lasts 1.0 s"),
        (np.zeros((16000 * 320, 1), np.float32), "nothing sounds"),
        (np.zeros(16000), "shape"),
        (np.full((16000, 1), np.nan), "finite"),
    ],
)
def test_what_is_no_recording_of_it_is_refused(audio: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        recording(audio, 16000)


def test_table_and_json(found: Probe) -> None:
    rows = table(found.to_json(), "sines")
    assert len(rows) == len(FIGURES) + 1 == len(GRAND) + 1
    assert all(len(GRAND[name]) == len(values) for name, values in figures(found.to_json()).items())
    assert "| velocity: range [dB]" in markdown(rows)
    assert len(json.loads(json.dumps(found.to_json()))["levels_db"]) == len(plan.VELOCITY_KEYS)


def test_the_picture_shows_what_was_measured(sound: Recording, found: Probe) -> None:
    panels = probe_figure(sound, found, "sines").axes
    drawn = [line.get_ydata() for line in panels[0].lines]
    assert np.allclose(drawn, found.levels_db - found.levels_db[:, -1:])
    assert np.allclose(panels[5].lines[0].get_ydata(), found.pedal_levels_db)
    assert len(panels) == 8
