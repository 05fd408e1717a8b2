"""How each check network learns: characters by cross-entropy, trays by centre points and masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edge_deploy.characters import Characters
from edge_deploy.models.detector import STRIDE, UNIT_PX
from edge_deploy.sim.trays import KINDS, Tray, tray

BATCH = 50
SPREAD = 1.0  # of the heat around a centre, in cells

Batch = tuple[Tensor, ...]


def train(
    net: nn.Module,
    steps: int,
    batch: Callable[[np.random.Generator], Batch],
    loss: Callable[..., Tensor],
    seed: int,
) -> nn.Module:
    """AdamW with a one-cycle learning rate. loss(outputs of the net, targets of the batch)."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=steps)
    net.train()
    for _ in range(steps):
        images, *targets = batch(rng)
        value = loss(net(images), *targets)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        rate.step()
    return net.eval()


def character_batches(data: Characters) -> Callable[[np.random.Generator], Batch]:
    """Drawings turned by up to 15 degrees, grown by up to 15 %, moved by up to 4 px."""
    images = torch.from_numpy(data.images[data.for_learning].astype(np.float32) / 255)
    labels = torch.from_numpy(data.labels[data.for_learning])

    def batch(rng: np.random.Generator) -> Batch:
        chosen = torch.from_numpy(rng.integers(0, len(images), BATCH))
        turn = rng.uniform(-0.26, 0.26, BATCH)
        size = rng.uniform(0.85, 1.15, BATCH)
        rows = np.stack(
            [size * np.cos(turn), -size * np.sin(turn), rng.uniform(-0.25, 0.25, BATCH)]
        )
        below = np.stack(
            [size * np.sin(turn), size * np.cos(turn), rng.uniform(-0.25, 0.25, BATCH)]
        )
        matrix = torch.from_numpy(np.stack([rows.T, below.T], 1).astype(np.float32))
        grid = functional.affine_grid(matrix, [BATCH, *images.shape[1:]], align_corners=False)
        moved = functional.grid_sample(images[chosen], grid, align_corners=False)
        return moved, labels[chosen]

    return batch


def tray_batches(
    targets: Callable[[list[Tray]], Batch], size: int = 24
) -> Callable[[np.random.Generator], Batch]:
    """Fresh trays every time."""

    def batch(rng: np.random.Generator) -> Batch:
        trays = [tray(rng) for _ in range(size)]
        pictures = np.stack([one.picture(rng) for one in trays])[:, None]
        return torch.from_numpy(pictures.astype(np.float32) / 255), *targets(trays)

    return batch


def centre_targets(trays: list[Tray]) -> Batch:
    """heat (N, kinds, h, w), 1 at a centre's cell and Gaussian around it; size (N, 2, h, w);
    at (N, 1, h, w), 1 at the cells of centres."""
    side = len(trays[0].labels) // STRIDE
    heat = np.zeros((len(trays), len(KINDS), side, side), np.float32)
    size = np.zeros((len(trays), 2, side, side), np.float32)
    at = np.zeros((len(trays), 1, side, side), np.float32)
    y, x = np.mgrid[:side, :side]
    for number, one in enumerate(trays):
        for box, kind in zip(one.boxes_px, one.kinds, strict=True):
            middle = (box[:2] + box[2:]) / 2 / STRIDE
            column, row = middle.astype(int)
            near = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * SPREAD**2))
            heat[number, kind] = np.maximum(heat[number, kind], near)
            size[number, :, row, column] = (box[2:] - box[:2]) / UNIT_PX
            at[number, 0, row, column] = 1
    return torch.from_numpy(heat), torch.from_numpy(size), torch.from_numpy(at)


def centre_loss(found: tuple[Tensor, Tensor], heat: Tensor, size: Tensor, at: Tensor) -> Tensor:
    """Focal loss with less weight near centres (Law and Deng 2018), L1 on the sizes."""
    logits, sizes = found
    chance = torch.sigmoid(logits)
    centre = (heat == 1).float()
    hit = -centre * (1 - chance) ** 2 * functional.logsigmoid(logits)
    miss = -(1 - centre) * (1 - heat) ** 4 * chance**2 * functional.logsigmoid(-logits)
    count = at.sum().clamp(min=1)
    return ((hit + miss).sum() + (at * (sizes - size).abs()).sum()) / count


def mask_targets(trays: list[Tray]) -> Batch:
    """(N, H, W) class of every pixel, 0 the tray."""
    labels: NDArray[np.int64] = np.stack([one.labels for one in trays]).astype(np.int64)
    return (torch.from_numpy(labels),)
