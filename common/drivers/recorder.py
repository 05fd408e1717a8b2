"""Recording to MCAP: any driver's samples, as ROS 2 messages (https://mcap.dev, profile ros2).

    with Recorder(path) as recorder, recorder.tee(camera) as camera:
        camera.read()

Foxglove, `ros2 bag` and rosbags open the file. Chunks are small and handed to the operating system
at once, so a recorder that is killed loses the samples of its last chunk and nothing before.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from mcap.records import Schema
from mcap_ros2.writer import Writer

from common.drivers.base import (
    Driver,
    DriverSpec,
    DriverTimeoutError,
    EndOfStreamError,
    Health,
    RecordingError,
)
from common.drivers.messages import INFO_DEFINITION, INFO_SCHEMA, INFO_SUFFIX, Codec, codec
from common.drivers.registry import open_driver
from common.drivers.stream import checksum
from common.types.stamped import Stamped

T = TypeVar("T")

CHUNK_BYTES = 16 * 1024
SPEC_METADATA = "lingnan.driver"  # one record a topic: SPEC_METADATA + " " + topic


def default_topic(spec: DriverSpec) -> str:
    """ "/camera/image_raw" for a camera, "/<kind>" else."""
    return "/camera/image_raw" if spec.kind == "camera" else f"/{spec.kind}"


class Recorder:
    """Writes one new file. RecordingError when it exists already or cannot be made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.samples = 0
        try:
            self._stream = path.open("xb")
        except FileExistsError as error:
            raise RecordingError(f"{path} exists already; choose another name") from error
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror or error}") from error
        self._writer = Writer(self._stream, chunk_size=CHUNK_BYTES)
        self._topics: dict[str, tuple[Codec[Any], Schema]] = {}
        self._info = self._writer.register_msgdef(INFO_SCHEMA, INFO_DEFINITION)

    def write(self, sample: Stamped[Any], spec: DriverSpec, topic: str = "") -> None:
        """Append one sample. RecordingError when the disk does not take it."""
        where = topic or default_topic(spec)
        try:
            kind, schema = self._topic(where, spec)
            times = {"log_time": sample.host_time_ns, "sequence": sample.seq & 0xFFFFFFFF}
            info = self._sample_info(sample, kind)
            self._writer.write_message(where + INFO_SUFFIX, self._info, info, **times)
            self._writer.write_message(where, schema, kind.encode(sample), **times)
            self._stream.flush()
        except OSError as error:
            raise RecordingError(f"{self.path}: {error.strerror or error}") from error
        self.samples += 1

    def tee(self, driver: Driver[T], topic: str = "") -> Driver[T]:
        """The same driver, with every sample that is read also written."""
        return Tee(driver, self, topic)

    def close(self) -> None:
        """Write the index and close; closing twice does nothing."""
        if not self._stream.closed:
            try:
                self._writer.finish()
            finally:
                self._stream.close()

    def _topic(self, topic: str, spec: DriverSpec) -> tuple[Codec[Any], Schema]:
        if topic not in self._topics:
            kind = codec(spec.kind)
            self._writer.add_metadata(
                f"{SPEC_METADATA} {topic}", {"spec_json": json.dumps(asdict(spec))}
            )
            schema = self._writer.register_msgdef(kind.schema, kind.definition)
            self._topics[topic] = (kind, schema)
        return self._topics[topic]

    def _sample_info(self, sample: Stamped[Any], kind: Codec[Any]) -> dict[str, Any]:
        return {
            "seq": sample.seq,
            "device_time_ns": sample.device_time_ns,
            "host_time_ns": sample.host_time_ns,
            "checksum": checksum(kind.view(sample.value)),
            "attributes_json": json.dumps(kind.attributes(sample.value)),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Tee(Driver[T], Generic[T]):
    """A driver whose samples are recorded as they are read, each once."""

    def __init__(self, driver: Driver[T], recorder: Recorder, topic: str = "") -> None:
        self._driver = driver
        self._recorder = recorder
        self._topic = topic
        self._last_seq = -1

    @property
    def spec(self) -> DriverSpec:
        return self._driver.spec

    @property
    def is_open(self) -> bool:
        return self._driver.is_open

    @property
    def health(self) -> Health:
        return self._driver.health

    def open(self) -> None:
        self._last_seq = -1
        self._driver.open()

    def close(self) -> None:
        self._driver.close()

    def read(self, timeout_s: float | None = None) -> Stamped[T]:
        return self._keep(self._driver.read(timeout_s))

    def read_latest(self, max_age_s: float) -> Stamped[T]:
        return self._keep(self._driver.read_latest(max_age_s))

    def _keep(self, sample: Stamped[T]) -> Stamped[T]:
        if sample.seq > self._last_seq:
            self._recorder.write(sample, self.spec, self._topic)
            self._last_seq = sample.seq
        return sample


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `record` did. `end`: why it stopped: "seconds", "frames", "end of stream"."""

    path: Path
    samples: int
    seconds: float
    size_bytes: int
    end: str
    health: Health


def record(
    config: Any,
    path: Path,
    *,
    seconds: float | None = None,
    frames: int | None = None,
    progress: Callable[[int, float], None] = lambda samples, seconds: None,
    timeout_s: float = 10.0,
) -> Recorded:
    """Open what `config` names and record it until `seconds` or `frames` are full, or it ends.

    progress(samples, seconds) is called after each sample. DriverTimeoutError when nothing comes
    for timeout_s; what was recorded until then, or until KeyboardInterrupt, is a whole file.
    """
    with open_driver(config) as driver, Recorder(path) as recorder:
        started = time.monotonic()
        end = ""
        while not end:
            left_s = math.inf if seconds is None else started + seconds - time.monotonic()
            end = _record_one(
                driver, recorder, min(timeout_s, left_s), is_last_wait=left_s < timeout_s
            )
            progress(recorder.samples, time.monotonic() - started)
            if frames is not None and recorder.samples >= frames:
                end = "frames"
        elapsed_s, health = time.monotonic() - started, driver.health
    return Recorded(path, recorder.samples, elapsed_s, path.stat().st_size, end, health)


def _record_one(
    driver: Driver[Any], recorder: Recorder, wait_s: float, *, is_last_wait: bool
) -> str:
    """Record one sample; why the recording ends, or ""."""
    if wait_s <= 0:
        return "seconds"
    try:
        recorder.write(driver.read(wait_s), driver.spec)
    except EndOfStreamError:
        return "end of stream"
    except DriverTimeoutError:
        if not is_last_wait:
            raise
        return "seconds"
    return ""
