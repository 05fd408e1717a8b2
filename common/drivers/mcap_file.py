"""Reading MCAP from strangers: limits before memory, and a file that was cut off read to its end.

A recorder that is killed leaves a file without its index; everything up to its last complete chunk
is whole, guarded by the chunks' checksums. Such a file is read in order and the rest is counted. A
file that is damaged in the middle is refused at the damage.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, Footer, Message, Metadata, Schema
from mcap.stream_reader import StreamReader

from common.drivers.base import RecordingError

MAX_RECORD_BYTES = 256 * 2**20  # over the largest frame that Image allows
MAX_CHANNELS = 4096
MAGIC = b"\x89MCAP0\r\n"

# what the mcap package raises on bytes that are not what they should be
_MALFORMED = (McapError, ValueError, KeyError, OverflowError, RuntimeError, struct.error)


@dataclass(frozen=True, slots=True)
class Entry:
    """One message as it lies in the file."""

    topic: str
    schema: str
    log_time_ns: int
    sequence: int
    data: bytes


class McapFile:
    """A recording, read from the front.

    metadata: key-value records by name, as far as they were passed.
    loss: what a file that was cut off has lost, in words; "" for a whole one, and before the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metadata: dict[str, dict[str, str]] = {}
        self.loss = ""
        self._schemas: dict[int, str] = {0: ""}
        self._channels: dict[int, tuple[str, str]] = {}

    def entries(self) -> Iterator[Entry]:
        """Every message in the order of the file. RecordingError at damage or beyond a limit."""
        try:
            with self.path.open("rb") as stream:
                for record in self._records(stream):
                    yield from self._messages(record)
        except OSError as error:
            raise RecordingError(f"{self.path}: {error.strerror or error}") from error

    def _records(self, stream: IO[bytes]) -> Iterator[Any]:
        """Records, a chunk replaced by its contents."""
        size = stream.seek(0, io.SEEK_END)
        is_finished = _ends_properly(stream, self.path)
        bounded = _Bounded(stream, size)
        records = StreamReader(
            bounded, emit_chunks=True, record_size_limit=MAX_RECORD_BYTES
        ).records
        whole = 0
        while True:
            try:
                record = next(records)
                data = _unpack(record) if isinstance(record, Chunk) else b""
            except _CutOffError:
                if is_finished:
                    raise self._damage(whole, "a record is longer than the file") from None
                self.loss = self._cut_off(whole, size)
                return
            except _MALFORMED as error:
                raise self._damage(whole, str(error) or repr(error)) from error
            if isinstance(record, Footer):
                self.loss = "" if is_finished else self._cut_off(whole, size)
                return
            yield from self._contents(data, whole) if data else (record,)
            whole = stream.tell()

    def _contents(self, data: bytes, offset: int) -> Iterator[Any]:
        """The records of a chunk, one at a time: a small chunk may claim a great many."""
        stream = _Bounded(io.BytesIO(data), len(data))
        records = StreamReader(stream, skip_magic=True, record_size_limit=len(data)).records
        while stream.left:
            try:
                yield next(records)
            except (_CutOffError, StopIteration, *_MALFORMED) as error:
                raise self._damage(offset, f"in a chunk: {error!r}") from error

    def _messages(self, record: Any) -> Iterator[Entry]:
        match record:
            case Metadata(name=name, metadata=values):
                self.metadata[name] = values
            case Schema(id=number, name=name):
                self._schemas[number] = name
            case Channel(id=number, topic=topic, schema_id=schema):
                self._channels[number] = (topic, self._schemas.get(schema, ""))
            case Message(channel_id=number) if number in self._channels:
                topic, schema = self._channels[number]
                yield Entry(topic, schema, record.log_time, record.sequence, record.data)
        if len(self._channels) + len(self._schemas) + len(self.metadata) > MAX_CHANNELS:
            raise RecordingError(f"{self.path}: over {MAX_CHANNELS} channels, schemas and metadata")

    def _cut_off(self, whole: int, size: int) -> str:
        return (
            f"{self.path}: the recording was cut off; its last {size - whole} of {size} bytes "
            "hold no complete record and are lost"
        )

    def _damage(self, offset: int, what: str) -> RecordingError:
        return RecordingError(f"{self.path}: damaged behind byte {offset}: {what}")


class _CutOffError(Exception):
    """The bytes end before the record does."""


class _Bounded:
    """A stream that refuses to read past its end, before memory is taken for what is not there."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, length: int) -> bytes:
        if length > self.left or length < 0:
            raise _CutOffError
        self.left -= length
        return self._stream.read(length)


def _ends_properly(stream: IO[bytes], path: Path) -> bool:
    """Whether the recorder closed the file. RecordingError when it is no recording at all."""
    size = stream.tell()
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        raise RecordingError(f"{path}: not an MCAP recording")
    stream.seek(max(size - len(MAGIC), len(MAGIC)))
    is_finished = stream.read() == MAGIC
    stream.seek(0)
    return is_finished


def _unpack(chunk: Chunk) -> bytes:
    """A chunk's bytes, of the size it declares and with the right checksum, else ValueError."""
    size = chunk.uncompressed_size
    if size > MAX_RECORD_BYTES:
        raise ValueError(f"a chunk of {size} bytes is over the limit of {MAX_RECORD_BYTES}")
    data = _decompress(chunk.compression, chunk.data, size)
    if len(data) != size:
        raise ValueError(f"a chunk of {len(data)} bytes declares {size}")
    if chunk.uncompressed_crc not in (0, zlib.crc32(data)):
        raise ValueError("a chunk does not match its checksum")
    return data


def _decompress(method: str, data: bytes, size: int) -> bytes:
    """At most `size` bytes, whatever the compressed data says of itself."""
    if not method:
        return data
    if method == "lz4":
        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=size))
    if method != "zstd":
        raise ValueError(f"compression {method!r} is not known")
    try:
        claimed = zstandard.get_frame_parameters(data).content_size
        if claimed not in (0, size, zstandard.CONTENTSIZE_UNKNOWN):
            raise ValueError(f"a chunk of {claimed} bytes declares {size}")
        return zstandard.decompress(data, max_output_size=size)
    except zstandard.ZstdError as error:
        raise ValueError(f"zstd: {error}") from error
