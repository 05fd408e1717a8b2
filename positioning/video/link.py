"""The detector's graph over two processes, and what happens when the link between them is lost.

    python -m positioning.video.link --port 5620          # the far half

The near half has the whole graph: without an answer in time it goes on by itself, says so, and
tries the link again later.
"""

from __future__ import annotations

import argparse
import socket
import struct
import time
from dataclasses import dataclass
from typing import Literal

from common.errors import LingnanError
from common.types.detections import Detections
from positioning.video.detector import Detector
from positioning.video.partition import CUTS, MOST_BYTES, Cut, after, before, packed, unpacked

_LENGTH = struct.Struct("!I")
DAMAGED = MOST_BYTES + 1  # in place of a length: the far half could not use the payload


class RefusedError(LingnanError):
    """The other half could not use a payload."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """found: boxes; by: the half that finished them; why: what was wrong with the link; sent:
    bytes handed over."""

    found: Detections
    by: Literal["near", "far"]
    why: str = ""
    sent: int = 0


class Split:
    """The near half. timeout_s: for an answer and for the link to be made; retry_s: between two
    tries to make it again."""

    def __init__(
        self,
        cut: Cut,
        address: tuple[str, int],
        *,
        detector: Detector | None = None,
        timeout_s: float = 0.1,
        retry_s: float = 1.0,
    ) -> None:
        self._cut, self._address = cut, address
        self._detector = detector or Detector()
        self._timeout_s, self._retry_s = timeout_s, retry_s
        self._socket: socket.socket | None = None
        self._tried_s = float("-inf")
        self._why = "not connected yet"

    def __enter__(self) -> Split:
        return self

    def __exit__(self, *_: object) -> None:
        self._lose("closed")

    def detect(self, jpeg: bytes) -> Answer:
        """Of one frame; PictureError for a damaged one."""
        payload = before(self._detector, jpeg, self._cut)
        try:
            link = self._linked()
            send(link, bytes([CUTS.index(self._cut)]) + payload)
            return Answer(unpacked(receive(link)), "far", sent=len(payload))
        except RefusedError as error:
            self._why = str(error)
        except (OSError, LingnanError) as error:
            self._lose(str(error) or type(error).__name__)
        return Answer(after(self._detector, payload, self._cut), "near", self._why)

    def _linked(self) -> socket.socket:
        if self._socket is None:
            if time.monotonic() - self._tried_s < self._retry_s:
                raise ConnectionError(self._why)
            self._tried_s = time.monotonic()
            self._socket = socket.create_connection(self._address, self._timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(self._timeout_s)
        return self._socket

    def _lose(self, why: str) -> None:
        """A link that answered late is closed: its next answer would be that of another frame."""
        self._why = why
        if self._socket is not None:
            self._socket.close()
            self._socket, self._tried_s = None, time.monotonic()


def serve(listening: socket.socket, detector: Detector) -> None:
    """The far half, whatever the cut: one near half after the other, until the socket is closed."""
    while True:
        try:
            link, _ = listening.accept()
        except OSError:
            return
        with link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _answer(link, detector)


def _answer(link: socket.socket, detector: Detector) -> None:
    while True:
        try:
            payload = receive(link)
        except (OSError, LingnanError):
            return
        try:
            send(link, packed(after(detector, payload[1:], CUTS[payload[0]])))
        except (LingnanError, IndexError):
            link.sendall(_LENGTH.pack(DAMAGED))
        except OSError:
            return


def send(link: socket.socket, payload: bytes) -> None:
    """Length and bytes."""
    link.sendall(_LENGTH.pack(len(payload)) + payload)


def receive(link: socket.socket) -> bytes:
    """ConnectionError at the end, RefusedError for a payload that is refused or too long."""
    (length,) = _LENGTH.unpack(_exactly(link, _LENGTH.size))
    if length > MOST_BYTES:
        raise RefusedError("the other half refused the payload, or its answer is too long")
    return _exactly(link, length)


def _exactly(link: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = link.recv(count - len(parts))
        if not part:
            raise ConnectionError("the other half is gone")
        parts += part
    return bytes(parts)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="The far half of the detector.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    told = parser.parse_args()
    with socket.create_server((told.host, told.port)) as listening:
        print(f"listening on {listening.getsockname()[1]}", flush=True)
        serve(listening, Detector())


if __name__ == "__main__":
    main()
