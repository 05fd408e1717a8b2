"""Trains the segmentation network of a material on the simulated station and exports it.

    python -m inspection.train.fcn --material metal --out inspection/weights
    python -m inspection.train.fcn --material metal --seed 2 --further 3000   # goes on from there
    python -m inspection.train.fcn --material metal --seed 3 --further 3000 --crowded --draws 5
    python -m inspection.train.fcn --material metal --seed 4 --further 3000 --stations --draws 2

A line inspects one product, so that each material has a small network of its own, for all its
geometries. About ten minutes a material on one core. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from common.errors import LingnanError
from common.runtime.manifest import NAME
from inspection.models.shipped import name_of
from inspection.sim.names import GEOMETRIES
from inspection.train.fcn_export import export, known
from inspection.train.fcn_hard import hard_batch, hardest
from inspection.train.fcn_moved import moved
from inspection.train.fcn_net import Fcn
from inspection.train.fcn_onnx import weights_of
from inspection.train.fcn_pool import Batch, Frame, Sense, batch, demanded, render_pool
from inspection.train.fcn_qat import rounding
from inspection.train.fcn_sensor import sensed

SIDE = 256
CROPS = 8
PEAK_RATE = 4e-3
PARTS, STEPS, SEED = 160, 7_000, 1
HARD_CELLS, HARD_DEFECTS = 0.01, 0.1  # shares that count as the hardest

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """parts: rendered. steps: in float; a quarter as many follow with rounding. ranges: which draw
    of frames sets the int8 ranges. further: steps with rounding, all there are, from the network
    that exists already; 0 learns from nothing. is_crowded: these on parts with more points.
    is_varied: these on textures of more kinds, see `regimes`. is_moved: these on stations that
    differ, and half of them seen as a moved job does. draws: times the usual number of parts set
    the thresholds."""

    parts: int = PARTS
    steps: int = STEPS
    seed: int = SEED
    ranges: int = 0
    further: int = 0
    is_crowded: bool = False
    is_varied: bool = False
    is_moved: bool = False
    draws: int = 1

    def command(self, material: str, before: str = "") -> str:
        """What trains the same network again. before: the command of the network it goes on from,
        which comes first."""
        pace = f"--further {self.further}" if self.further else f"--steps {self.steps}"
        rest = f"--parts {self.parts} {pace} --seed {self.seed}"
        rest += f" --ranges {self.ranges}" if self.ranges else ""
        rest += " --crowded" if self.is_crowded else ""
        rest += " --varied" if self.is_varied else ""
        rest += " --stations" if self.is_moved else ""
        rest += f" --draws {self.draws}" if self.draws > 1 else ""
        own = f"python -m inspection.train.fcn --material {material} {rest}"
        return f"{before} && {own}" if self.further else own


def train(frames: list[Frame], steps: int, seed: int, log: Log) -> Fcn:
    """The folded network after `steps` in float and a quarter as many with int8 rounding."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 2])
    net = Fcn().to(memory_format=torch.channels_last)
    draw = partial(batch, frames, rng, CROPS, SIDE)
    fit(net, draw, steps, PEAK_RATE, log)
    net.fold()
    with rounding(net):
        fit(net, draw, steps // 4, PEAK_RATE / 10, log)
    return net.eval()


def train_further(
    net: Fcn, frames: list[Frame], steps: int, seed: int, log: Log, sense: Sense = sensed
) -> Fcn:
    """A folded network after `steps` more with int8 rounding, half of the crops where it errs."""
    rng = np.random.default_rng([seed, 4])
    weak = hardest(net, frames, rng, sense)
    log(f"{len(weak)} weak places, errors {weak[0].error:.1f} to {weak[-1].error:.1f}")
    with rounding(net):
        draw = partial(hard_batch, frames, weak, rng, CROPS, SIDE, sense)
        fit(net, draw, steps, PEAK_RATE / 4, log)
    return net.eval()


def fit(net: Fcn, draw: Callable[[], Batch], steps: int, peak: float, log: Log) -> None:
    """AdamW with a one-cycle rate."""
    net.train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=1e-4)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak, total_steps=steps)
    start, running = time.process_time(), 0.0
    for step in range(1, steps + 1):
        value = loss(net, draw())
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        rate.step()
        running += (value.item() - running) * max(0.005, 1 / step)
        if step % 250 == 0:
            log(f"step {step}/{steps} loss {running:.4f} cpu {time.process_time() - start:.0f} s")


