"""Trains the detector of road users on the simulated road and exports it.

    python -m positioning.train.detector --out positioning/weights

About a quarter of an hour on one core. The same seed and the same --start give the same network.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.optim import swa_utils

from positioning.train.detector_export import export
from positioning.train.detector_net import RoadUsers, take_over
from positioning.train.detector_pool import Batch, Frame, batch, render_pool

CROPS = (6, (256, 320)), (2, (512, 960))  # by turns: many far bodies, whole pictures
PEAK_RATE, WARM, COOL = 1.5e-3, 200, 2500
FRAMES, STEPS, SEED = 2000, 6000, 2
KEPT = 0.998  # of the averaged weights a step: a mean over some five hundred steps
DATA = "simulated road of positioning.sim.video, seeds from 1000000 on"

Log = Callable[[str], None]


def fit(
    frames: list[Frame], steps: int, seed: int, log: Log, start: bytes | None = None
) -> RoadUsers:
    """AdamW; the rate rises, stays and falls; what comes out are the weights' moving averages.

    start: an exported float network to go on from."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 2])
    net = RoadUsers().train().to(memory_format=torch.channels_last)
    if start:
        take_over(net, start, torch.from_numpy(batch(frames, rng, *CROPS[0]).images))
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-4)
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda done: share_of_rate(done, steps))
    averaged = swa_utils.AveragedModel(
        net, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(KEPT), use_buffers=True
    )
    began, running = time.process_time(), 0.0
    for step in range(1, steps + 1):
        value = loss(net, batch(frames, rng, *CROPS[step % 2]))
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        rate.step()
        averaged.update_parameters(net)
        running += (value.item() - running) * max(0.02, 1 / step)
        if step % 50 == 0:
            log(f"step {step}/{steps} loss {running:.4f} cpu {time.process_time() - began:.0f} s")
    mean: RoadUsers = averaged.module
    return mean.eval()


def share_of_rate(done: int, steps: int) -> float:
    """Of the peak rate: up over WARM steps, down over the last COOL ones, so that a longer training
    begins as a shorter one does (Hu et al., MiniCPM, 2024)."""
    return max(min(1.0, (done + 1) / WARM, (steps - done) / COOL), 0.0)


def loss(net: RoadUsers, crops: Batch) -> torch.Tensor:
    """Penalty-reduced focal loss of the middles; generalised IoU of the boxes, and the error of
    each side by itself, which overlap forgives where the other sides are long."""
    with torch.autocast("cpu", torch.bfloat16):
        both = net(torch.from_numpy(crops.images))
    logits, distances = (part.float() for part in both)
    wanted, counts = torch.from_numpy(crops.heat), torch.from_numpy(crops.counts)
    positive = (wanted == 1).float()
    share = torch.sigmoid(logits)
    hit = positive * (1 - share) ** 2 * functional.softplus(-logits)
    miss = (1 - positive) * counts * (1 - wanted) ** 4 * share**2 * functional.softplus(logits)
    heat = (hit + miss).sum() / positive.sum().clamp(min=1)
    weight = torch.from_numpy(crops.weight)[:, 0]
    box = torch.from_numpy(crops.box)
    off = 1 - overlap(distances, box) + (distances - box).abs().clamp(max=2).mean(1) / 2
    return heat + 2 * (weight * off).sum() / weight.sum().clamp(min=1)


def overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(N, h, w) generalised IoU of boxes given by log distances (N, 4, h, w) from one point
    (Rezatofighi et al., CVPR 2019)."""
    a, b = a.clamp(-4, 5).exp(), b.exp()
    inner, outer = torch.minimum(a, b), torch.maximum(a, b)
    shared = (inner[:, 0] + inner[:, 2]) * (inner[:, 1] + inner[:, 3])
    sizes = [(c[:, 0] + c[:, 2]) * (c[:, 1] + c[:, 3]) for c in (a, b)]
    union = sizes[0] + sizes[1] - shared
    hull = (outer[:, 0] + outer[:, 2]) * (outer[:, 1] + outer[:, 3])
    return shared / union - (hull - union) / hull


def main() -> None:
    """Render, train, export, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "weights")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--start", type=Path, help="an exported float network to go on from")
    told = parser.parse_args()
    torch.set_num_threads(1)
    log: Log = lambda text: print(text, flush=True)  # noqa: E731
    log(f"rendering {told.frames} frames")
    start = told.start.read_bytes() if told.start else None
    frames = list(render_pool(told.seed, told.frames))
    net = fit(frames, told.steps, told.seed, log, start)
    data, command = DATA, f"python -m positioning.train.detector --seed {told.seed}"
    command += f" --frames {told.frames} --steps {told.steps}"
    if start:
        command += f" --start {told.start.name}"
        data += (
            f", on what {told.start.name} ({hashlib.sha256(start).hexdigest()[:12]}) had learned"
        )
    export(net, told.out, data, command, frames[:64], log)


if __name__ == "__main__":
    main()
