"""Recordings: read back by independent readers, replayed the same, and whole when killed."""

from __future__ import annotations

import io
import signal
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import Writer
from mcap_ros2.decoder import DecoderFactory

from common.drivers import recorder as recorder_module
from common.drivers.base import (
    CorruptSampleError,
    DriverError,
    DriverTimeoutError,
    EndOfStreamError,
    RecordingError,
)
from common.drivers.camera.message import IMAGE
from common.drivers.faults import Stall, inject
from common.drivers.mcap_file import MAGIC, MAX_RECORD_BYTES, McapFile
from common.drivers.recorder import Recorder, record
from common.drivers.registry import create
from common.drivers.replay import Topic, replay_summary
from common.types.image import Image
from common.types.stamped import Stamped

from .makers import IMAGE_SPEC, images, recording

pytestmark = pytest.mark.common

TOPIC = "/camera/image_raw"
ENCODED = [("mono8", np.uint8, 1), ("mono16", np.uint16, 1), ("bgr8", np.uint8, 3),
           ("rgb8", np.uint8, 3), ("32FC1", np.float32, 1)]  # fmt: skip


def replayed(path: Path, **more: Any) -> list[Stamped[Image]]:
    driver = create({"kind": "camera", "type": "replay", "path": path, "pace": "fast", **more})
    samples = []
    with driver:
        while True:
            try:
                samples.append(driver.read(10.0))
            except EndOfStreamError:
                return samples


def fields(sample: Stamped[Image]) -> tuple[Any, ...]:
    image = sample.value
    stamp = (sample.seq, sample.device_time_ns, sample.host_time_ns, sample.frame_id)
    about = (image.encoding, image.um_per_px, image.light, image.trigger, image.exposure_us)
    return (*stamp, *about, image.gain_db, image.pixels.dtype, image.pixels.tobytes())


@pytest.mark.parametrize(("encoding", "dtype", "channels"), ENCODED)
def test_every_encoding_survives_to_the_last_field(
    tmp_path: Path, encoding: Any, dtype: Any, channels: int
) -> None:
    shape = (5, 7) if channels == 1 else (5, 7, channels)
    rng = np.random.default_rng(1)
    pixels = (rng.random(shape) * 200).astype(dtype)
    sample = Stamped(2**40, 17, 2**60 + 1, "left_optical", Image(pixels, encoding, light="环"))
    path = tmp_path / "one.mcap"
    with Recorder(path) as recorder:
        recorder.write(sample, IMAGE_SPEC)
    assert [fields(got) for got in replayed(path)] == [fields(sample)]


def test_rosbags_reads_the_images_equal(tmp_path: Path) -> None:
    highlevel = pytest.importorskip("rosbags.highlevel")
    sent = images(20)
    with highlevel.AnyReader([recording(tmp_path, 20)]) as reader:
        connections = [c for c in reader.connections if c.topic == TOPIC]
        assert [c.msgtype for c in connections] == ["sensor_msgs/msg/Image"]
        got = [
            (log_time, reader.deserialize(raw, connection.msgtype))
            for connection, log_time, raw in reader.messages(connections)
        ]
    assert len(got) == 20
    for sample, (log_time, message) in zip(sent, got, strict=True):
        stamp = message.header.stamp
        assert log_time == stamp.sec * 10**9 + stamp.nanosec == sample.host_time_ns
        assert message.header.frame_id == sample.frame_id
        assert (message.height, message.width, message.step) == (24, 32, 32)
        assert message.encoding == "mono8" and message.is_bigendian == 0
        assert np.array_equal(message.data.reshape(24, 32), sample.value.pixels)


def test_the_files_own_definitions_decode_it(tmp_path: Path) -> None:
    with recording(tmp_path, 3).open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        assert reader.get_header().profile == "ros2"
        decoded = list(reader.iter_decoded_messages())
    assert [channel.topic for _, channel, _, _ in decoded] == [TOPIC + "/sample_info", TOPIC] * 3
    assert [message.seq for _, channel, _, message in decoded[::2]] == [0, 1, 2]


