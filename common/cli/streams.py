"""`lingnan record` and `lingnan replay`: drivers' samples to a file and back."""

from __future__ import annotations

import json
import sys
import time
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from common.errors import LingnanError

Json = Annotated[bool, Parameter(name="--json", negative="", help="print JSON")]
MAX_CONFIG_BYTES = 2**20
LINE_EVERY_S = 10.0


def record(
    source: Annotated[str, Parameter(help="a config file (.toml, .json), or kind/type")],
    out: Annotated[Path, Parameter(help="new MCAP file")],
    *,
    seconds: Annotated[float | None, Parameter(help="stop after so long")] = None,
    frames: Annotated[int | None, Parameter(help="stop after so many samples")] = None,
    as_json: Json = False,
) -> int:
    """Record what a driver delivers until the limit, its end or Ctrl-C."""
    from common.drivers.recorder import record as run

    for name, limit in (("--seconds", seconds), ("--frames", frames)):
        if limit is not None and not limit > 0:
            raise LingnanError(f"{name} must be more than 0, got {limit}")
    config = read_config(source)
    with _Progress(frames) as shown:
        try:
            done = run(config, out, seconds=seconds, frames=frames, progress=shown.update)
        except KeyboardInterrupt:
            print(f"lingnan: stopped; what was recorded until then is in {out}", file=sys.stderr)
            return 130
    found = {
        "path": str(done.path),
        "samples": done.samples,
        "seconds": round(done.seconds, 3),
        "bytes": done.size_bytes,
        "end": done.end,
        "dropped": done.health.counters.dropped,
        "overruns": done.health.counters.overruns,
    }
    _tell(found, as_json)
    return 0


def replay(
    file: Annotated[Path, Parameter(help="an MCAP recording")],
    *,
    topic: Annotated[str, Parameter(help="the topic; the only one of its kind without")] = "",
    kind: Annotated[str, Parameter(help="what the topic holds")] = "camera",
    pace: Annotated[
        Literal["recorded", "fast"], Parameter(help="recorded keeps the intervals")
    ] = "fast",
    as_json: Json = False,
) -> int:
    """Replay a topic through the drivers' contract and tell the hash of all its samples.

    The hash is over stamps and values: two replays of one recording must give the same.
    """
    from common.drivers.replay import replay_summary

    summary = replay_summary(file)
    topics = [
        {
            "topic": t.topic,
            "schema": t.schema,
            "samples": t.samples,
            "seconds": round(t.seconds, 3),
            "rate_hz": None if t.rate_hz is None else round(t.rate_hz, 3),
        }
        for t in summary.topics.values()
    ]
    config = {"kind": kind, "type": "replay", "path": file, "topic": topic, "pace": pace}
    samples, digest = _hash_samples(config)
    found = {
        "path": str(file),
        "bytes": summary.size_bytes,
        "loss": summary.loss,
        "topics": topics,
        "replayed": samples,
        "sha256": digest,
    }
    _tell(found, as_json)
    return 0


def read_config(source: str) -> dict[str, Any]:
    """A driver's config from a file, or the defaults of "kind/type"; an error names the file."""
    path = Path(source)
    if path.suffix not in (".toml", ".json"):
        kind, slash, name = source.partition("/")
        if slash and kind and name and "/" not in name:
            return {"kind": kind, "type": name}
        raise LingnanError(f"{source} is neither a .toml or .json file nor kind/type (camera/sim)")
    if not path.is_file():
        raise LingnanError(f"{path} does not exist")
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise LingnanError(f"{path} is over {MAX_CONFIG_BYTES} bytes, too large for a config")
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LingnanError(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise LingnanError(f"{path} holds no table of settings")
    return values


def _hash_samples(config: dict[str, Any]) -> tuple[int, str]:
    """How many samples a driver gives to its end, and the hash over all of them."""
    import hashlib

    from common.drivers.base import EndOfStreamError
    from common.drivers.registry import open_driver
    from common.drivers.stream import StreamDriver

    digest, samples = hashlib.sha256(), 0
    with open_driver(config) as driver, _Progress(None) as shown:
        if not isinstance(driver, StreamDriver):
            raise LingnanError(f"{driver.spec.kind}/{driver.spec.type} gives no arrays to hash")
        begun_s = time.monotonic()
        while True:
            try:
                sample = driver.read(timeout_s=None)
            except EndOfStreamError:
                return samples, digest.hexdigest()
            array = driver.view(sample.value)
            head = f"{sample.seq} {sample.device_time_ns} {sample.host_time_ns} {array.shape}\n"
            digest.update(head.encode() + array.tobytes())
            samples += 1
            shown.update(samples, time.monotonic() - begun_s)


def _tell(found: dict[str, Any], as_json: bool) -> None:
    from common.cli.output import print_json

    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        lines = value if isinstance(value, list) else [value]
        for line in lines:
            told = (
                "  ".join(f"{k} {v}" for k, v in line.items()) if isinstance(line, dict) else line
            )
            print(f"{name:9} {told}")


class _Progress:
    """Samples and seconds: a moving line on a terminal, one line every ten seconds elsewhere."""

    def __init__(self, total: int | None) -> None:
        self._total = f"/{total}" if total else ""
        self._moving = sys.stderr.isatty()
        self._last_s = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._moving:
            print(file=sys.stderr)

    def update(self, samples: int, seconds: float) -> None:
        """Tell, but not too often."""
        now_s = time.monotonic()
        if now_s - self._last_s >= (0.2 if self._moving else LINE_EVERY_S):
            self._last_s = now_s
            head, end = ("\r", "") if self._moving else ("", "\n")
            told = f"{head}{samples}{self._total} samples, {seconds:.1f} s"
            print(told, end=end, file=sys.stderr, flush=True)
