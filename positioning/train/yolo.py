"""Trains a YOLO detector of road users on the simulated road with ultralytics and exports it.

    python -m positioning.train.yolo --out out/yolo

ultralytics is AGPL-3.0, and so, its makers say, is what it trains: nothing of it is shipped, and
only `positioning.video.yolo`, which needs ONNX Runtime alone, runs the file. Its pictures are those
that our own detector learns from. It starts from a description, not from foreign weights, reaches
for no network and takes an estimated hour on one core, which is little; a GPU (--device 0) gives
ten times the epochs in less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2

from common.errors import LingnanError, MissingExtraError
from positioning.train.detector_pool import SEEN, SMALLEST_PX, Frame, render_pool
from positioning.video.detector import HEIGHT, NAMES, WIDTH

MODEL = "yolo11n.yaml"
FRAMES, EPOCHS, SEED = 800, 4, 1
EVERY = 10  # one frame in so many checks the others' training
FILE = "road_users_yolo.onnx"

Log = Callable[[str], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Render, train, export; exit 2 where ultralytics is missing or has failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path("out/yolo"))
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--model", default=MODEL, help="a description that ultralytics knows")
    parser.add_argument("--device", default="cpu")
    told = parser.parse_args(arguments)
    log: Log = lambda text: print(text, flush=True)  # noqa: E731
    begun = time.process_time()
    try:
        path = train(told, log)
    except LingnanError as error:
        parser.exit(2, f"{error}\n")
    log(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {time.process_time() - begun:.0f} CPU-s")
    return 0


def train(told: argparse.Namespace, log: Log) -> Path:
    """The exported network's path."""
    ultralytics = library()
    if told.frames < 2 * EVERY:
        raise LingnanError(f"--frames {told.frames}: at least {2 * EVERY} are needed")
    log(f"rendering {told.frames} frames")
    data = write_set(told.out / "data", told.seed, told.frames)
    log(f"training {told.model} for {told.epochs} epochs")
    net = ultralytics.YOLO(told.model)
    net.train(
        data=str(data), imgsz=WIDTH, rect=False, epochs=told.epochs, batch=16, seed=told.seed,
        device=told.device, workers=0, amp=False, plots=False, val=False, pretrained=False,
        project=str(told.out.resolve()), name="run", exist_ok=True, verbose=False,
    )  # fmt: skip
    exported = Path(net.export(format="onnx", imgsz=(HEIGHT, WIDTH), opset=17, simplify=False))
    target: Path = told.out / FILE
    shutil.copyfile(exported, target)
    return target


def library() -> Any:
    """ultralytics, told to reach for nothing outside; MissingExtraError without it."""
    os.environ.setdefault("YOLO_OFFLINE", "True")
    try:
        import ultralytics
    except ImportError as error:
        raise MissingExtraError("ultralytics", "yolo") from error
    ultralytics.settings.update({"sync": False})
    return ultralytics


def write_set(folder: Path, seed: int, count: int) -> Path:
    """The frames as ultralytics reads them, and the file that describes them."""
    for number, frame in enumerate(render_pool(seed, count)):
        part = "val" if number % EVERY == 0 else "train"
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)
        picture = folder / "images" / part / f"{number:05}.png"
        if not cv2.imwrite(str(picture), frame.pixels):
            raise LingnanError(f"{picture} cannot be written")
        lines = "\n".join(labels(frame))
        (folder / "labels" / part / f"{number:05}.txt").write_text(lines)
    described = folder / "road_users.yaml"
    parts = {"path": str(folder.resolve()), "train": "images/train", "val": "images/val"}
    described.write_text(json.dumps({**parts, "names": dict(enumerate(NAMES))}))  # YAML too
    return described


def labels(frame: Frame) -> list[str]:
    """Class, middle and size as shares of the picture, of the bodies that are to be found."""
    lines = []
    for label, box, visible in zip(
        frame.boxes.label, frame.boxes.boxes_px, frame.boxes.visible, strict=True
    ):
        x0, y0, x1, y1 = (float(v) for v in box.clip(0, [WIDTH, HEIGHT, WIDTH, HEIGHT]))
        if visible < SEEN or y1 - y0 < SMALLEST_PX or x1 <= x0:
            continue
        shares = (x0 + x1) / 2 / WIDTH, (y0 + y1) / 2 / HEIGHT
        sizes = (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT
        lines.append(" ".join([str(int(label)), *(f"{v:.6f}" for v in (*shares, *sizes))]))
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
