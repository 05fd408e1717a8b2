"""A torch network to a float ONNX file, batch norms folded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def settle(net: nn.Module, samples: NDArray[np.float32], seed: int) -> nn.Module:
    """A network with random weights whose batch norms have seen `samples`, ready for inference."""
    torch.manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            module.momentum = None
    net.train()
    with torch.no_grad():
        net(torch.from_numpy(samples))
    return net.eval()


def export(net: nn.Module, shape: tuple[int, ...], outputs: tuple[str, ...]) -> bytes:
    """ONNX bytes (opset 17) of a network that takes one float32 picture of `shape` (C, H, W)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        torch.onnx.export(
            net.eval(),
            (torch.zeros(1, *shape),),
            str(path),
            input_names=["image"],
            output_names=list(outputs),
            opset_version=17,
            dynamo=False,
        )
        return path.read_bytes()
