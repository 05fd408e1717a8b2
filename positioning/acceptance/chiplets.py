"""S4-D3-K2: dies in a package. Hardware, which nobody here makes; a model of it stands beside."""

from __future__ import annotations

from collections.abc import Mapping

from common.acceptance.experiment import Context, Experiment
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured

SIDE_MM, RADAR_HZ, CAMERA_HZ = 30.0, 20.0, 30.0


def measure(context: Context) -> Mapping[str, Measurement]:
    """Nothing is measured; what the model says goes into the reason."""
    from positioning.chiplets import DIES, links, room_mm
    from positioning.radar.waveform import Waveform

    del context
    between = links(Waveform(), RADAR_HZ, CAMERA_HZ)
    across, down = room_mm(len(DIES), SIDE_MM)
    busy = max(between, key=lambda link: link.bytes_s)
    power_mw = 1e3 * sum(link.power_w for link in between)
    total = sum(link.bytes_s for link in between)
    reason = (
        "hardware: neither dies nor a package can be made or measured here. A model on paper "
        f"(positioning/chiplets.py), not silicon: {len(DIES)} equal dies fit into {SIDE_MM:.0f} x "
        f"{SIDE_MM:.0f} mm where none is over {across:.1f} x {down:.1f} mm; the chain sends "
        f"{total / 1e6:.0f} MB/s between them, {power_mw:.2f} mW at 0.5 pJ a bit (UCIe 1.0, "
        f"standard package); the busiest link, {busy.source} to {busy.sink}, takes "
        f"{busy.load:.2%} of what a millimetre of edge carries"
    )
    return {PACKAGE.id: not_measured(reason)}


PACKAGE = Indicator(
    id="S4-D3-K2",
    claim="More than four dies are integrated in a package smaller than 3 cm x 3 cm.",
    guide=">4粒的芯片粒间异构集成，整体尺寸<3 cm*3 cm",
    unit="dies",
    comparator=">",
    target=4,
    evidence="real-hardware",
    method="By a packaged chip alone; a model is no evidence of it.",
)
EXPERIMENTS = (Experiment("chiplets", (PACKAGE,), measure),)
