"""What can go wrong with stored records; every message names the file and the cure."""

from __future__ import annotations

from common.errors import LingnanError


class StoreError(LingnanError):
    """Records cannot be stored or read."""


class StoreCorruptError(StoreError):
    """The file is damaged, or no store of ours; it is left exactly as it is."""


class StoreVersionError(StoreError):
    """The file was written by a newer version."""


class StoreBusyError(StoreError):
    """Records come faster than the disk takes them; try later."""


class StoreClosedError(StoreError):
    """The store was closed."""


class RecordError(StoreError, ValueError):
    """This record cannot be stored: not JSON, too large, or its kind is no plain name."""
