"""Trains the defect generator on the simulated station and exports it.

    python -m inspection.train.generator --out inspection/weights

A conditional adversarial network with the hinge loss (Lim and Ye 2017). The station gives the
same part without and with its defect, so that the difference is learned as well (Isola et al.
2017); real samples have no such pair, and there the judge alone teaches. About five
minutes on one core. The same seed gives the same file on the same machine.
"""

from __future__ import annotations

import argparse
import copy
import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch.nn import functional

from common.outputs import check_output
from common.runtime.manifest import NAME, parse_manifest
from common.runtime.publish import card_of, write_manifest
from common.runtime.session import Session
from inspection.generate.learned import ABOUT, SHIPPED, Kinds, noise
from inspection.generate.pairs import pairs
from inspection.generate.patches import PATCH_PX
from inspection.layouts.base import Dataset
from inspection.methods.base import Progress
from inspection.train.generator_net import Generator, Judge
from inspection.train.generator_pool import Pool, TrainError, of_dataset, of_pairs

STEPS, PARTS, SEED = 1200, 15, 1
BATCH = 16
RATE = 5e-4
KEEP = 0.995  # of the running mean of the generator's weights, which is what is exported
LEARN, CHECK = 21, 22  # seeds of the station's parts: regime train to learn, calibrate to check
PARITY = 1e-3  # normalised brightness

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step sees; see `Pool`. `target` is the true difference, where there is one."""

    bad: torch.Tensor
    good: torch.Tensor
    cover: torch.Tensor
    halo: torch.Tensor
    kind: torch.Tensor
    contrast: torch.Tensor
    noise: torch.Tensor

    def made(self, net: Generator) -> torch.Tensor:
        """The good patches with the defects that the generator adds."""
        residual = net(self.good, self.cover, self.kind, self.contrast, self.noise)
        return self.good + self.halo * residual


def train(pool: Pool, steps: int, seed: int, progress: Progress) -> Generator:
    """The generator after `steps`."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 4])
    kinds = len(pool.cards)
    net, judge = Generator(kinds), Judge(kinds)
    smooth = copy.deepcopy(net)
    optimisers = [torch.optim.Adam(part.parameters(), RATE, (0.5, 0.9)) for part in (net, judge)]
    rates = [torch.optim.lr_scheduler.CosineAnnealingLR(o, steps) for o in optimisers]
    draw = _drawer(pool, rng)
    for step in range(1, steps + 1):
        _stepped(optimisers[1], _judging(net, judge, draw()))
        _stepped(optimisers[0], _making(net, judge, draw(), pool.paired))
        for rate in rates:
            rate.step()
        with torch.no_grad():
            for kept, new in zip(smooth.parameters(), net.parameters(), strict=True):
                kept.lerp_(new, 1 - min(KEEP, step / (step + 10)))
        progress(step, steps, "training the generator")
    return smooth.eval()


