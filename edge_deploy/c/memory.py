"""What a graph's operators need of the arena, and where each tensor is found in C."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.c.plan import Buffer, Plan, plan
from edge_deploy.graph.ir import Conv2d, FullyConnected, Graph, Operator

SCRATCH = "scratch of "


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """A planned arena, and the C expression of each tensor."""

    plan: Plan
    graph: Graph

    def place(self, tensor: str) -> str:
        """A tensor in C: a parameter of the call, or an offset in the arena."""
        if tensor in self.graph.outputs:
            return f"output{self.graph.outputs.index(tensor)}"
        if tensor in self.graph.inputs:
            return f"input{self.graph.inputs.index(tensor)}"
        return f"arena + {self.plan.offsets[tensor]}"

    def scratch(self, op: Operator) -> str:
        """An operator's scratch in C, a null pointer where it needs none."""
        name = SCRATCH + op.name
        return f"arena + {self.plan.offsets[name]}" if name in self.plan.offsets else "0"


def memory(graph: Graph) -> Memory:
    """Plan the arena. Inputs and outputs are the caller's."""
    last = {name: at for at, op in enumerate(graph.operators) for name in op.inputs}
    buffers = []
    for at, op in enumerate(graph.operators):
        if op.output not in graph.outputs:
            size = graph.tensors[op.output].size
            buffers.append(Buffer(op.output, size, at, last.get(op.output, at)))
        if need := scratch_bytes(graph, op):
            buffers.append(Buffer(SCRATCH + op.name, need, at, at))
    return Memory(plan(buffers), graph)


def scratch_bytes(graph: Graph, op: Operator) -> int:
    """Two gathered columns of a convolution, where its input does not hold them ready."""
    if isinstance(op, FullyConnected):
        return 0 if op.weight.shape[1] % 4 == 0 else row_bytes(op)
    if not isinstance(op, Conv2d) or op.depthwise or is_ready(graph, op):
        return 0
    return 2 * row_bytes(op)


def is_ready(graph: Graph, op: Conv2d) -> bool:
    """Whether each window is one pixel whose channels can be taken as they lie."""
    ready = op.weight.shape[2:] == (1, 1) and op.stride == (1, 1) and op.pad == (0, 0, 0, 0)
    return ready and op.groups == 1 and op.weight.shape[1] % 4 == 0


def row_bytes(op: Conv2d | FullyConnected) -> int:
    """Bytes of one output channel's weights, padded to a multiple of four."""
    return _fours(int(op.weight[0].size))


def run_bytes(op: Conv2d | FullyConnected) -> int:
    """Bytes of one kernel row in them, 0 where rows are not whole fours.

    Rows are padded one by one where that makes no more bytes than padding all of them does.
    """
    if isinstance(op, FullyConnected):
        return row_bytes(op)
    _, channels, rows, columns = op.weight.shape
    run = _fours(int(channels * columns))
    return run if rows * run == row_bytes(op) else 0


def _fours(count: int) -> int:
    return -(-count // 4) * 4
