"""Audio files: what is written is read back, what is broken is refused, the same audio gives the same bytes."""

from __future__ import annotations

import errno
import io
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perfsynth.errors import InputError, PerfsynthError, UsageError
from perfsynth.formats import ogg, wav
from perfsynth.formats.audio import SUBTYPES, audio_bytes, read_audio, write_audio
from perfsynth.types import Audio, AudioStream, Made

EVERY_KIND = [(kind, subtype) for kind, subtypes in SUBTYPES.items() for subtype in subtypes]
# Half a step of the stored integers, and what Vorbis may change.
TOLERANCE = {"PCM_16": 0.5 / 2**15, "PCM_24": 0.5 / 2**23, "FLOAT": 0.0, "VORBIS": 0.06}
HISTORY = (Made("synth-audio", "fluidsynth", 7, "ab" * 32, options={"soundfont": "Ä" * 3000}),)


def tone(n_samples: int = 9000, n_channels: int = 2, sample_rate: int = 22050) -> Audio:
    time_s = np.arange(n_samples)[:, None] / sample_rate
    samples = 0.5 * np.sin(2 * np.pi * 440 * (1 + np.arange(n_channels)) * time_s)
    return Audio(samples.astype(np.float32), sample_rate, history=HISTORY)


@pytest.mark.parametrize("n_channels", [1, 2, 8])
@pytest.mark.parametrize(("kind", "subtype"), EVERY_KIND)
def test_written_audio_is_read_back(kind, subtype, n_channels):
    audio = tone(n_channels=n_channels)
    read = read_audio(audio_bytes(audio, format=kind, subtype=subtype))
    assert read.samples.shape == audio.samples.shape
    assert read.samples.dtype == np.float32
    assert read.sample_rate == audio.sample_rate
    assert np.abs(read.samples - audio.samples).max() <= TOLERANCE[subtype]
    assert read.history == HISTORY


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 50), st.integers(1, 8)), elements=st.floats(-1, 1, width=32)),
    st.integers(1, 7),
)
@settings(max_examples=50, deadline=None)
def test_float_wav_round_trip_is_exact_for_any_blocks(samples, block_size):
    file = io.BytesIO()
    wav.write(
        Audio(samples, 8000).stream(block_size).blocks,
        file,
        sample_rate=8000,
        n_channels=samples.shape[1],
        sample="FLOAT",
        text="",
    )
    np.testing.assert_array_equal(read_audio(file.getvalue()).samples, samples)


def test_ogg_has_a_highest_rate(tmp_path):
    stream = Audio(np.zeros((100, 1), np.float32), 384_000).stream()
    with pytest.raises(UsageError, match="flac"):
        write_audio(stream, tmp_path / "x.ogg", format="ogg")


def test_integer_formats_clip_at_full_scale():
    loud = Audio(np.array([[2.0], [-2.0], [1.0], [-1.0]], np.float32).repeat(100, axis=0), 8000)
    for kind, subtype in EVERY_KIND[:2] + EVERY_KIND[3:5]:
        samples = read_audio(audio_bytes(loud, format=kind, subtype=subtype)).samples[::100, 0]
        np.testing.assert_allclose(samples, [1, -1, 1, -1], atol=1e-4)


def test_the_same_audio_gives_the_same_bytes():
    first = [audio_bytes(tone(), format=kind, subtype=subtype) for kind, subtype in EVERY_KIND]
    time.sleep(1.1)  # a time stamp of whole seconds, or a serial number drawn from it, would differ
    assert [audio_bytes(tone(), format=kind, subtype=subtype) for kind, subtype in EVERY_KIND] == first


def test_libsndfile_reads_the_comment_and_the_layout_of_our_wav():
    audio = Audio(tone().samples, 22050, history=(Made("synth-audio", "x"),))
    with soundfile.SoundFile(io.BytesIO(audio_bytes(audio, format="wav"))) as file:
        assert (file.format, file.subtype, file.frames) == ("WAV", "PCM_24", 9000)
        assert file.comment.startswith('perfsynth {"history"')


def test_a_file_of_somebody_else_has_its_hash_as_history():
    buffer = io.BytesIO()
    soundfile.write(buffer, tone().samples, 22050, format="WAV")
    read = read_audio(buffer.getvalue())
    assert [(step.stage, step.input_sha256) for step in read.history] == [("read", read.sha256)]
    assert len(read.sha256) == 64


@pytest.mark.parametrize(("kind", "subtype"), [("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16")])
def test_other_formats_are_read(kind, subtype):
    audio, buffer = tone(n_samples=48000, sample_rate=48000), io.BytesIO()
    soundfile.write(buffer, audio.samples, 48000, format=kind, subtype=subtype)
    read = read_audio(buffer.getvalue())
    assert read.sample_rate == 48000
    spectrum = np.abs(np.fft.rfft(read.samples[2000:46100, 0]))
    assert np.argmax(spectrum) == pytest.approx(440 * 44100 / 48000, abs=1)


