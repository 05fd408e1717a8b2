"""Reads a file whole, once, and only if it is a plain file of its own.

Symbolic links and hard links are refused: both let somebody who cannot write here choose or
change what is read here. Names are resolved against the opened folder, so that the folder cannot
be exchanged between the check and the read.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.runtime.errors import WeightsError

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not block


@dataclass(frozen=True, slots=True)
class Folder:
    """An opened folder; `path` is for messages only."""

    path: Path
    fd: int

    def names(self) -> frozenset[str]:
        """Names of everything in the folder, hidden ones too."""
        return frozenset(os.listdir(self.fd))  # noqa: PTH208 - pathlib cannot list a descriptor

    def read(self, name: str, max_bytes: int) -> bytes:
        """The bytes of plain file `name`. WeightsError where it is not one, or over max_bytes."""
        if not name or name in (".", "..") or "/" in name or "\0" in name:
            raise WeightsError(f"{self.path}: {name!r} is not a plain file name")
        return _read(name, self.path / name, max_bytes, self.fd)


@contextmanager
def open_folder(path: Path) -> Iterator[Folder]:
    """Hold the folder open while files are read from it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise WeightsError(f"{path}: not a readable folder ({error.strerror})") from None
    try:
        yield Folder(path, fd)
    finally:
        os.close(fd)


def read_file(path: Path, max_bytes: int) -> bytes:
    """As `Folder.read`, for a path that a person named."""
    return _read(str(path), path, max_bytes, None)


def _read(name: str, shown: Path, max_bytes: int, folder_fd: int | None) -> bytes:
    try:
        fd = os.open(name, _FLAGS, dir_fd=folder_fd)
    except OSError as error:
        why = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise WeightsError(f"{shown}: {why}") from None
    try:
        _check(os.fstat(fd), shown, max_bytes)
        with os.fdopen(fd, "rb", closefd=False) as file:
            payload = file.read(max_bytes + 1)
    finally:
        os.close(fd)
    if len(payload) > max_bytes:
        raise WeightsError(f"{shown}: grew over {max_bytes} bytes while it was read")
    return payload


def _check(status: os.stat_result, shown: Path, max_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise WeightsError(f"{shown}: is not a regular file")
    if status.st_nlink != 1:
        raise WeightsError(
            f"{shown}: has {status.st_nlink} hard links, so it can be changed from elsewhere; "
            "copy it (installers that link from a cache: uv --link-mode=copy)"
        )
    if status.st_size > max_bytes:
        raise WeightsError(f"{shown}: {status.st_size} bytes, over the limit of {max_bytes}")
