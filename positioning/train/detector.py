"""Trains the detector of road users on the simulated road and exports it.

    python -m positioning.train.detector --out positioning/weights

About ten minutes on one core. The same seed gives the same network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from positioning.train.detector_export import export
from positioning.train.detector_net import RoadUsers
from positioning.train.detector_pool import Batch, Frame, batch, render_pool

SIDE = 256, 320
CROPS, PEAK_RATE = 16, 3e-3
FRAMES, STEPS, SEED = 1200, 2600, 1

Log = Callable[[str], None]


def fit(frames: list[Frame], steps: int, seed: int, log: Log) -> RoadUsers:
    """AdamW with a one-cycle rate."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 2])
    net = RoadUsers().train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-4)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
    start, running = time.process_time(), 0.0
    for step in range(1, steps + 1):
        value = loss(net, batch(frames, rng, CROPS, SIDE))
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        rate.step()
        running += (value.item() - running) * max(0.02, 1 / step)
        if step % 50 == 0:
            log(f"step {step}/{steps} loss {running:.4f} cpu {time.process_time() - start:.0f} s")
    return net.eval()


def loss(net: RoadUsers, crops: Batch) -> torch.Tensor:
    """Penalty-reduced focal loss of the middles and generalised IoU of the boxes."""
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
    off = 1 - overlap(distances, torch.from_numpy(crops.box))
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
    told = parser.parse_args()
    torch.set_num_threads(1)
    log: Log = lambda text: print(text, flush=True)  # noqa: E731
    log(f"rendering {told.frames} frames")
    frames = list(render_pool(told.seed, told.frames))
    net = fit(frames, told.steps, told.seed, log)
    export(net, told.out, told.seed, frames[:64], log)


if __name__ == "__main__":
    main()
