"""The whole pipeline on a simulated camera stream, and the two demonstrations.

A hardware trigger a part, from the encoder of a moving belt; camera, 8 bit, network, decision,
regions in micrometres. The same run serves S4-D1-R2 (a belt of all materials) and S4-D1-K4 (a line
of boards, a line of cover glasses).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, rate
from common.drivers.camera.config import SimCameraConfig
from common.drivers.camera.sim import SimCamera
from inspection.methods.segment import station_method
from inspection.models.shipped import flat
from inspection.overlay import draw, jpeg
from inspection.pipeline import Pipeline, to_8_bit

PARTS = {"quick": 24, "full": 400}
DEMOS: dict[str, tuple[str, ...]] = {"SMD parts line": ("smd",), "glass cover": ("glass",)}
LIGHT = "inspect"
SPEED_MM_S = 50.0  # of the belt: half a pixel goes by in an exposure
ENCODER_UM = 10.0  # a step of the encoder that fires the strobe: up to half a pixel off the mark


@dataclass(slots=True)
class Shift:
    """What came of a run: parts triggered, decided in order, and the four outcomes."""

    parts: int = 0
    decided: int = 0
    outcomes: dict[tuple[bool, bool], int] = field(default_factory=dict)  # (defective, rejected)
    pictures: list[Figure] = field(default_factory=list)

    def told(self) -> str:
        """The outcomes in a sentence."""
        count = self.outcomes.get
        return (
            f"{count((True, True), 0)} defective parts rejected, {count((True, False), 0)} passed; "
            f"{count((False, False), 0)} good parts passed, {count((False, True), 0)} rejected"
        )


def work(materials: tuple[str, ...], parts: int, seed: int) -> Shift:
    """Trigger, grab and judge `parts` parts."""
    from inspection.sim.belt import belt
    from inspection.sim.scene import EXPOSURE_US, PIXEL_UM

    config = SimCameraConfig(
        scene="inspection.sim.belt:belt",
        parameters={
            "materials": list(materials),
            "seed": seed,
            "speed_mm_s": SPEED_MM_S,
            "encoder_um": ENCODER_UM,
        },
        trigger="hardware",
        lights=(LIGHT,),
        um_per_px=PIXEL_UM,
        exposure_us=EXPOSURE_US,
        seed=seed,
    )
    recipes = {material: Pipeline(station_method(material)) for material in materials}
    truth, shift = belt(materials, seed), Shift()
    with SimCamera(config) as camera:
        for _ in range(parts):
            part = camera.trigger(LIGHT)
            sample = camera.read(timeout_s=300.0)
            result = recipes[truth.material(part)].step(sample)
            shift.parts += 1
            shift.decided += result.seq == sample.seq and sample.value.trigger == part
            outcome = (bool(truth.truth(part).defects), result.value.is_defective)
            shift.outcomes[outcome] = shift.outcomes.get(outcome, 0) + 1
            if shift.outcomes[outcome] == 1:
                text = f"{'defective' if outcome[0] else 'good'} {truth.material(part)} part, "
                text += "rejected" if outcome[1] else "passed"
                picture = jpeg(draw(to_8_bit(sample.value), result.value), 70)
                shift.pictures.append(Picture(picture, text))
    return shift


def measure_stream(context: Context) -> Mapping[str, Measurement]:
    """S4-D1-R2 on a belt of all materials."""
    parts = PARTS[context.size]
    shift = work(flat(), parts, context.seed)
    motion = SPEED_MM_S, ENCODER_UM
    digest = content_hash("belt", repr(flat()), parts, context.seed, repr(motion))
    figures = tuple(shift.pictures)
    return {STREAM.id: rate(shift.decided, parts, digest, shift.told(), figures)}


def measure_demos(context: Context) -> Mapping[str, Measurement]:
    """S4-D1-K4: how many demonstrations ran to the end."""
    parts = PARTS[context.size] // 2
    shifts = {name: work(m, parts, context.seed + 1) for name, m in DEMOS.items()}
    ran = sum(shift.decided == parts for shift in shifts.values())
    note = ". ".join(f"{name}: {shift.told()}" for name, shift in shifts.items())
    figures = tuple(figure for shift in shifts.values() for figure in shift.pictures)
    motion = SPEED_MM_S, ENCODER_UM
    digest = content_hash("demos", repr(DEMOS), parts, context.seed, repr(motion))
    return {DEMO.id: exact(ran, len(DEMOS), digest, note, figures)}


STREAM = Indicator(
    "S4-D1-R2",
    "Every part triggered on a simulated line gets its own decision.",
    "视觉瑕疵检测系统",
    "fraction",
    ">=",
    0.99,
    "simulated",
    f"Belt of all materials at {SPEED_MM_S:.0f} mm/s, strobes fired by an encoder of steps of "
    f"{ENCODER_UM:.0f} um, simulated camera driver, the shipped pipeline. "
    "Counted is the share of triggers whose decision is of that very part.",
)
DEMO = Indicator(
    "S4-D1-K4",
    "At least two demonstrations run unattended.",
    "2项以上示范应用",
    "demonstrations",
    ">=",
    2,
    "simulated",
    "A line of boards with chip capacitors and resistors and a line of cover glasses, each run "
    "without a screen; one counts when every part got its decision. Deployments are the user's.",
)
EXPERIMENTS = (
    Experiment("stream", (STREAM,), measure_stream),
    Experiment("demos", (DEMO,), measure_demos),
)
