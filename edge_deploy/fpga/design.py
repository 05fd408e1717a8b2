"""A whole design: stages, streams, FIFO depths and the folding they stand on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from edge_deploy.fpga.device import Resources, memory_blocks, total
from edge_deploy.fpga.fifos import depths
from edge_deploy.fpga.folding import Folding, Load, solve
from edge_deploy.fpga.layout import Shape, shapes
from edge_deploy.fpga.stages import SMALL, Builder, Stage
from edge_deploy.graph import ir

FIFO_LUT = 60


@dataclass(frozen=True, slots=True)
class Design:
    """What the top module is written from.

    alias: tensors that are another one's stream (Flatten). fifos: bytes by (stage, tensor).
    estimate: before synthesis.
    """

    graph: ir.Graph
    stages: tuple[Stage, ...]
    shapes: dict[str, Shape]
    alias: dict[str, str]
    folding: Folding
    fifos: dict[tuple[str, str], int]
    estimate: Resources

    def stream(self, tensor: str) -> str:
        """The tensor under whose name the bytes flow."""
        return self.alias.get(tensor, tensor)

    @property
    def counted(self) -> tuple[Stage, ...]:
        """Stages with multipliers, in the order of the `busy` port's bits."""
        return tuple(stage for stage in self.stages if stage.fold is not None)


def design(graph: ir.Graph, limits: Resources, interval: int = 0) -> Design:
    """Fold a graph into the limits. interval: cycles a picture that are fast enough."""
    streams = shapes(graph)
    alias = _aliases(graph)
    builder = Builder(graph, streams, _names(graph))
    operators = [op for op in graph.operators if not isinstance(op, ir.Flatten)]
    loads = {op.name: load for op in operators if (load := builder.load(op)) is not None}
    plain = [builder.stage(op, None) for op in operators if op.name not in loads]
    sizes = [graph.tensors[op.output].size for op in operators]
    sizes += [graph.tensors[name].size for name in graph.inputs]
    floor = max([*sizes, *(_cycles(stage, streams) for stage in plain)])
    folding = _solved(tuple(loads.values()), floor, plain, limits, interval)
    stages = tuple(
        _resolved(builder.stage(op, folding.folds.get(op.name)), alias) for op in operators
    )
    fifos = depths(stages, streams, graph.inputs, folding.interval)
    buffers = [Resources(0, FIFO_LUT, memory_blocks(8, depth)) for depth in fifos.values()]
    estimate = total([*(stage.cost for stage in stages), *buffers])
    return Design(graph, stages, streams, alias, folding, fifos, estimate)


def _solved(
    loads: tuple[Load, ...], floor: int, plain: list[Stage], limits: Resources, interval: int
) -> Folding:
    base = total([SMALL, *(stage.cost for stage in plain)])
    return solve(loads, floor, base, limits, interval) if loads else Folding({}, floor)


def _cycles(stage: Stage, streams: dict[str, Shape]) -> int:
    _, height, width = streams[stage.output]
    return stage.pace * height * width


def _aliases(graph: ir.Graph) -> dict[str, str]:
    found: dict[str, str] = {}
    for op in graph.operators:
        if isinstance(op, ir.Flatten):
            found[op.output] = found.get(op.inputs[0], op.inputs[0])
    return found


def _resolved(stage: Stage, alias: dict[str, str]) -> Stage:
    return replace(stage, inputs=tuple(alias.get(name, name) for name in stage.inputs))


def _names(graph: ir.Graph) -> dict[str, str]:
    """A Verilog name for each operator; its number keeps it from being a keyword or another's."""
    names: dict[str, str] = {}
    for at, op in enumerate(graph.operators):
        parts = [part for part in re.split(r"\W+", op.name, flags=re.ASCII) if part]
        word = "_".join(parts[-3:]).lower() or type(op).__name__.lower()
        names[op.name] = f"{word if word[0].isalpha() else f'n{word}'}_{at}"
    return names
