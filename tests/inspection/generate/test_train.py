"""Training a generator, on a few steps: from the station and from a folder of one's own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs lingnan[train]")
pytest.importorskip("onnx", reason="needs lingnan[train]")

import torch

from common.cli.main import run
from inspection.acceptance.made import surface
from inspection.generate import patches
from inspection.generate.learned import from_file
from inspection.generate.make import generate, pictures
from inspection.generate.procedural import Procedural
from inspection.generate.request import DefectRequest
from inspection.layouts.folder import read
from inspection.train import generator
from inspection.train.generator_net import Generator
from inspection.train.generator_pool import TrainError, of_dataset

pytestmark = [pytest.mark.inspection, pytest.mark.train]


def silent(done: int, total: int, what: str) -> None:
    """No progress is shown."""


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A folder with masked pits and cracks, and good parts."""
    goods, out = tmp_path / "goods", tmp_path / "samples"
    goods.mkdir()
    for i in range(6):
        cv2.imwrite(str(goods / f"{i}.png"), surface(np.random.default_rng(i)))
    for kind, size in (("pit", 20), ("crack", 50)):
        order = DefectRequest(kind=kind, size_px=size, count=6)
        generate(pictures(goods), order, Procedural(), out, silent)
    return out


def test_what_is_learned_from_a_folder(samples: Path) -> None:
    pool = of_dataset(read(samples, "refuse"), 1, silent)
    assert [card.name for card in pool.cards] == ["crack", "pit"]
    assert [card.outline for card in pool.cards] == ["crack", "patch"]
    assert pool.bad.shape == pool.cover.shape == (12, 64, 64) and not pool.paired
    assert len(pool.good) == 12 * 6
    assert (np.diff(pool.cards[1].contrasts) >= 0).all()
    assert (pool.halo[pool.cover >= 0.25] == 1).all()


def test_the_command_trains_a_file_that_generates(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "own.onnx"
    order = ["inspection", "generate-train", str(samples), "--layout", "folder", "--out", str(out)]
    assert run([*order, "--steps", "3"]) == 0
    assert "makes crack, pit" in capsys.readouterr().out
    made = from_file(out).make(
        surface(np.random.default_rng(9)),
        DefectRequest(kind="crack", size_px=40, x_px=90, y_px=90),
        np.random.default_rng(1),
    )
    assert made.mask.any()
    assert run([*order, "--steps", "3"]) == 2
    assert "is there already" in capsys.readouterr().err


def test_too_few_defects_are_refused(samples: Path) -> None:
    for path in sorted((samples / "pit").iterdir())[2:] + sorted((samples / "crack").iterdir())[2:]:
        path.unlink()
        (samples / "masks" / path.parent.name / path.name).unlink()
    with pytest.raises(TrainError, match="at least 4 masked"):
        of_dataset(read(samples, "refuse"), 1, silent)


def test_the_same_seed_trains_the_same_and_the_file_agrees_with_torch(samples: Path) -> None:
    pool = of_dataset(read(samples, "refuse"), 1, silent)
    nets = [generator.train(pool, 2, seed, silent) for seed in (1, 1, 2)]
    payloads = [generator.onnx_bytes(net, pool) for net in nets]
    assert payloads[0] == payloads[1] != payloads[2]
    assert generator.parity(nets[0], payloads[0], 2) < generator.PARITY
    with pytest.raises(TrainError, match="differs from torch"):
        generator.parity(nets[0], payloads[2], 2)


def test_contrast_is_that_of_the_numpy_side() -> None:
    rng = np.random.default_rng(3)
    patch = rng.normal(0, 1, (64, 64)).astype(np.float32)
    mask = np.hypot(*(np.mgrid[:64, :64] - 30)) < 9
    expected = patches.contrast(patch - 2 * mask.astype(np.float32), mask)
    told = generator.contrast(
        torch.from_numpy(patch - 2 * mask)[None, None].float(),
        torch.from_numpy(mask)[None, None].float(),
    )
    assert float(told[0]) == pytest.approx(expected, rel=1e-4)


def test_the_network_is_small() -> None:
    assert sum(p.numel() for p in Generator(3).parameters()) * 4 < 1_000_000