def test_two_replays_are_identical_and_are_the_recording(tmp_path: Path) -> None:
    path = recording(tmp_path)
    once, again = replayed(path), replayed(path, pace="recorded")
    assert list(map(fields, once)) == list(map(fields, again)) == list(map(fields, images(60)))


def test_replay_declares_what_was_recorded(tmp_path: Path) -> None:
    spec = create({"kind": "camera", "type": "replay", "path": recording(tmp_path)}).spec
    assert (spec.shape, spec.dtype, spec.rate_hz) == ((24, 32), "uint8", 100.0)
    assert (spec.unit, spec.frame_id, spec.delivery) == ("DN", "camera_optical", "every")


def test_a_tee_records_each_sample_that_is_read_once(tmp_path: Path) -> None:
    camera = create({"kind": "camera", "type": "replay", "path": recording(tmp_path)})
    path = tmp_path / "tee.mcap"
    with Recorder(path) as recorder, recorder.tee(camera) as tee:
        assert tee.spec == camera.spec and tee.is_open
        read = [tee.read(5.0) for _ in range(5)]
        newest = [tee.read_latest(3600.0) for _ in range(3)]
    wanted = {sample.seq: fields(sample) for sample in read + newest}
    assert [fields(sample) for sample in replayed(path)] == list(wanted.values())


def test_record_stops_at_frames_seconds_or_the_end(tmp_path: Path) -> None:
    source = {"kind": "camera", "type": "replay", "path": recording(tmp_path), "pace": "fast"}
    seen: list[int] = []
    done = record(source, tmp_path / "a", frames=7, progress=lambda n, s: seen.append(n))
    assert (done.samples, done.end, seen) == (7, "frames", [1, 2, 3, 4, 5, 6, 7])
    assert record({**source, "pace": "recorded"}, tmp_path / "b", seconds=0.3).end == "seconds"
    assert 1 <= replay_summary(tmp_path / "b").topics[TOPIC].samples <= 32  # one each 10 ms
    everything = record(source, tmp_path / "c")
    assert (everything.samples, everything.end) == (60, "end of stream")
    assert everything.size_bytes == (tmp_path / "c").stat().st_size
    assert [fields(s) for s in replayed(tmp_path / "c")] == [fields(s) for s in images(60)]


def test_record_keeps_what_it_has_when_the_device_falls_silent(tmp_path: Path) -> None:
    camera = create({"kind": "camera", "type": "replay", "path": recording(tmp_path)})
    inject(camera, [Stall(at=5, duration_s=3600.0)])
    path = tmp_path / "silent.mcap"
    with camera, Recorder(path) as recorder, pytest.raises(DriverTimeoutError):
        while True:
            recorder.write(camera.read(0.3), camera.spec)
    assert len(replayed(path)) == 5


def test_record_ends_in_time_when_nothing_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = inject(
        create({"kind": "camera", "type": "replay", "path": recording(tmp_path)}),
        [Stall(duration_s=3600.0)],
    )
    monkeypatch.setattr(recorder_module, "open_driver", lambda config: _opened(silent))
    done = record(None, tmp_path / "none.mcap", seconds=0.3)
    assert (done.samples, done.end) == (0, "seconds")
    with pytest.raises(DriverTimeoutError):
        record(None, tmp_path / "late.mcap", seconds=60.0, timeout_s=0.2)


def _opened(driver: Any) -> Any:
    driver.open()
    return driver


def test_attributes_of_the_wrong_type_are_refused() -> None:
    message = SimpleNamespace(
        encoding="mono8", height=1, width=1, step=1, is_bigendian=0, data=b"x"
    )
    assert IMAGE.decode(message, {"light": "left", "other": 1}).light == "left"
    for attributes in ({"light": 5}, {"trigger": "x"}, {"um_per_px": []}, {"gain_db": "high"}):
        with pytest.raises(ValueError, match="is"):
            IMAGE.decode(message, attributes)


