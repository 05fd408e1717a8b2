"""Replay of a recorded topic through the contract of every driver, and a summary of a recording.

The samples are those of the recording, stamps and all, whenever and however often it is replayed;
only the pace is free.
"""

from __future__ import annotations

import json
import math
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from common.drivers.base import CorruptSampleError, DriverSpec, EndOfStreamError, RecordingError
from common.drivers.mcap_file import Entry, McapFile
from common.drivers.messages import INFO_DEFINITION, INFO_SCHEMA, INFO_SUFFIX, Codec, decoder
from common.drivers.messages import stamp_ns as header_stamp_ns
from common.drivers.recorder import SPEC_METADATA
from common.drivers.stream import RawSample, StreamDriver

T = TypeVar("T")

Pace = Literal["recorded", "fast"]
MAX_ATTRIBUTES = 64 * 1024  # characters of JSON beside a sample

_MALFORMED = (ValueError, TypeError, KeyError, IndexError, RecursionError, struct.error)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A sample as it lies in the file, and its SampleInfo where the recorder was ours."""

    index: int
    message: Entry
    info: bytes | None


class Topic(Generic[T]):
    """One topic of a recording; "" takes the only one that holds this kind of value.

    Others' recordings have no sample info: then seq counts from 0 and the device's time is the
    header's stamp.
    """

    def __init__(self, path: Path, codec: Codec[T], name: str = "") -> None:
        self.file = McapFile(path)
        self.name = name
        self._codec = codec
        self._decode = decoder(codec.schema, codec.definition)
        self._decode_info = decoder(INFO_SCHEMA, INFO_DEFINITION)

    def samples(self) -> Iterator[Encoded]:
        """In the order of the file. RecordingError at damage, or when the topic is not clear."""
        wanted, infos, index = self.name, {}, 0
        for entry in self.file.entries():
            if entry.schema == INFO_SCHEMA and entry.topic.endswith(INFO_SUFFIX):
                infos[entry.topic.removesuffix(INFO_SUFFIX)] = entry.data
            elif entry.schema == self._codec.schema and entry.topic == (wanted or entry.topic):
                wanted = entry.topic
                yield Encoded(index, entry, infos.pop(entry.topic, None))
                index += 1
            elif entry.schema == self._codec.schema and not self.name:
                raise RecordingError(
                    f"{self.file.path} has several topics of {self._codec.schema}: "
                    f"name one, {wanted!r} or {entry.topic!r}"
                )

    def decode(self, encoded: Encoded) -> tuple[RawSample[T], str]:
        """(sample, frame_id). CorruptSampleError when the message is not what it should be."""
        try:
            message = self._decode(encoded.message.data)
            stamp = self._stamp(encoded, message)
            value = self._codec.decode(message, stamp.pop("attributes"))
            if min(stamp["device_time_ns"], stamp["host_time_ns"], stamp["counter"]) < 0:
                raise ValueError("a time or a number before 0")
            return RawSample(value=value, **stamp), str(message.header.frame_id)
        except _MALFORMED as error:
            where = f"{self.file.path}: sample {encoded.index} of {encoded.message.topic}"
            raise CorruptSampleError(f"{where}: {error}") from error

    def _stamp(self, encoded: Encoded, message: Any) -> dict[str, Any]:
        if encoded.info is None:
            return {
                "counter": encoded.index,
                "device_time_ns": header_stamp_ns(message),
                "host_time_ns": encoded.message.log_time_ns,
                "attributes": {},
            }
        info = self._decode_info(encoded.info)
        if len(info.attributes_json) > MAX_ATTRIBUTES:
            raise ValueError(f"over {MAX_ATTRIBUTES} characters of attributes")
        return {
            "counter": info.seq,
            "device_time_ns": info.device_time_ns,
            "host_time_ns": info.host_time_ns,
            "checksum": info.checksum,
            "attributes": json.loads(info.attributes_json),
        }


class ReplayBackend(Generic[T]):
    """A recording as a device: reconnecting goes on, `rewind` starts again.

    `amend` may complete a value, e.g. with a calibration that the recording lacks.
    """

    def __init__(self, topic: Topic[T], pace: Pace, amend: Callable[[T], T] = lambda v: v) -> None:
        self._topic = topic
        self._pace = pace
        self._amend = amend
        self.rewind()

    def rewind(self) -> None:
        """Start again from the first sample."""
        self._samples = self._topic.samples()
        self._next: RawSample[T] | None = None
        self._epoch_s: float | None = None  # monotonic time of recorded host time 0

    def connect(self) -> None:
        """The file is opened when it is first read."""

    def disconnect(self) -> None:
        """The file is closed when it is rewound or read to its end."""

    def grab(self, timeout_s: float) -> RawSample[T] | None:
        """The next sample when its time has come. EndOfStreamError tells what a cut file lost."""
        if self._next is None:
            self._next = self._decoded()
        wait_s = self._due_in_s(self._next)
        time.sleep(min(max(wait_s, 0.0), timeout_s))
        if wait_s > timeout_s:
            return None
        sample, self._next = self._next, None
        return sample

    def _decoded(self) -> RawSample[T]:
        encoded = next(self._samples, None)
        if encoded is None:
            loss = self._topic.file.loss
            raise EndOfStreamError(loss or f"{self._topic.file.path}: end of the recording")
        raw, _ = self._topic.decode(encoded)
        return RawSample(
            raw.counter, raw.device_time_ns, self._amend(raw.value), raw.checksum, raw.host_time_ns
        )

    def _due_in_s(self, sample: RawSample[T]) -> float:
        if self._pace == "fast" or sample.host_time_ns is None:
            return 0.0
        now, recorded_s = time.monotonic(), sample.host_time_ns * 1e-9
        if self._epoch_s is None:
            self._epoch_s = now - recorded_s
        return self._epoch_s + recorded_s - now


class ReplayDriver(StreamDriver[T]):
    """A recorded topic of any kind. RecordingError when there is no such topic in the file."""

    def __init__(
        self,
        path: Path,
        codec: Codec[T],
        *,
        topic: str = "",
        pace: Pace = "recorded",
        frame_id: str = "",
        amend: Callable[[T], T] = lambda value: value,
    ) -> None:
        self._source = ReplayBackend(Topic(path, codec, topic), pace, amend)
        spec = recorded_spec(path, codec, topic, frame_id)
        super().__init__(spec, self._source, codec.view)

    def open(self) -> None:
        """From the first sample."""
        if not self.is_open:
            self._source.rewind()
        super().open()


def recorded_spec(path: Path, codec: Codec[T], topic: str, frame_id: str) -> DriverSpec:
    """What the recording holds, judged by its first sample."""
    source = Topic(path, codec, topic)
    first = next(source.samples(), None)
    if first is None:
        named = f"topic {topic!r}" if topic else f"topic of {codec.schema}"
        raise RecordingError(f"{path}: no sample of a {named}. {source.file.loss}".strip())
    try:
        raw, recorded_frame = source.decode(first)
    except CorruptSampleError as error:
        raise RecordingError(str(error)) from error
    array = codec.view(raw.value)
    rate_hz, unit = _declared(source.file.metadata.get(f"{SPEC_METADATA} {first.message.topic}"))
    frame = recorded_frame or frame_id or codec.kind
    return DriverSpec(
        codec.kind, "replay", frame, array.shape, str(array.dtype), rate_hz, unit, "every"
    )


def _declared(metadata: dict[str, str] | None) -> tuple[float | None, str]:
    """(rate_hz, unit) as the recorded driver declared them; (None, "") where it is not told."""
    try:
        values = json.loads((metadata or {})["spec_json"])
        rate = values["rate_hz"]
        is_rate = isinstance(rate, int | float) and math.isfinite(rate) and rate > 0
        return (float(rate) if is_rate else None), str(values["unit"])[:100]
    except (KeyError, ValueError, TypeError, RecursionError):
        return None, ""


@dataclass
class TopicSummary:
    """One topic of a recording. Times are the host's, Unix nanoseconds."""

    topic: str
    schema: str
    samples: int = 0
    payload_bytes: int = 0
    first_ns: int = 0
    last_ns: int = 0

    @property
    def seconds(self) -> float:
        """From the first to the last sample."""
        return (self.last_ns - self.first_ns) * 1e-9

    @property
    def rate_hz(self) -> float | None:
        """The mean rate, where two samples or more make one."""
        return (self.samples - 1) / self.seconds if self.seconds > 0 else None


@dataclass
class Summary:
    """A recording. `loss` says what a file that was cut off has lost; "" for a whole one."""

    path: Path
    size_bytes: int
    topics: dict[str, TopicSummary] = field(default_factory=dict)
    loss: str = ""


def replay_summary(path: Path) -> Summary:
    """Read the whole file with all its checksums. RecordingError says where it is damaged."""
    file = McapFile(path)
    topics: dict[str, TopicSummary] = {}
    for entry in file.entries():
        if entry.schema == INFO_SCHEMA:
            continue
        known = topics.setdefault(entry.topic, TopicSummary(entry.topic, entry.schema))
        known.first_ns = min(known.first_ns or entry.log_time_ns, entry.log_time_ns)
        known.last_ns = max(known.last_ns, entry.log_time_ns)
        known.samples += 1
        known.payload_bytes += len(entry.data)
    return Summary(path, path.stat().st_size, topics, file.loss)
