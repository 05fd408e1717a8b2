"""One small network with every kind of stage, forks, joins and two outputs."""

from __future__ import annotations

import numpy as np

from edge_deploy.graph.ir import Graph
from tests.edge_deploy.qdq import Net, graph_of


def mixed(seed: int = 5) -> Graph:
    net = Net((2, 8, 12), seed)
    square = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    first = net.weighted("Conv", net.last, (6, 2, 3, 3), **square)
    second = net.weighted("Conv", first, (6, 1, 3, 3), group=6, **square)
    added = net.q(net.node("Add", [first, second]), net.scale * 1.3, 90)
    pool = net.node("MaxPool", [added], kernel_shape=[2, 2], strides=[2, 2])
    pooled = net.q(pool, net.scale, 90)
    small = net.weighted("Conv", pooled, (8, 6, 1, 1), strides=[2, 2])
    scales = net.constant("scales", np.array([1, 1, 2, 2], np.float32))
    large = net.node(
        "Resize", [small, "", scales], mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    large = net.q(large, net.scale, _last_zero(net))
    joined = net.q(net.node("Concat", [pooled, large], axis=1), net.scale * 1.1, 99)
    heat = net.weighted("Conv", joined, (5, 14, 3, 3))
    mean = net.q(net.node("GlobalAveragePool", [heat]), net.scale * 0.613, 77)
    logits = net.weighted("Gemm", net.node("Flatten", [mean], axis=1), (7, 5), transB=1)
    return graph_of(net.payload({heat: (5, 2, 4), logits: (7,)}))


def _last_zero(net: Net) -> int:
    zeros = [constant for constant in net.constants if constant.name.startswith("z")]
    return int(zeros[-1].raw_data[0])
