"""S4-D3-R5: the detector's graph over two processes, by cut, and without the link."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, rate

if TYPE_CHECKING:
    from common.types.detections import Detections
    from positioning.video.detector import Detector

GUIDE = "多芯片互联与部署；驾驶与车路协同中的边云互动"
FRAMES = {"quick": 4, "full": 40}
TURNS = {"quick": 3, "full": 10}  # times each frame is sent
SEED = 70_000
PATIENCE_S = 0.5


@contextmanager
def far_half() -> Iterator[tuple[tuple[str, int], subprocess.Popen[str]]]:
    """A second process with the graph; its address."""
    command = [sys.executable, "-m", "positioning.video.link"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        told = process.stdout.readline() if process.stdout else ""
        yield ("127.0.0.1", int(told.split()[-1])), process
    finally:
        process.kill()
        process.communicate()


def frames_of(context: Context) -> list[bytes]:
    """JPEGs of unseen worlds in all conditions."""
    from positioning.sim.video.footage import scene_of
    from positioning.video.camera import Camera
    from positioning.video.draw import jpeg

    conditions = ("clear", "rain", "night", "occlusion")
    made = []
    for number in range(FRAMES[context.size]):
        seed = SEED + 1000 * context.seed + number
        scene = scene_of(conditions[number % 4], seed, 5.0, Camera())
        made.append(jpeg(scene.render(1.0)[0], 90))
        context.progress(number, FRAMES[context.size], "frames for two processes")
    return made


@dataclass(slots=True)
class Sent:
    """Of one cut: answers of the far half that equal the undivided graph's, of how many; bytes a
    frame; milliseconds from the JPEG to the boxes."""

    equal: int
    count: int
    size: float
    ms: list[float]


def sent(jpegs: list[bytes], cut: str, address: tuple[str, int], detector: Detector) -> Sent:
    """Every frame over the link, once to warm it up and then in turns."""
    from positioning.video.detector import decode
    from positioning.video.link import Split

    equal, sizes, ms = 0, [], []
    whole = [detector.detect(decode(jpeg)) for jpeg in jpegs]
    with Split(cut, address, detector=detector, timeout_s=10.0) as split:  # type: ignore[arg-type]
        split.detect(jpegs[0])
        for jpeg, wanted in zip(jpegs, whole, strict=True):
            begun = time.perf_counter()
            answer = split.detect(jpeg)
            ms.append(1e3 * (time.perf_counter() - begun))
            sizes.append(answer.sent)
            equal += answer.by == "far" and equals(answer.found, wanted)
    return Sent(equal, len(jpegs), float(np.mean(sizes)), ms)


def equals(one: Detections, other: Detections) -> bool:
    """To the last bit."""
    return (
        one.boxes_px.tobytes() == other.boxes_px.tobytes()
        and one.scores.tobytes() == other.scores.tobytes()
        and one.labels.tolist() == other.labels.tolist()
    )


def measure(context: Context) -> Mapping[str, Measurement]:
    """Each cut in turn; then the far half is killed in the middle."""
    from positioning.video.detector import Detector
    from positioning.video.partition import CUTS

    detector, jpegs = Detector(), frames_of(context)
    jpegs = jpegs * TURNS[context.size]
    with far_half() as (address, process):
        by_cut = {cut: sent(jpegs, cut, address, detector) for cut in CUTS}
        lost = _without(jpegs, address, process, detector)
    note = "; ".join(
        f"{cut}: {s.size / 1024:.1f} KiB a frame, {np.median(s.ms):.1f} ms from JPEG to boxes"
        for cut, s in by_cut.items()
    )
    equal, n = (sum(getattr(s, part) for s in by_cut.values()) for part in ("equal", "count"))
    points = tuple(
        Series(cut, [s.size / 1024], [float(np.median(s.ms))], kind="points")
        for cut, s in by_cut.items()
    )
    plot = Plot(
        "Cuts of the detector's graph, both halves on one machine", "over the link [KiB a frame]",
        "JPEG to boxes, median [ms]", points, x_log=True,
    )  # fmt: skip
    digest = content_hash(*jpegs[: FRAMES[context.size]])
    return {CUT.id: rate(equal, n, digest, note, (plot,)), LOST.id: lost}


def _without(
    jpegs: list[bytes],
    address: tuple[str, int],
    process: subprocess.Popen[str],
    detector: Detector,
) -> Measurement:
    from positioning.video.detector import decode
    from positioning.video.link import Split

    good, ms, answers = 0, [], []
    with Split("input", address, detector=detector, timeout_s=PATIENCE_S) as split:
        for k, jpeg in enumerate(jpegs):
            if k == len(jpegs) // 2:
                process.kill()
                process.wait()
            begun = time.perf_counter()
            answer = split.detect(jpeg)
            ms.append(1e3 * (time.perf_counter() - begun))
            answers.append(answer)
            good += equals(answer.found, detector.detect(decode(jpeg)))
    near = [k for k, answer in enumerate(answers) if answer.by == "near"]
    why = answers[near[0]].why if near else "never noticed"
    note = (
        f"{len(near)} of {len(jpegs)} frames by the near half alone ({why}); the frame at which "
        f"the link broke took {ms[len(jpegs) // 2]:.0f} ms, the others {np.median(ms):.0f} ms"
    )
    return rate(good, len(jpegs), content_hash(*jpegs), note)


row = partial(Indicator, guide=GUIDE, unit="fraction", comparator=">=", evidence="simulated")
CUT = row(
    id="S4-D3-R5/cut",
    claim="Over two processes the detector gives the same boxes at every cut, to the last bit.",
    target=1.0,
    method="Rendered 1080p JPEGs; the graph cut behind the JPEG, the network's input, its maps or "
    "its boxes, the other half in a process of its own over TCP on the same machine.",
)
LOST = row(
    id="S4-D3-R5/link-lost",
    claim="When the far half dies every frame still gets its boxes.",
    target=1.0,
    method=f"The far half is killed in the middle; the near half waits {PATIENCE_S} s at most and "
    "goes on by itself; boxes equal those of the undivided graph.",
)
EXPERIMENTS = (Experiment("video-link", (CUT, LOST), measure, exclusive=True),)
