"""One call at a time in a folder: two that go on from one another's files would spoil them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import LingnanError


class FolderError(LingnanError):
    """The folder cannot be worked in."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make `folder` where it is missing and hold it; FolderError while another call holds it.

    The lock is the kernel's, on the folder itself: it leaves no file and ends with its process.
    A network drive that knows no locks is worked in without one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileExistsError, NotADirectoryError):
        raise FolderError(f"{folder} is no folder, or lies below a file: name another") from None
    except OSError as error:
        raise FolderError(f"{folder} cannot be written to: {error.strerror}") from error
    try:
        _lock(held, folder)
        yield
    finally:
        os.close(held)


def _lock(held: int, folder: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderError(
            f"{folder}: another call is at work there: wait for its end, or name another folder"
        ) from None
    except OSError:
        return