def test_a_large_wav_becomes_rf64(monkeypatch):
    monkeypatch.setattr(wav, "MAX_RIFF_BYTES", 20000)
    data = audio_bytes(tone(), format="wav")
    assert data[:4] == b"RF64"
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.format, file.frames) == ("RF64", 9000)
    assert read_audio(data).history == HISTORY
    with pytest.raises(InputError, match="truncated"):
        read_audio(data[:-600])


def test_rf64_states_sizes_beyond_four_gigabytes():
    header = wav._header(44100, 2, "PCM_24", "", 6 * 10**9)
    riff_bytes, data_bytes, n_frames = struct.unpack_from("<QQQ", header, 20)
    assert (data_bytes, n_frames, riff_bytes) == (6 * 10**9, 10**9, 6 * 10**9 + len(header) - 8)
    assert len(header) == len(wav._header(44100, 2, "PCM_24", "", 0))


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_truncated_files_are_refused(kind, kept):
    data = audio_bytes(tone(n_samples=60000), format=kind)
    with pytest.raises(InputError, match=r"^cut\.wav: "):
        read_audio(data[: int(len(data) * kept)], name="cut.wav")


def test_a_wav_from_a_pipe_declares_no_length():
    data = bytearray(audio_bytes(tone(), format="wav"))
    at = data.index(b"data") + 4
    for size in (0xFFFFFFFF, 0x7FFFF000):
        struct.pack_into("<I", data, at, size)
        assert len(read_audio(bytes(data)).samples) == 9000


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt ", b"fLaC" + bytes(60), b"OggS" + bytes(90)])
def test_broken_files_are_refused_by_name(data):
    with pytest.raises(InputError, match=r"^x\.wav: "):
        read_audio(data, name="x.wav")


def test_a_file_without_samples_is_refused():
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((0, 2)), 44100, format="WAV")
    with pytest.raises(InputError, match="no samples"):
        read_audio(buffer.getvalue())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused_both_ways(value):
    audio = tone()
    audio.samples[5000, 1] = value
    buffer = io.BytesIO()
    soundfile.write(buffer, audio.samples, 22050, format="WAV", subtype="FLOAT")
    with pytest.raises(InputError, match="not finite"):
        read_audio(buffer.getvalue())
    with pytest.raises(PerfsynthError, match=r"not finite at 0\.0 s"):
        audio_bytes(audio, format="wav")


def test_a_flac_that_declares_the_impossible_is_refused():
    data = bytearray(audio_bytes(tone(), format="flac"))
    data[21] |= 0x0F  # the upper bits of the 36 bit number of samples in STREAMINFO
    with pytest.raises(InputError, match="declares"):
        read_audio(bytes(data))


def test_what_a_format_cannot_hold_is_a_usage_error():
    with pytest.raises(UsageError, match="flac holds PCM_24 or PCM_16, not FLOAT"):
        audio_bytes(tone(), format="flac", subtype="FLOAT")
    with pytest.raises(UsageError, match="flac does not hold 9 channels at 22050 Hz"):
        audio_bytes(tone(n_channels=9), format="flac")


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_empty_audio_is_refused(kind):
    with pytest.raises(PerfsynthError, match="no audio to write"):
        audio_bytes(tone(n_samples=0), format=kind)


def test_blocks_of_another_shape_are_refused():
    with pytest.raises(PerfsynthError, match=r"shape \(4, 1\)"):
        write_audio(AudioStream([np.zeros((4, 1), np.float32)], 8000, 2), Path("/dev/null"), format="wav")


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_a_full_disk_is_an_error(kind):
    with pytest.raises(OSError) as caught:
        write_audio(tone(n_samples=100000).stream(), Path("/dev/full"), format=kind)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_a_disk_that_fills_up_on_the_way_is_an_error(kind):
    class Filling(io.BytesIO):
        def write(self, data):
            if self.tell() + len(data) > 20000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    from perfsynth.formats.audio import _write

    noise = Audio(np.random.default_rng(0).uniform(-1, 1, (50000, 2)).astype(np.float32), 44100)
    with pytest.raises(OSError, match="No space left"):
        _write(noise.stream(4096), Filling(), kind, None)


def test_writing_takes_one_block_at_a_time(tmp_path):
    made = written = 0

    def blocks():
        nonlocal made, written
        for _ in range(40):
            made += 1
            assert made - written <= 1
            yield np.zeros((1000, 2), np.float32)
            written += 1

    assert write_audio(AudioStream(blocks(), 8000, 2), tmp_path / "x.wav", format="wav") == 5.0
    assert written == 40
    assert len(read_audio((tmp_path / "x.wav").read_bytes()).samples) == 40000


def test_ogg_checksum_of_a_page_by_libogg():
    data = audio_bytes(tone(), format="ogg")
    page = bytearray(data[: 27 + data[26] + sum(data[27 : 27 + data[26]])])
    stated = struct.unpack_from("<I", page, 22)[0]
    page[22:26] = bytes(4)
    register = 0  # RFC 3533, section 6: bit by bit
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x104C11DB7 if register & 0x80000000 else 0)
    assert ogg.checksum(bytes(page)) == stated == register
    assert struct.unpack_from("<I", page, 14)[0] == ogg.SERIAL
