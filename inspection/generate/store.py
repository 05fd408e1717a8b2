"""A folder of made samples that `teach --layout folder` reads as it is.

    ROOT/good/NAME.png         the good pictures that defects were put onto
    ROOT/KIND/NAME-HASH.png    the samples; HASH is of all that they follow from
    ROOT/masks/KIND/...        their masks, 255 on the defect
    ROOT/samples.jsonl         one line a sample: what was asked for, seed, hashes

A sample follows from its key alone. One that is there is not made again, and no file is ever
overwritten: a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import ascii_letters, digits
from types import TracebackType
from typing import Any, Self, TextIO

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from inspection.generate.canvas import Sample

MANIFEST, GOOD, MASKS = "samples.jsonl", "good", "masks"
MAX_STEM = 60  # characters of a source's name in its samples'


class StoreError(LingnanError):
    """The folder cannot take the samples; nothing in it was changed."""


@dataclass(frozen=True, slots=True)
class Key:
    """All that one sample follows from: request as JSON, number, method, model, source picture."""

    request: str
    index: int
    method: str
    model_sha256: str
    source: str
    source_sha256: str

    def name(self) -> str:
        """The sample's file name without suffix: the source's and a hash of everything."""
        parts = (self.request, self.index, self.method, self.model_sha256, self.source_sha256)
        digest = sha256(json.dumps(parts).encode()).hexdigest()
        return f"{plain(self.source)}-{digest[:16]}"


class SampleStore:
    """An open folder of samples, for one writer at a time.

    StoreError where the folder holds something else, or a damaged manifest.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._there = _read(root)
        root.mkdir(parents=True, exist_ok=True)
        self._manifest: TextIO = (root / MANIFEST).open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._manifest.close()

    def __contains__(self, key: Key) -> bool:
        """Whether this sample is there, whole."""
        return key.name() in self._there

    def add_good(self, source: str, payload: bytes) -> None:
        """Keep the good picture itself, as its file is, so that the folder can be taught from."""
        name = f"{plain(source)}-{sha256(payload).hexdigest()[:16]}{Path(source).suffix.lower()}"
        _write(self._root / GOOD / name, payload)

    def add(self, key: Key, sample: Sample) -> None:
        """Write mask, image, then the manifest's line, which makes the sample count."""
        kind, name = sample.place.kind, key.name()
        image, mask = f"{kind}/{name}.png", f"{MASKS}/{kind}/{name}.png"
        shown = {image: png(sample.image), mask: png(sample.mask.astype(np.uint8) * 255)}
        for path in (mask, image):
            _write(self._root / path, shown[path])
        line = {
            "name": name,
            "image": image,
            "mask": mask,
            **sample.place.to_json(),
            "method": key.method,
            "model_sha256": key.model_sha256 or None,
            "request": json.loads(key.request),
            "index": key.index,
            "source": key.source,
            "source_sha256": key.source_sha256,
            "image_sha256": sha256(shown[image]).hexdigest(),
            "mask_sha256": sha256(shown[mask]).hexdigest(),
        }
        self._manifest.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._manifest.flush()
        self._there.add(name)


def lines(root: Path) -> list[Mapping[str, Any]]:
    """The manifest's lines; a last one that an interruption cut short is left out. StoreError for
    any other that is no sample's."""
    found = []
    for number, text in enumerate(_whole(root / MANIFEST).splitlines(), 1):
        try:
            line = json.loads(text)
            paths = {root / str(line[which]) for which in ("image", "mask")}
            is_whole = isinstance(line["name"], str) and all(p.is_file() for p in paths)
        except (ValueError, KeyError, TypeError):
            raise StoreError(f"{root / MANIFEST}: line {number} is damaged") from None
        if is_whole:
            found.append(line)
    return found


def plain(source: str) -> str:
    """A file's stem of letters, digits, - and _ alone."""
    safe = set(ascii_letters + digits + "-_")
    stem = "".join(c if c in safe else "_" for c in Path(source).stem)
    return stem[:MAX_STEM] or "picture"


def png(pixels: NDArray[np.uint8]) -> bytes:
    """PNG bytes; the same pixels give the same."""
    return cv2.imencode(".png", pixels)[1].tobytes()


def _read(root: Path) -> set[str]:
    """Names of the samples that are there; a line that was cut short is taken away."""
    if not root.exists():
        return set()
    path = root / MANIFEST
    if not path.exists():
        if any(p for p in root.iterdir() if not p.name.startswith(".")):
            raise StoreError(f"{root} holds something else than made samples: name another --out")
        return set()
    names = {str(line["name"]) for line in lines(root)}
    whole = _whole(path)
    if len(whole) != path.stat().st_size:
        os.truncate(path, len(whole))
    return names


def _whole(path: Path) -> bytes:
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]


def _write(path: Path, payload: bytes) -> None:
    """Whole or not at all; StoreError rather than put other bytes in a file's place."""
    if path.exists():
        if path.read_bytes() != payload:
            raise StoreError(f"{path} is there and differs: it is not overwritten")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(payload)
    draft.replace(path)
