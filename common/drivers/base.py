"""The contract of every driver, its health and its errors.

A driver is made from a config, declares what it will deliver (`spec`) before it is opened, and
then hands over stamped samples. Simulated, replayed and real devices differ in `spec.type` alone.

    with open_driver(config) as camera:
        sample = camera.read(timeout_s=1.0)

Life: made -> open() -> close() -> open() again, as often as needed. Opening an open driver is
refused (AlreadyOpenError): two owners of one device is a mistake of the caller. Closing twice is
no error. `with` opens the driver unless it is open, and closes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import ClassVar, Generic, Literal, Self, TypeVar

from common.errors import LingnanError
from common.types.stamped import Stamped

T = TypeVar("T")

Delivery = Literal["newest", "every"]


class DriverError(LingnanError):
    """A driver cannot do what was asked. `recoverable`: reconnecting may help."""

    recoverable: ClassVar[bool] = True


class NotOpenError(DriverError):
    """The driver was never opened."""


class ClosedError(NotOpenError):
    """The driver was closed, maybe while this read was waiting."""


class AlreadyOpenError(DriverError):
    """open() on a driver that is open."""


class DriverTimeoutError(DriverError, TimeoutError):
    """No sample came in the time allowed."""


class StaleError(DriverError):
    """The newest sample is older than allowed, or there is none yet."""


class DisconnectedError(DriverError):
    """The device is not reachable."""


class CorruptSampleError(DriverError):
    """A sample does not have its declared shape or type, or its checksum is wrong."""


class EndOfStreamError(DriverError):
    """The recording or file has no more samples."""

    recoverable = False


class RecordingError(DriverError):
    """A recording is not one, is damaged, or asks for more than the limits allow."""

    recoverable = False


class ConfigError(DriverError):
    """A driver's config names something that does not exist or is not allowed."""

    recoverable = False


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """What a driver delivers, known before it is opened.

    kind, type: "camera", "sim"; together the key of the registry.
    frame_id: the coordinate frame of the values.
    shape, dtype: of each sample's array, e.g. (1024, 1024) and "uint8".
    rate_hz: samples a second; None where samples come on a trigger only.
    unit: of the array's numbers, e.g. "DN" for the digital numbers of a camera.
    delivery: "newest" for live devices: a slow consumer loses the oldest samples, counted as
        overruns. "every" for recordings: a slow consumer holds the source back, nothing is lost.
    """

    kind: str
    type: str
    frame_id: str
    shape: tuple[int, ...]
    dtype: str
    rate_hz: float | None
    unit: str
    delivery: Delivery = "newest"

    def __post_init__(self) -> None:
        if self.rate_hz is not None and not self.rate_hz > 0:
            raise ValueError(f"rate_hz must be > 0 or None, got {self.rate_hz}")
        if not self.shape or min(self.shape) <= 0:
            raise ValueError(f"shape must be positive, got {self.shape}")


class State(Enum):
    """READY: samples come as declared. DEGRADED: late, lost or damaged. UNAVAILABLE: none come."""

    READY = "ready"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Counters:
    """What happened since the driver was opened, in samples.

    received: delivered to the queue. dropped: gaps of the device's counter, whether the sample
    never came, came too late or came corrupt. overruns: taken off the queue unread. corrupt,
    duplicates, reordered: came, and were refused. clock_steps: the device's clock was set.
    reconnects: connections made after the first.
    """

    received: int = 0
    dropped: int = 0
    overruns: int = 0
    corrupt: int = 0
    duplicates: int = 0
    reordered: int = 0
    clock_steps: int = 0
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """The driver's state at this moment; `reason` is "" when READY."""

    state: State
    reason: str = ""
    counters: Counters = field(default_factory=Counters)


class Driver(ABC, Generic[T]):
    """A source of stamped samples. One thread may read; close() and health may be called by any."""

    @property
    @abstractmethod
    def spec(self) -> DriverSpec:
        """What will be delivered; valid before open()."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether open() succeeded and close() was not called since."""

    @property
    @abstractmethod
    def health(self) -> Health:
        """The state now; never blocks."""

    @abstractmethod
    def open(self) -> None:
        """Connect. AlreadyOpenError when open, DisconnectedError when the device is not there."""

    @abstractmethod
    def close(self) -> None:
        """Disconnect; a read that waits raises ClosedError at once. Closing twice does nothing."""

    @abstractmethod
    def read(self, timeout_s: float | None = None) -> Stamped[T]:
        """The next sample in order; None waits until one comes.

        DriverTimeoutError, ClosedError, NotOpenError, or EndOfStreamError at a recording's end.
        """

    @abstractmethod
    def read_latest(self, max_age_s: float) -> Stamped[T]:
        """The newest sample, if it was captured less than `max_age_s` ago; never waits.

        Older ones are passed over: read() will not return them. The same sample may be returned
        twice. StaleError when there is none so fresh, EndOfStreamError when none can come.
        """

    def __enter__(self) -> Self:
        if not self.is_open:
            self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
