"""What the service is told when it is made; light, so that the command line can show it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from common.types.image import MAX_PIXELS

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseModel):
    """Limits and places of one service.

    token: what a caller must show; see `common.service.tokens` for how one is made.
    state_dir: where accepted records lie.
    report: folder that `lingnan accept` wrote, shown on the dashboard; None shows none.
    hosts: values of the Host header (without the port) that are answered; a page that rebinds its
        DNS name to this machine sends another.
    max_body_bytes: a request's body in all, multipart overhead included.
    max_pixels: width times height of an uploaded image.
    max_elements: numbers in one input tensor; four channels of 1024 x 1024.
    max_uploads: requests with a body that are read or worked on at once. It bounds the memory:
        max_uploads * max_body_bytes, and what is decoded from them.
    body_s: how long a body may take to arrive.
    workers, max_waiting: threads that work, and calls that may wait for one.
    deadline_s: how long a caller waits for a result, from being admitted.
    max_viewers: streams of one kind that are open at once.
    stream_s: a stream is closed after so long (a browser opens it again), so that a forgotten
        connection does not stay for ever.
    drain_s: how long a stopping server waits for the work that it took.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr
    state_dir: Path
    report: Path | None = None
    hosts: tuple[str, ...] = LOOPBACK
    max_body_bytes: Positive = 32 * 2**20
    max_pixels: Positive = MAX_PIXELS
    max_elements: Positive = 4 * 2**20
    max_uploads: Positive = 12
    body_s: Seconds = 60.0
    workers: Positive = 2
    max_waiting: Positive = 8
    deadline_s: Seconds = 30.0
    max_viewers: Positive = 16
    stream_s: Seconds = 3600.0
    drain_s: Seconds = 20.0
