"""The feature net: torch, ONNX and the shipped file are one net, to the decision."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from common.runtime.weights import load, verify_folder
from inspection.methods.perceptron import Perceptron
from inspection.models.features import SHIPPED, WEIGHTS, FeatureBank
from inspection.models.lean import Lean
from inspection.train.features import TOLERANCE, FeatureNet, export, largest_difference

pytestmark = [pytest.mark.inspection, pytest.mark.train]


def test_the_shipped_net_is_the_one_that_the_formulas_give(tmp_path: Path) -> None:
    export(tmp_path)
    card = verify_folder(tmp_path).models[SHIPPED]
    payload = load(WEIGHTS, SHIPPED).payload
    assert card.sha256 == hashlib.sha256(payload).hexdigest()
    assert largest_difference(payload) <= TOLERANCE


@torch.inference_mode()
def test_torch_and_onnx_decide_alike_on_every_picture() -> None:
    rng = np.random.default_rng(3)
    net, bank = FeatureNet().eval(), FeatureBank(load(WEIGHTS, SHIPPED).payload)
    pictures = rng.integers(0, 256, (60, 64, 96), dtype=np.uint8)
    pictures[::2, 20:24, 30:60] //= 4
    depth = bank(pictures[0]).shape[-1]
    head = Perceptron(
        (rng.normal(size=(1, depth, 1)).astype(np.float32) / depth,),
        (np.zeros((1, 1), np.float32),),
    )
    by_onnx, by_torch = [], []
    for picture in pictures:
        by_onnx.append(head.logits(bank(picture).reshape(-1, depth)).max())
        outputs = net(torch.from_numpy(picture.astype(np.float32)[None, None]))
        features = Lean(*(one[0].numpy() for one in outputs)).whole()
        by_torch.append(head.logits(features.reshape(-1, depth)).max())
    limit = float(np.sort(by_onnx)[29:31].mean())
    assert ((np.array(by_onnx) >= limit) == (np.array(by_torch) >= limit)).all()
