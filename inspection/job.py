"""The job file: all that a taught inspection needs, in one file whose every byte is checked.

A zip archive, stored without compression, with fixed dates and sorted names, so that the same
teaching gives the same bytes: `job.json`, `models/*.onnx`, `arrays/*.npy`. Its comment, the last
64 bytes of the file, is the sha256 of all bytes before it.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from math import prod
from pathlib import Path
from sys import float_info
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from inspection.methods.base import Method, State
from inspection.methods.table import restore

FORMAT = 1
MAX_FILE_BYTES = 1 << 30  # above any job here; bounds what an unknown file may ask for
MAX_MEMBERS = 256
MAX_RECIPE_BYTES = 16 << 20
ORIGIN = "origin.job"
_DIGEST_BYTES = 64
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
_DATE = (1980, 1, 1, 0, 0, 0)


class JobError(LingnanError):
    """A job file that is not one, was changed, or asks for too much."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A taught inspection.

    kind: the method's name in `inspection.methods.table`. state: what the method learned.
    threshold: `Threshold.to_json()`; its "value" decides. recipe: what it was taught for and
        how (layout, image shape, whether a reference is needed, settings). statistics: what was
        measured at teaching. taught_sha256: the image files it learned from; taught_parts: the
        parts they show.
    station: what is known of the stations it was taught on and moved to
        (`inspection.migrate.package`). origin: of a moved job, the original's bytes.
    """

    kind: str
    state: State
    threshold: Mapping[str, Any]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)
    taught_sha256: frozenset[str] = frozenset()
    taught_parts: frozenset[str] = frozenset()
    station: Mapping[str, Any] = field(default_factory=dict)
    origin: bytes | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The JSON settings that `Method.from_state` gets: the recipe's and the threshold."""
        return {**self.recipe.get("settings", {}), "threshold": self.threshold["value"]}

    def method(self) -> Method:
        """The method, ready to inspect on its station. LingnanError when the job lacks what its
        method needs."""
        try:
            method = restore(self.kind, self.state, self.settings)
        except (KeyError, TypeError, ValueError) as error:
            raise LingnanError(
                f"the job does not hold what {self.kind} needs ({error!r}); teach it again"
            ) from error
        if not self.station:
            return method
        from inspection.migrate.relocated import relocated  # a job at home needs none of it

        return relocated(method, self.station)

    def to_bytes(self) -> bytes:
        """The job file's bytes; equal jobs give equal bytes."""
        members = dict(_members(self.state))
        if self.origin is not None:
            members[ORIGIN] = self.origin
        sheet = {
            "format": FORMAT,
            "lingnan": version("lingnan"),
            "kind": self.kind,
            "threshold": dict(self.threshold),
            "recipe": dict(self.recipe),
            "statistics": dict(self.statistics),
            "taught_sha256": sorted(self.taught_sha256),
            "taught_parts": sorted(self.taught_parts),
            "members": {
                name: {"sha256": sha256(payload).hexdigest(), "bytes": len(payload)}
                for name, payload in members.items()
            },
        }
        if self.station:  # a job that was never moved has the bytes it always had
            sheet["station"] = dict(self.station)
        text = json.dumps(sheet, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
        return _sealed({"job.json": text.encode(), **members})

    def save(self, path: Path) -> None:
        """Write the job file; an existing one is replaced at once or not at all."""
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(self.to_bytes())
            beside.replace(path)
        except OSError as error:
            raise JobError(path, f"cannot be written: {error.strerror}") from error
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Job:
        """Read and verify a job file; JobError says what is wrong with it."""
        return cls.from_bytes(_read(path), path)

    @staticmethod
    def read(path: Path) -> bytes:
        """A job file's bytes, not verified yet; JobError when it cannot be had."""
        return _read(path)

    @classmethod
    def from_bytes(cls, payload: bytes, path: Path = Path("job")) -> Job:
        """Verify a job file's bytes; `path` is for the messages only."""
        try:
            members = _opened(payload)
            sheet = _sheet(members)
            origin = members.get(ORIGIN)
            state = dict(_state(sheet["members"], members))
            return cls(
                kind=sheet["kind"],
                state=state,
                threshold=sheet["threshold"],
                recipe=sheet["recipe"],
                statistics=sheet["statistics"],
                taught_sha256=frozenset(sheet["taught_sha256"]),
                taught_parts=frozenset(sheet["taught_parts"]),
                station=_station(sheet, origin),
                origin=origin,
            )
        except _RefusedError as refused:
            raise JobError(path, str(refused)) from refused


def can_be_written(path: Path) -> None:
    """JobError where a job could not be saved there, or would replace a file that is none: to be
    asked before any work is done for it."""
    if not path.parent.is_dir():
        raise JobError(path, "cannot be written: there is no such folder")
    if not os.access(path.parent, os.W_OK):
        raise JobError(path, "cannot be written: its folder is read-only")
    if path.is_dir():
        raise JobError(path, "is a folder: name a file in it for the job")
    if path.exists() and not _read(path).startswith(b"PK"):
        raise JobError(path, "is there already and no job: name another file")


class _RefusedError(Exception):
    """Why; the path is put before it where it is known."""


def _members(state: State) -> list[tuple[str, bytes]]:
    members = []
    for name in sorted(state):
        if not _NAME.fullmatch(name):
            raise ValueError(f"a state's name is a-z, 0-9 and _, got {name!r}")
        value = state[name]
        if isinstance(value, bytes):
            members.append((f"models/{name}.onnx", value))
        else:
            members.append((f"arrays/{name}.npy", _npy(value)))
    return members


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    plain = np.ascontiguousarray(array).reshape(array.shape)
    np.lib.format.write_array(buffer, plain, allow_pickle=False)
    return buffer.getvalue()


def _sealed(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, payload in members.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 3  # the same bytes on every system
            info.external_attr = 0o644 << 16
            archive.writestr(info, payload)
        archive.comment = b"0" * _DIGEST_BYTES
    body = buffer.getvalue()[:-_DIGEST_BYTES]
    return body + sha256(body).hexdigest().encode()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            payload = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise JobError(path, "no such job file; `lingnan inspection teach` writes one") from error
    except OSError as error:
        raise JobError(path, f"cannot be read: {error.strerror}") from error
    if len(payload) > MAX_FILE_BYTES:
        raise JobError(path, f"over {MAX_FILE_BYTES >> 20} MiB, which no job is")
    return payload


def _opened(payload: bytes) -> dict[str, bytes]:
    """The members' bytes. The seal first, so that a damaged file is never parsed."""
    body, seal = payload[:-_DIGEST_BYTES], payload[-_DIGEST_BYTES:]
    if not body.startswith(b"PK"):
        raise _RefusedError("not a job file")
    if sha256(body).hexdigest().encode() != seal:
        raise _RefusedError("damaged or changed: its bytes do not agree with its seal")
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            infos = archive.infolist()
            _check_infos(infos, len(payload))
            return {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise _RefusedError(f"not a job file: {error}") from error


def _check_infos(infos: list[zipfile.ZipInfo], total: int) -> None:
    if len(infos) > MAX_MEMBERS:
        raise _RefusedError(f"{len(infos)} members; a job has at most {MAX_MEMBERS}")
    if len({info.filename for info in infos}) != len(infos):
        raise _RefusedError("a member is there twice")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise _RefusedError(f"member {info.filename!r} is compressed; a job's never are")
    if sum(info.file_size for info in infos) > total:
        raise _RefusedError("its members claim more bytes than the file has")


def _sheet(members: Mapping[str, bytes]) -> dict[str, Any]:
    text = members.get("job.json")
    if text is None or len(text) > MAX_RECIPE_BYTES:
        raise _RefusedError("job.json is missing or too long")
    try:
        sheet = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _RefusedError(f"job.json is not JSON: {error}") from error
    if not isinstance(sheet, dict) or sheet.get("format") != FORMAT:
        raise _RefusedError(f"job.json is not of format {FORMAT}; teach the job again")
    wanted = {"kind": str, "threshold": dict, "recipe": dict, "statistics": dict}
    wanted |= {"members": dict, "taught_sha256": list, "taught_parts": list}
    for name, kind in wanted.items():
        if not isinstance(sheet.get(name), kind):
            raise _RefusedError(f"job.json has no {name}")
    value = sheet["threshold"].get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedError("job.json has no threshold")
    if not abs(value) <= float_info.max:  # NaN, infinite, or an integer that is no float
        raise _RefusedError("job.json's threshold is not a finite number")
    if not all(isinstance(v, str) for k in ("taught_sha256", "taught_parts") for v in sheet[k]):
        raise _RefusedError("job.json lists what it was taught on wrongly")
    return sheet


def _station(sheet: Mapping[str, Any], origin: bytes | None) -> dict[str, Any]:
    station = sheet.get("station", {})
    if not isinstance(station, dict):
        raise _RefusedError("job.json's station is not one")
    named = station.get("origin_sha256")
    if named != (None if origin is None else sha256(origin).hexdigest()):
        raise _RefusedError("the original inside is not the one that the job was moved from")
    return station


def _state(
    listed: Mapping[str, Any], members: Mapping[str, bytes]
) -> list[tuple[str, bytes | NDArray[Any]]]:
    if set(listed) != set(members) - {"job.json"}:
        odd = sorted(set(listed) ^ (set(members) - {"job.json"}))
        raise _RefusedError(f"extra or missing members: {', '.join(odd)}")
    state = []
    for path, entry in sorted(listed.items()):
        payload = members[path]
        if not isinstance(entry, dict) or sha256(payload).hexdigest() != entry.get("sha256"):
            raise _RefusedError(f"{path}: its bytes are not those that job.json names")
        if path == ORIGIN:
            continue
        state.append(_value(path, payload))
    if len(dict(state)) != len(state):
        raise _RefusedError("a model and an array have the same name")
    return state


def _value(path: str, payload: bytes) -> tuple[str, bytes | NDArray[Any]]:
    folder, _, file = path.partition("/")
    name, _, suffix = file.partition(".")
    if not _NAME.fullmatch(name) or (folder, suffix) not in {("models", "onnx"), ("arrays", "npy")}:
        raise _RefusedError(f"{path!r} is not a member that a job has")
    return name, payload if folder == "models" else _array(path, payload)


def _array(path: str, payload: bytes) -> NDArray[Any]:
    """Parse .npy by hand: numpy would allocate what a header claims before it looks at the data."""
    stream = io.BytesIO(payload)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("not of .npy version 1.0")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        if dtype.kind not in "biuf" or fortran or min(shape, default=0) < 0:
            raise ValueError(f"{dtype} of shape {shape} is not an array that a job has")
        if prod(shape) * dtype.itemsize != len(payload) - stream.tell():
            raise ValueError("its header does not agree with its data")
        return np.frombuffer(payload, dtype, offset=stream.tell()).reshape(shape)
    except (ValueError, SyntaxError, TokenError) as error:  # numpy reads odd headers as Python
        raise _RefusedError(f"{path}: {error}") from error