def test_a_recorder_never_overwrites(tmp_path: Path) -> None:
    path = recording(tmp_path)
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="exists already"):
        Recorder(path)
    assert path.read_bytes() == before
    with pytest.raises(RecordingError, match=r"nowhere.a\.mcap"):
        Recorder(tmp_path / "nowhere" / "a.mcap")


def test_a_recorder_that_is_killed_leaves_what_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "killed.mcap"
    command = [sys.executable, str(Path(__file__).parent / "killed.py"), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(60):
            assert writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        written = 60 + writer.stdout.read().count("\n")
    kept = replayed(path)
    # a frame of 768 bytes: a chunk of 16 KiB that is not yet full holds 20 at most
    assert len(kept) >= written - 20
    assert [sample.seq for sample in kept] == list(range(len(kept)))
    assert "cut off" in replay_summary(path).loss


def test_a_summary_counts(tmp_path: Path) -> None:
    summary = replay_summary(recording(tmp_path))
    topic = summary.topics[TOPIC]
    assert list(summary.topics) == [TOPIC] and summary.loss == ""
    assert (topic.samples, topic.schema) == (60, "sensor_msgs/msg/Image")
    assert topic.seconds == pytest.approx(0.59) and topic.rate_hz == pytest.approx(100.0)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.0, 1.0, exclude_max=True))
def test_a_file_cut_anywhere_gives_its_whole_chunks_and_says_what_is_lost(
    tmp_path: Path, share: float
) -> None:
    whole = recording(tmp_path).read_bytes()
    cut = tmp_path / "cut.mcap"
    length = int(len(whole) * share)
    cut.write_bytes(whole[:length])
    wanted = [fields(sample) for sample in images(60)]
    try:
        got = [fields(sample) for sample in replayed(cut)]
        summary = replay_summary(cut)
    except RecordingError as error:
        assert length < len(MAGIC) or "no sample" in str(error)
        return
    assert got == wanted[: len(got)]
    assert str(cut) in summary.loss and f"of {length} bytes" in summary.loss


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_nothing(
    tmp_path: Path, share: float, bit: int
) -> None:
    damaged = bytearray(recording(tmp_path).read_bytes())
    damaged[int(len(damaged) * share)] ^= 1 << bit
    path = tmp_path / "damaged.mcap"
    path.write_bytes(damaged)
    wanted = {sample.seq: fields(sample) for sample in images(60)}
    try:
        got = replayed(path)
    except DriverError as error:
        assert str(path) in str(error)
        return
    assert all(fields(sample) == wanted[sample.seq] for sample in got)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an MCAP"),
        (b"PK\x03\x04" + bytes(100), "not an MCAP"),
        (MAGIC, "no sample"),
        (MAGIC + b"\x01" + struct.pack("<Q", 2**62), "exceeds limit"),
        (MAGIC + b"\x06" + struct.pack("<Q", 60) + bytes(60) + MAGIC, "damaged"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "bad.mcap"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=reason) as refused:
        create({"kind": "camera", "type": "replay", "path": path})
    assert str(path) in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mcap", tmp_path):
        with pytest.raises(RecordingError, match=path.name):
            create({"kind": "camera", "type": "replay", "path": path})


def _chunk(compression: str, data: bytes, size: int) -> bytes:
    name = compression.encode()
    body = struct.pack("<QQQII", 0, 0, size, 0, len(name)) + name
    body += struct.pack("<Q", len(data)) + data
    return MAGIC + b"\x06" + struct.pack("<Q", len(body)) + body


