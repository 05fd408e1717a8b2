"""How far good parts of a surface differ in what stands out most: prints `fewshot.patches.SPREADS`.

    python -m edge_deploy.train.ground

On simulated parts of three materials by seeds that nothing is judged by. Glass is left out: what
stands out there is the sensor's noise alone, and the least that must stand out at all is more than
three times as much. Ten seconds of one core.
"""

from __future__ import annotations

import numpy as np

from edge_deploy.acceptance.patches import of_material
from edge_deploy.fewshot.limit import Spreads
from edge_deploy.fewshot.patches import Good

MATERIALS = ("metal", "glaze", "plastic")
SEEDS, PARTS = range(41, 47), 40


def main() -> None:
    """The variance of each material, and the law of them."""
    variances = []
    for material in MATERIALS:
        frames = [
            frame for seed in SEEDS for frame in of_material("good", material, PARTS, seed * 1000)
        ]
        good = [Good.of(frame.pixels) for frame in frames]
        streaked = 2 * sum(one.runs for one in good) > len(good)
        variances.append(float(np.log([one.peaks[streaked] for one in good]).var(ddof=1)))
        print(f"{material}: {variances[-1]:.4f} of {len(good)} parts")
    print(Spreads.of(variances, len(SEEDS) * PARTS - 1))


if __name__ == "__main__":
    main()
