"""Learns each signal's variance on simulated cities and exports it.

    python -m positioning.train.variance

Some three minutes on one core. The same seed gives the same network. Every kind of city is also
left out once: what a network that learned from the others is worth there goes on the model's card,
and for the cities of the acceptance that network is exported too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from common.errors import LingnanError
from common.runtime.manifest import NAME, ModelCard
from common.runtime.publish import card_of, write_manifest
from common.runtime.session import Session
from common.runtime.weights import verify_folder
from positioning.gnss.variance.network import MODEL, without
from positioning.gnss.variance.signs import SIGNS
from positioning.train.variance_pool import CITIES, Pool, pool

JUDGED = ("avenue", "canyon", "old-town", "viaduct")
WIDTH, BATCH, STEPS, PEAK_RATE = 48, 4096, 900, 6e-3
DRIVES, DURATION_S, SEED = 8, 90.0, 1
FREEDOM = 4.0
"""Of Student's distribution: errors in streets have heavy tails."""

LIMITS = (-7.0, 9.0), (-14.0, 8.0)
"""Of the logarithms of variances in m^2, code and phase."""

_APART = 1e-3  # of log variances between torch and ONNX
Log = Callable[[str], None]


class Variance(nn.Module):
    """signs (M, SIGNS) to log variances (M, 2), m^2, of code and phase."""

    def __init__(self, told: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", told.mean(0))
        self.register_buffer("scale", 1 / (told.std(0) + 1e-3))
        self.layers = nn.Sequential(
            nn.Linear(len(SIGNS), WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(),
            nn.Linear(WIDTH, 2),
        )  # fmt: skip
        low, high = torch.tensor(LIMITS).T
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, signs: torch.Tensor) -> torch.Tensor:
        """Bounded, so that no sign however odd gives an absurd weight."""
        scaled = ((signs - self.mean) * self.scale).clamp(-6, 6)
        share = torch.sigmoid(self.layers(scaled) / 4)
        return self.low + (self.high - self.low) * share


def surprise(log_variance: torch.Tensor, error_m: torch.Tensor) -> torch.Tensor:
    """(M, 2) negative log likelihood of errors under Student's distribution, but for constants."""
    square = error_m**2 * torch.exp(-log_variance) / FREEDOM
    return 0.5 * log_variance + (FREEDOM + 1) / 2 * torch.log1p(square)


def fit(told: Pool, seed: int, steps: int = STEPS) -> Variance:
    """AdamW with a one-cycle rate."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 3])
    signs, error = torch.from_numpy(told.signs), torch.from_numpy(told.error_m)
    net = Variance(signs).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
    for _ in range(steps):
        rows = torch.from_numpy(rng.integers(0, len(signs), BATCH))
        loss = surprise(net(signs[rows]), error[rows]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
    return net.eval()


def worth(net: Variance, told: Pool, learned: Pool) -> tuple[float, float]:
    """Nats a code and a phase by which the network is less surprised than two straight lines in
    strength and elevation, which were fitted to the same drives as it."""
    with torch.no_grad():
        ours = surprise(net(torch.from_numpy(told.signs)), torch.from_numpy(told.error_m)).mean(0)
    plain = _plain(learned)
    theirs = surprise(
        torch.from_numpy(told.signs[:, :2]) @ plain[:2] + plain[2], torch.from_numpy(told.error_m)
    )
    gain = theirs.mean(0) - ours
    return float(gain[0]), float(gain[1])


def _plain(learned: Pool) -> torch.Tensor:
    """(3, 2) log variance linear in strength and the elevation's sine, by the same likelihood."""
    signs, error = torch.from_numpy(learned.signs[:, :2]), torch.from_numpy(learned.error_m)
    lines = torch.zeros(3, 2, requires_grad=True)
    optimiser = torch.optim.Adam([lines], lr=0.1)
    for _ in range(200):
        loss = surprise(signs[::7] @ lines[:2] + lines[2], error[::7]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return lines.detach()


def as_onnx(net: Variance) -> onnx.ModelProto:
    """ "signs" (N, SIGNS) float32 to "log_variance" (N, 2)."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the new exporter needs onnxscript
        draft = Path(scratch, "draft.onnx")
        torch.onnx.export(
            net, (torch.zeros(4, len(SIGNS)),), str(draft), opset_version=17,
            input_names=["signs"], output_names=["log_variance"],
            dynamic_axes={"signs": {0: "N"}, "log_variance": {0: "N"}}, dynamo=False,
        )  # fmt: skip
        return onnx.load(draft)


def export(
    net: Variance, folder: Path, name: str, seed: int, score: dict[str, float], check: Pool
) -> None:
    """name.onnx with its card; LingnanError where ONNX tells other than torch."""
    path, model = folder / f"{name}.onnx", as_onnx(net)
    told = Session(model.SerializeToString()).run({"signs": check.signs})["log_variance"]
    with torch.no_grad():
        apart = float(np.abs(told - net(torch.from_numpy(check.signs)).numpy()).max())
    if apart > _APART:
        raise LingnanError(f"ONNX is {apart:.1e} from torch, at most {_APART} is accepted")
    known: dict[str, ModelCard] = {}
    if (folder / NAME).exists():
        known = {n: c for n, c in verify_folder(folder).models.items() if n != name}
    onnx.save(model, path)
    known[name] = card_of(
        path, licence="Apache-2.0", score=score,
        data=f"simulated drives of positioning.sim.gnss, {_learned(name)}, seeds from 2000000",
        command=f"python -m positioning.train.variance --seed {seed}",
        units={"signs": "see positioning.gnss.variance.signs", "log_variance": "log m^2"},
    )  # fmt: skip
    write_manifest(folder, known)


def _learned(name: str) -> str:
    return ", ".join(city for city in CITIES if without(city) != name)


def main() -> None:
    """Simulate, leave each city out once, learn from all, export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "weights")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--drives", type=int, default=DRIVES)
    told = parser.parse_args()
    torch.set_num_threads(1)
    log: Log = lambda text: print(f"{time.process_time():.0f} s: {text}", flush=True)  # noqa: E731
    everything = pool(told.drives, DURATION_S, told.seed)
    log(f"{len(everything.signs)} rows of {told.drives * len(CITIES)} drives")
    score: dict[str, float] = {}
    for name in CITIES:
        others, unseen = everything.of([c for c in CITIES if c != name]), everything.of([name])
        net = fit(others, told.seed)
        code, phase = worth(net, unseen, others)
        gained = {f"gain_code_nats_{name}": code, f"gain_phase_nats_{name}": phase}
        log(f"{name}, not learned from: {code:.3f} nats a code, {phase:.3f} a phase")
        if name in JUDGED:
            export(net, told.out, without(name), told.seed, gained, unseen)
        score |= gained
    check = everything.of(["canyon"])
    export(fit(everything, told.seed), told.out, MODEL, told.seed, score, check)
    log(f"written to {told.out}")


if __name__ == "__main__":
    main()