def _stepped(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def _drawer(pool: Pool, rng: np.random.Generator) -> Callable[[], Batch]:
    """Random batches, mirrored and turned by quarters; kinds as often as each other."""
    halos = pool.halo
    share = 1 / np.bincount(pool.kind)[pool.kind]
    share = share / share.sum()

    def draw() -> Batch:
        picked = rng.choice(len(pool.bad), BATCH, p=share)
        others = picked if pool.paired else rng.integers(len(pool.good), size=BATCH)
        turns, flip = int(rng.integers(4)), bool(rng.integers(2))

        def tensor(values: NDArray[np.float32]) -> torch.Tensor:
            turned = np.rot90(values, turns, (1, 2))
            turned = np.flip(turned, 2) if flip else turned
            return torch.from_numpy(np.ascontiguousarray(turned)[:, None])

        return Batch(
            bad=tensor(pool.bad[picked]),
            good=tensor(pool.good[others]),
            cover=tensor(pool.cover[picked]),
            halo=tensor(halos[picked]),
            kind=functional.one_hot(torch.from_numpy(pool.kind[picked]), len(pool.cards)).float(),
            contrast=torch.from_numpy(pool.contrast[picked])[:, None],
            noise=torch.from_numpy(np.stack([noise(rng) for _ in range(BATCH)])),
        )

    return draw


def _judging(net: Generator, judge: Judge, batch: Batch) -> torch.Tensor:
    with torch.no_grad():
        made = batch.made(net)
    told = (batch.cover, batch.kind, batch.contrast)
    return functional.relu(1 - judge(batch.bad, *told)).mean() + (
        functional.relu(1 + judge(made, *told)).mean()
    )


def _making(net: Generator, judge: Judge, batch: Batch, paired: bool) -> torch.Tensor:
    """Deceive the judge, with the contrast asked for; where the truth is known, be like it."""
    made = batch.made(net)
    loss = -judge(made, batch.cover, batch.kind, batch.contrast).mean()
    off = torch.log(contrast(made, batch.cover) + 0.1) - torch.log(batch.contrast[:, 0] + 0.1)
    loss = loss + 2 * off.abs().mean()
    if paired:
        area = batch.halo.sum((1, 2, 3)) + 1
        loss = loss + ((made - batch.bad).abs().sum((1, 2, 3)) / area).mean()
    return loss


def contrast(patch: torch.Tensor, cover: torch.Tensor) -> torch.Tensor:
    """(N,): as `patches.contrast`, but with a slope."""
    mask = (cover >= 0.5).float()
    near = functional.max_pool2d(mask, 15, 1, 7) - functional.max_pool2d(mask, 5, 1, 2)
    ground = (patch * near).sum((1, 2, 3)) / near.sum((1, 2, 3)).clamp(min=1)
    away = (patch - ground[:, None, None, None]) ** 2 * mask
    return torch.sqrt(away.sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp(min=1) + 1e-6)


def onnx_bytes(net: Generator, pool: Pool) -> bytes:
    """The network as one ONNX file that says what it makes."""
    one = _inputs(np.random.default_rng(0), len(pool.cards))
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's own, about its deprecation
        torch.onnx.export(
            net,
            tuple(torch.from_numpy(value) for value in one.values()),
            buffer,
            dynamo=False,
            opset_version=17,
            input_names=list(one),
            output_names=["residual"],
        )
    model = onnx.load_from_string(buffer.getvalue())
    entry = model.metadata_props.add()
    entry.key, entry.value = ABOUT, Kinds(kinds=pool.cards).model_dump_json()
    payload: bytes = model.SerializeToString()
    return payload


def _inputs(rng: np.random.Generator, kinds: int) -> dict[str, NDArray[np.float32]]:
    def plane(count: int) -> NDArray[np.float32]:
        return rng.standard_normal((1, count, PATCH_PX, PATCH_PX), dtype=np.float32)

    one_hot = np.eye(kinds, dtype=np.float32)[rng.integers(kinds)][None]
    cover = (plane(1) > 1).astype(np.float32)
    contrasts = rng.uniform(0.2, 6, (1, 1)).astype(np.float32)
    return {
        "patch": plane(1),
        "cover": cover,
        "kind": one_hot,
        "contrast": contrasts,
        "noise": noise(rng)[None],
    }


@torch.inference_mode()
def parity(net: Generator, payload: bytes, kinds: int) -> float:
    """The largest difference between torch and ONNX Runtime on random inputs. TrainError above
    `PARITY`."""
    session, worst = Session(payload, warmup=0), 0.0
    for seed in range(16):
        one = _inputs(np.random.default_rng([5, seed]), kinds)
        expected = net(*(torch.from_numpy(value) for value in one.values())).numpy()
        worst = max(worst, float(np.abs(session.run(one)["residual"] - expected).max()))
    if worst > PARITY:
        raise TrainError(f"ONNX Runtime differs from torch by {worst:.2g}; nothing is written")
    return worst


@torch.inference_mode()
def score(net: Generator, pool: Pool, seed: int) -> dict[str, float]:
    """On a pool that was not learned from: the contrast made against that asked for (median of
    the ratio's size), and where there are pairs the mean error beside that of adding nothing."""
    draw = _drawer(pool, np.random.default_rng([seed, 6]))
    off, error, nothing = [], [], []
    for _ in range(16):
        batch = draw()
        made = batch.made(net)
        off.append(torch.log(contrast(made, batch.cover) / batch.contrast[:, 0]).abs())
        area = batch.halo.sum((1, 2, 3))
        error.append((made - batch.bad).abs().sum((1, 2, 3)) / area)
        nothing.append((batch.good - batch.bad).abs().sum((1, 2, 3)) / area)
    found = {"contrast_off_factor": float(torch.exp(torch.cat(off).median()))}
    if pool.paired:
        found["error"] = float(torch.cat(error).mean())
        found["error_of_nothing"] = float(torch.cat(nothing).mean())
    return found


def train_on(data: Dataset, out: Path, steps: int, seed: int, progress: Progress) -> str:
    """Train on one's own samples into the file `out`; tells what it makes.

    TrainError where the data do not suffice or `out` is there already.
    """
    if out.exists():
        raise TrainError(f"{out} is there already: name another --out")
    check_output(out)
    torch.set_num_threads(1)
    pool = of_dataset(data, seed, progress)
    net = train(pool, steps, seed, progress)
    payload = onnx_bytes(net, pool)
    parity(net, payload, len(pool.cards))
    draft = out.with_name(f".{out.name}.part")
    draft.write_bytes(payload)
    draft.replace(out)
    return f"{len(pool.bad)} defects; makes {', '.join(card.name for card in pool.cards)}"


def ship(folder: Path, steps: int, parts: int, seed: int, log: Log) -> None:
    """Train on the simulated station; write the network and its card beside those there are."""
    started = time.process_time()
    pool = of_pairs(pairs("train", LEARN + seed, parts))
    log(f"{len(pool.bad)} pairs, {time.process_time() - started:.0f} s")

    def tell(done: int, total: int, what: str) -> None:
        if done % 100 == 0:
            log(f"{what}: {done} of {total}, {time.process_time() - started:.0f} s")

    net = train(pool, steps, seed, tell)
    payload = onnx_bytes(net, pool)
    checked = of_pairs(pairs("calibrate", CHECK + seed, 3))
    figures = {
        **score(net, checked, seed),
        "largest_difference_torch_onnx": parity(net, payload, len(pool.cards)),
        "parameters": float(sum(p.numel() for p in net.parameters())),
        "pairs": float(len(pool.bad)),
    }
    log(str(figures))
    target, manifest = folder / f"{SHIPPED}.onnx", folder / NAME
    known = parse_manifest(manifest.read_bytes(), manifest).models if manifest.exists() else {}
    target.write_bytes(payload)
    card = card_of(
        target,
        licence="Apache-2.0",
        data="simulated station (inspection.sim), regime train, parts with and without their "
        f"defects; scored on regime calibrate; seed {seed}",
        command="python -m inspection.train.generator "
        f"--seed {seed} --steps {steps} --parts {parts}",
        score=figures,
    )
    write_manifest(folder, {**known, SHIPPED: card})


def main() -> None:
    """Render, train, export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "weights")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--parts", type=int, default=PARTS, help="a material and kind")
    parser.add_argument("--seed", type=int, default=SEED)
    told = parser.parse_args()
    torch.set_num_threads(1)
    told.out.mkdir(parents=True, exist_ok=True)
    ship(told.out, told.steps, told.parts, told.seed, lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
