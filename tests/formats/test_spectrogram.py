"""Spectrogram files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsynth.errors import InputError
from perfsynth.formats import sniff, spectrogram
from perfsynth.formats.spectrogram import read_spectrogram, write_spectrogram
from perfsynth.types import Spectrogram
from tests.strategies import MADE, damaged


def made(n_bands: int = 128, preset: str = "perfsynth-44k", fill: float = -3.0) -> Spectrogram:
    return Spectrogram(np.full((n_bands, 7), fill, np.float32), preset, history=(MADE,))


def test_it_comes_back_and_numpy_reads_it() -> None:
    values = np.random.default_rng(0).normal(size=(80, 33)).astype(np.float32)
    data = write_spectrogram(Spectrogram(values, "deep-performer-16k", history=(MADE,)))
    assert sniff(data) == "npz"
    read = read_spectrogram(data)
    assert np.array_equal(read.values, values)
    assert (read.preset, read.history) == ("deep-performer-16k", (MADE,))
    assert np.array_equal(np.load(io.BytesIO(data), allow_pickle=False)["values"], values)


def test_the_bytes_do_not_depend_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_spectrogram(made())
    monkeypatch.setattr("time.localtime", lambda *_: pytest.fail("the clock was asked"))
    assert write_spectrogram(made()) == first


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, values=np.array([object()]), preset="perfsynth-44k", history="[]")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (write_spectrogram(made(preset="home-made")), "preset 'home-made' is unknown"),
        (write_spectrogram(made(n_bands=80)), "128 bands"),
        (write_spectrogram(made(fill=np.nan)), "not finite"),
        (write_spectrogram(made())[:200], "broken"),
        (pickled(), "broken"),
    ],
)
def test_what_is_no_spectrogram_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_spectrogram(data)


def test_a_foreign_npz_is_named() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, other=np.zeros(3))
    with pytest.raises(InputError, match="no spectrogram, which has values and preset"):
        read_spectrogram(buffer.getvalue())


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrogram, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match=r"^spectrogram: unpacks to"):
        read_spectrogram(write_spectrogram(made()))


def archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{"values": np.zeros((128, 3), np.float32), "preset": "perfsynth-44k", "history": "[]"} | arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"history": np.array("{")}, "history is garbled"),
        ({"history": np.array("[5]")}, "history is garbled"),
        ({"history": np.array("[" * 100_000)}, "history is garbled"),
        ({"history": np.array('[{"stage": 1, "model": 2}]')}, "history is garbled"),
        ({"values": np.zeros((128, 3), int)}, "of floats"),
        ({"values": np.zeros((128, 3), complex)}, "of floats"),
        ({"values": np.zeros(128)}, "128 bands"),
        ({"values": np.full((128, 3), np.inf)}, "not finite"),
        ({"values": np.full((128, 3), 1e300)}, "not finite"),
        ({"preset": np.arange(3)}, "unknown"),
    ],
)
def test_a_foreign_array_is_refused_for_what_it_is(arrays: dict[str, np.ndarray], words: str) -> None:
    assert read_spectrogram(archive()).values.shape == (128, 3)
    with pytest.raises(InputError, match=words) as caught:
        read_spectrogram(archive(**arrays), name="odd.npz")
    assert str(caught.value).startswith("odd.npz: ")


def test_an_archive_that_understates_its_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = archive(values=np.zeros((128, 300), np.float32))
    size = 128 * 300 * 4 + 128  # with the header of .npy
    monkeypatch.setattr(spectrogram, "MAX_BYTES", 50_000)
    lying = honest.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(InputError):
        read_spectrogram(lying)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_an_input_error_or_harmless(data: st.DataObject) -> None:
    try:
        read_spectrogram(data.draw(st.composite(damaged)(write_spectrogram(made()))))
    except InputError as error:
        assert "\n" not in str(error)
