"""Records without end and prints how many samples were handed over, until it is killed."""

import sys
from pathlib import Path

import numpy as np

from common.drivers.base import DriverSpec
from common.drivers.recorder import Recorder
from common.types.image import Image
from common.types.stamped import Stamped

SPEC = DriverSpec("camera", "sim", "camera_optical", (24, 32), "uint8", 100.0, "DN")


def main() -> None:
    recorder = Recorder(Path(sys.argv[1]))
    for n in range(1_000_000):
        image = Image(np.zeros((24, 32), np.uint8))  # its chunks compress below any file buffer
        recorder.write(Stamped(n, n, n, "camera_optical", image), SPEC)
        print(n + 1, flush=True)


main()