@pytest.mark.parametrize(
    ("claim", "reason"),
    [(MAX_RECORD_BYTES + 1, "over the limit"), (1000, "declares 1000")],
)
def test_a_decompression_bomb_is_refused_unopened(tmp_path: Path, claim: int, reason: str) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(64 * 2**20))
    path = tmp_path / "bomb.mcap"
    path.write_bytes(_chunk("zstd", bomb, claim))
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError, match=reason):
            list(McapFile(path).entries())
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def _foreign(path: Path, schema: str, messages: list[tuple[str, bytes]]) -> None:
    """A file by the mcap package itself, without sample info."""
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start("ros2")
        known = writer.register_schema(schema, "ros2msg", IMAGE.definition.encode())
        channels: dict[str, int] = {}
        for n, (topic, data) in enumerate(messages):
            if topic not in channels:
                channels[topic] = writer.register_channel(topic, "cdr", known)
            writer.add_message(channels[topic], 10**18 + n, data, 10**18 + n, n)
        writer.finish()


def _cdr_image(height: int, width: int, step: int, data: bytes, encoding: str = "mono8") -> bytes:
    """sensor_msgs/msg/Image in little-endian CDR, written by hand."""
    out = io.BytesIO(b"\x00\x01\x00\x00")
    out.seek(4)
    out.write(struct.pack("<iI", 77, 5) + struct.pack("<I", 2) + b"c\x00" + bytes(2))
    out.write(struct.pack("<II", height, width))
    name = encoding.encode() + b"\x00"
    out.write(struct.pack("<I", len(name)) + name + b"\x00")
    out.write(bytes(-(out.tell() - 4) % 4))
    out.write(struct.pack("<II", step, len(data)) + data)
    return out.getvalue()


def test_what_other_recorders_wrote_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "foreign.mcap"
    rows = bytes(range(40))  # 4 rows of 8 px with 2 bytes of padding each
    _foreign(path, IMAGE.schema, [("/c", _cdr_image(4, 8, 10, rows))] * 3)
    got = replayed(path, um_per_px=2.5)
    assert [sample.seq for sample in got] == [0, 1, 2]
    assert got[0].frame_id == "c" and got[0].device_time_ns == 77 * 10**9 + 5
    assert got[0].value.um_per_px == 2.5
    assert np.array_equal(got[0].value.pixels, np.arange(40).reshape(4, 10)[:, :8])


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (_cdr_image(50_000, 50_000, 50_000, b"1234"), "over 40000000 px"),
        (_cdr_image(4, 8, 8, bytes(31)), "31 bytes"),
        (_cdr_image(4, 8, 4, bytes(16)), "rows of 4"),
        (_cdr_image(0, 8, 8, b""), "empty"),
        (_cdr_image(4, 8, 8, bytes(32), "bayer_rggb8"), "bayer_rggb8"),
        (b"\x00\x01", "sample 1 of /c"),
        (b"", "sample 1 of /c"),
    ],
)
def test_a_broken_message_is_a_corrupt_sample(tmp_path: Path, message: bytes, reason: str) -> None:
    path = tmp_path / "broken.mcap"
    good = _cdr_image(4, 8, 8, bytes(32))
    _foreign(path, IMAGE.schema, [("/c", good), ("/c", message), ("/c", good)])
    topic = Topic(path, IMAGE)
    broken = list(topic.samples())[1]
    with pytest.raises(CorruptSampleError, match=reason):
        topic.decode(broken)
    assert [sample.seq for sample in replayed(path)] == [0, 2]


def test_two_image_topics_need_a_name(tmp_path: Path) -> None:
    path = tmp_path / "two.mcap"
    frames = [_cdr_image(4, 8, 8, bytes([n] * 32)) for n in range(4)]
    _foreign(path, IMAGE.schema, [("/a", frames[0]), ("/b", frames[1]), ("/a", frames[2])])
    with pytest.raises(RecordingError, match=r"name one, '/a' or '/b'"):
        replayed(path)
    assert [int(s.value.pixels[0, 0]) for s in replayed(path, topic="/b")] == [1]
    with pytest.raises(RecordingError, match=r"topic '/c'"):
        replayed(path, topic="/c")
