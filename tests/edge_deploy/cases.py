"""One small network for each operator, with the odd sizes at which kernels go wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.edge_deploy.qdq import Net


def conv(
    channels: int, filters: int, kernel: int, stride: int, pad: tuple[int, ...], groups: int = 1
) -> Callable[[], bytes]:
    def made() -> bytes:
        net = Net((channels, 9, 7), seed=channels + filters)
        shape = (filters, channels // groups, kernel, kernel)
        y = net.weighted(
            "Conv", net.last, shape, strides=[stride] * 2, pads=list(pad), group=groups,
            kernel_shape=[kernel] * 2,
        )  # fmt: skip
        height = (9 + pad[0] + pad[2] - kernel) // stride + 1
        width = (7 + pad[1] + pad[3] - kernel) // stride + 1
        return net.payload({y: (filters, height, width)})

    return made


def gemm() -> bytes:
    net = Net((10, 3, 1))
    flat = net.node("Flatten", [net.last], axis=1)
    return net.payload({net.weighted("Gemm", flat, (7, 30), transB=1): (7,)})


def added() -> bytes:
    net = Net((5, 9, 7))
    first = net.weighted("Conv", net.last, (6, 5, 1, 1))
    scale = net.scale
    second = net.q(net.node("Relu", [first]), scale * 0.7, 0)
    return net.payload({net.q(net.node("Add", [first, second]), scale * 1.3, 90): (6, 9, 7)})


def added_on_ties() -> bytes:
    """Equal scales in, twice the scale out: every odd sum is a tie."""
    net = Net((4, 9, 7))
    scale = 2.0**-5
    first = net.q(net.last, scale, 128)
    second = net.q(net.node("Relu", [net.last]), scale, 0)
    return net.payload({net.q(net.node("Add", [first, second]), scale * 2, 100): (4, 9, 7)})


def pooled() -> bytes:
    net = Net((5, 9, 7))
    y = net.node("MaxPool", [net.last], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])
    return net.payload({net.q(y, net.scale, _zero(net)): (5, 5, 4)})


def _zero(net: Net) -> int:
    return int(next(c for c in net.constants if c.name.startswith("z")).raw_data[0])


def averaged() -> bytes:
    net = Net((5, 9, 7))
    y = net.q(net.node("GlobalAveragePool", [net.last]), net.scale * 0.3, 77)
    return net.payload({y: (5, 1, 1)})


def upsampled() -> bytes:
    net = Net((3, 4, 5))
    scales = net.constant("scales", np.array([1, 1, 2, 3], np.float32))
    y = net.node(
        "Resize", [net.last, "", scales], mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    return net.payload({net.q(y, net.scale, _zero(net)): (3, 8, 15)})


def joined() -> bytes:
    net = Net((3, 9, 7))
    source = net.last
    first = net.weighted("Conv", source, (5, 3, 1, 1))
    scale = net.scale
    net.scale = float(np.float32(scale))
    second = net.q(net.node("Relu", [first]), scale / 2, 0)
    y = net.q(net.node("Concat", [first, second], axis=1), scale * 1.1, 99)
    return net.payload({y: (10, 9, 7)})


def blocks(kind: str, mode: str | None = None) -> Callable[[], bytes]:
    def made() -> bytes:
        deep = (12, 4, 6)
        shallow = (3, 8, 12)
        source, target = (shallow, deep) if kind == "SpaceToDepth" else (deep, shallow)
        net = Net(source)
        more = {"mode": mode} if mode else {}
        y = net.node(kind, [net.last], blocksize=2, **more)
        return net.payload({net.q(y, net.scale, _zero(net)): target})

    return made


def unshuffled() -> bytes:
    """PyTorch's pixel_unshuffle as its exporter writes it."""
    net = Net((3, 8, 12))
    cut = net.constant("cut", np.array([1, 3, 4, 2, 6, 2], np.int64))
    join = net.constant("join", np.array([1, 12, 4, 6], np.int64))
    y = net.node("Transpose", [net.node("Reshape", [net.last, cut])], perm=[0, 1, 3, 5, 2, 4])
    return net.payload({net.q(net.node("Reshape", [y, join]), net.scale, _zero(net)): (12, 4, 6)})


def table(kind: str, **attributes: float) -> Callable[[], bytes]:
    def made() -> bytes:
        net = Net((3, 9, 7))
        y = net.node(kind, [net.last], **attributes)
        return net.payload({net.q(y, 1 / 200, 30): (3, 9, 7)})

    return made


CASES: dict[str, Callable[[], bytes]] = {
    "conv 3x3 of 3 channels": conv(3, 6, 3, 1, (1, 1, 1, 1)),
    "conv 3x3 of 8, stride 2": conv(8, 5, 3, 2, (1, 1, 1, 1)),
    "conv 5x5, uneven pads": conv(2, 3, 5, 1, (2, 1, 0, 2)),
    "conv 1x1 that lies ready": conv(8, 9, 1, 1, (0, 0, 0, 0)),
    "conv 1x1, stride 2": conv(8, 4, 1, 2, (0, 0, 0, 0)),
    "conv in groups": conv(8, 12, 3, 1, (1, 1, 1, 1), 4),
    "conv 3x3 of 4, 21 filters": conv(4, 21, 3, 1, (1, 1, 1, 1)),
    "depthwise of 24": conv(24, 24, 3, 1, (1, 1, 1, 1), 24),
    "depthwise of 8": conv(8, 8, 3, 1, (1, 1, 1, 1), 8),
    "depthwise of 33, stride 2": conv(33, 33, 3, 2, (0, 0, 1, 1), 33),
    "conv 1x1 of 20, 24 filters": conv(20, 24, 1, 1, (0, 0, 0, 0)),
    "depthwise of 7, stride 2": conv(7, 7, 3, 2, (1, 1, 1, 1), 7),
    "depthwise multiplier 2": conv(6, 12, 3, 1, (0, 1, 2, 1), 6),
    "gemm": gemm,
    "add": added,
    "add on ties": added_on_ties,
    "max pool": pooled,
    "global average": averaged,
    "upsample": upsampled,
    "concat of two scales": joined,
    "space to depth": blocks("SpaceToDepth"),
    "depth to space DCR": blocks("DepthToSpace", "DCR"),
    "depth to space CRD": blocks("DepthToSpace", "CRD"),
    "pixel unshuffle": unshuffled,
    "sigmoid": table("Sigmoid"),
    "leaky relu": table("LeakyRelu", alpha=0.2),
}