def loss(net: Fcn, crops: Batch) -> torch.Tensor:
    """Cross-entropy of defects by their highest cell and of all their cells; of good cells; and
    once more of the hardest of either, which a decision by the maximum depends on."""
    logits = net(torch.from_numpy(crops.images))[:, 0].flatten()
    owners = torch.from_numpy(crops.owners).flatten()
    on_good = functional.softplus(logits[owners == 0])
    good = 5 * on_good.mean() + _hardest(on_good, HARD_CELLS)
    bad = owners > 0
    if not bad.any():
        return good
    number = torch.unique(owners[bad], return_inverse=True)[1]
    lowest = torch.full((int(number.max()) + 1,), -1e4)
    peaks = lowest.scatter_reduce(0, number, logits[bad], "amax")
    on_peaks, on_cells = functional.softplus(-peaks), functional.softplus(-logits[bad])
    return good + on_peaks.mean() + _hardest(on_peaks, HARD_DEFECTS) + 0.3 * on_cells.mean()


def _hardest(losses: torch.Tensor, share: float) -> torch.Tensor:
    return losses.topk(max(1, int(share * losses.numel()))).values.mean()


def main() -> None:
    """Render, train, export, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "weights")
    parser.add_argument("--material", choices=[*GEOMETRIES, "all"], required=True)
    parser.add_argument("--parts", type=int, default=PARTS, help="rendered parts a material")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--ranges", type=int, default=0, help="draw of frames for int8 ranges")
    parser.add_argument("--further", type=int, default=0, help="steps more, of the one in --out")
    parser.add_argument("--crowded", action="store_true", help="--further with more points a part")
    parser.add_argument("--varied", action="store_true", help="--further, more kinds of texture")
    parser.add_argument("--stations", action="store_true", help="--further, stations that differ")
    parser.add_argument("--draws", type=int, default=1, help="times as many parts set thresholds")
    told = parser.parse_args()
    beside = told.crowded or told.varied or told.stations
    if told.draws < 1 or (beside and not told.further):
        parser.error("--draws is at least 1; --crowded, --varied, --stations go with --further")
    torch.set_num_threads(1)
    asked = list(GEOMETRIES) if told.material == "all" else [told.material]
    effort = Effort(
        told.parts,
        told.steps,
        told.seed,
        told.ranges,
        told.further,
        told.crowded,
        told.varied,
        told.stations,
        told.draws,
    )
    try:
        refused = [material for material in asked if not make(material, told.out, effort)]
    except LingnanError as error:
        raise SystemExit(str(error)) from error
    if refused:
        raise SystemExit(f"refused: {', '.join(refused)}")


def make(material: str, folder: Path, effort: Effort) -> bool:
    """The files of one material. False where they are refused; the weights are then kept beside
    the folder."""
    log: Log = lambda text: print(text, flush=True)  # noqa: E731
    log(f"{material}: rendering {effort.parts} parts")
    net, command = (_gone_on if effort.further else _learned)(material, folder, effort, log)
    try:
        regime = "calibrate_varied" if effort.is_varied or effort.is_moved else "calibrate"
        export(net, material, folder, command, log, effort.ranges, effort.draws, regime)
    except LingnanError as error:
        kept = folder.parent / f"fcn_{material}_refused.npz"
        np.savez(kept, **net.weights())  # type: ignore[arg-type]
        log(f"{error}. Its weights are kept in {kept}")
        return False
    return True


def _learned(material: str, folder: Path, effort: Effort, log: Log) -> tuple[Fcn, str]:
    frames = list(render_pool(material, effort.seed, effort.parts))
    return train(frames, effort.steps, effort.seed, log), effort.command(material)


def _gone_on(material: str, folder: Path, effort: Effort, log: Log) -> tuple[Fcn, str]:
    """From the folder's own network, on sizes that must be found. LingnanError without one."""
    name = name_of(material, "fp32")
    if (card := known(folder / NAME).get(name)) is None:
        raise LingnanError(f"{folder} holds no {name} to go on from; train without --further first")
    net = Fcn.from_weights(weights_of(folder / card.file))
    mix = demanded(material, effort.is_crowded)
    regime = "stations" if effort.is_moved else "varied" if effort.is_varied else "train"
    frames = list(render_pool(material, effort.seed, effort.parts, mix, regime))
    sense = moved if effort.is_moved else sensed
    net = train_further(net, frames, effort.further, effort.seed, log, sense)
    return net, effort.command(material, card.command)


if __name__ == "__main__":
    main()
