"""Where a node's samples come from: a topic, or a driver read in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from common.drivers.base import (
    Counters,
    Driver,
    DriverError,
    DriverTimeoutError,
    Health,
    NotOpenError,
    State,
)
from common.ros.convert import Codec
from common.ros.errors import MessageError
from common.ros.ros2 import LifecycleNode, qos_profile_sensor_data
from common.types.stamped import Stamped

T = TypeVar("T")
Handle = Callable[[Stamped[T]], None]
READ_TIMEOUT_S = 0.2  # how soon a reading thread notices that it is to stop


class Source(Protocol[T]):
    """Opened when made; hands samples over between start() and stop()."""

    @property
    def health(self) -> Health:
        """Of the device or the stream."""

    def start(self, handle: Handle[T]) -> None:
        """Hand each sample to `handle`, in order, one at a time."""

    def stop(self) -> None:
        """No call of `handle` is running or comes after this returns."""

    def close(self) -> None:
        """Release the device."""


class TopicSource(Generic[T]):
    """Messages of a topic with the QoS of sensor data: best effort, the newest few."""

    def __init__(self, node: LifecycleNode, codec: Codec[T], topic: str) -> None:
        self._node, self._codec, self._topic = node, codec, topic
        self._subscription: Any = None
        self._received = self._corrupt = 0
        self._reason = ""

    @property
    def health(self) -> Health:
        """DEGRADED from a message that could not be read until the next that could."""
        counters = Counters(received=self._received, corrupt=self._corrupt)
        return Health(State.DEGRADED if self._reason else State.READY, self._reason, counters)

    def start(self, handle: Handle[T]) -> None:
        """Subscribe; calls come from the executor that spins the node."""

        def receive(message: Any) -> None:
            try:
                sample = self._codec.decode(message, self._received)
            except MessageError as error:
                self._corrupt += 1
                self._reason = f"{self._topic}: {error}"
                return
            self._received += 1
            self._reason = ""
            handle(sample)

        self._subscription = self._node.create_subscription(
            self._codec.message, self._topic, receive, qos_profile_sensor_data
        )

    def stop(self) -> None:
        """Unsubscribe; an inactive node takes no bandwidth."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def close(self) -> None:
        """Nothing else is held."""
        self.stop()


class DriverSource(Generic[T]):
    """Samples of a driver, read and handled in one thread."""

    def __init__(self, driver: Driver[T]) -> None:
        self._driver = driver
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        driver.open()

    @property
    def health(self) -> Health:
        """The driver's own."""
        return self._driver.health

    def start(self, handle: Handle[T]) -> None:
        """Read until stop(), or until a recording ends."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, args=(handle,), name="driver source")
        self._thread.start()

    def stop(self) -> None:
        """Waits for the sample in hand."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Stop, then close the driver."""
        self.stop()
        self._driver.close()

    def _work(self, handle: Handle[T]) -> None:
        while not self._stopping.is_set():
            try:
                sample = self._driver.read(timeout_s=READ_TIMEOUT_S)
            except DriverTimeoutError:
                continue
            except DriverError as error:
                if not error.recoverable or isinstance(error, NotOpenError):
                    return  # no sample can come any more; the driver's health says why
                self._stopping.wait(READ_TIMEOUT_S)  # the driver reconnects meanwhile
                continue
            handle(sample)
