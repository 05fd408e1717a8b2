"""The bytes of a GNSS file: bounded, unpacked from gzip and Hatanaka compression."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from common.errors import MissingExtraError
from positioning.gnss.formats.errors import GnssFileError

LIMIT_BYTES = 1 << 30
"""Of a file, packed or not: a day at 20 Hz of 60 satellites on three bands is below it."""

_GZIP = b"\x1f\x8b"
_COMPACT_LABEL = b"CRINEX VERS   / TYPE"


def read(path: Path) -> bytes:
    """The file's plain text, unpacked where it is gzip or compact RINEX.

    Raises GnssFileError where there is no such file, it is too large, or the packing is broken.
    """
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise GnssFileError(path, f"larger than {LIMIT_BYTES >> 20} MiB; cut it into parts")
        data = path.read_bytes()
    except OSError as error:
        raise GnssFileError(path, error.strerror or str(error)) from error
    if data[:2] == _GZIP:
        data = _unzipped(path)
    if _COMPACT_LABEL in data[:200]:
        data = _expanded(path, data)
    return data


def _unzipped(path: Path) -> bytes:
    try:
        with gzip.open(path) as stream:
            data = stream.read(LIMIT_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise GnssFileError(path, f"not a whole gzip file ({error})") from error
    if len(data) > LIMIT_BYTES:
        raise GnssFileError(path, f"unpacks to more than {LIMIT_BYTES >> 20} MiB")
    return data


def _expanded(path: Path, data: bytes) -> bytes:
    try:
        import hatanaka
    except ImportError as error:
        raise MissingExtraError("hatanaka", "gnss") from error
    try:
        return bytes(hatanaka.crx2rnx(data))
    except (hatanaka.HatanakaException, ValueError) as error:
        raise GnssFileError(path, f"broken compact RINEX ({error})") from error
