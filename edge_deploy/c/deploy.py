"""A folder with everything that a board's project needs of a network, and its own check."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.c import build
from edge_deploy.c.generate import Sources
from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph
from edge_deploy.reference.run import run
from edge_deploy.verify.programs import pack


def deploy(
    graph: Graph,
    sources: Sources,
    target: build.Target,
    folder: Path,
    inputs: Mapping[str, NDArray[np.uint8]],
) -> tuple[str, ...]:
    """Write a target's folder; the names of its files.

    inputs: pictures whose outputs by the reference become the expected vectors. EdgeError where
    the folder holds anything already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EdgeError(f"{folder} is not an empty folder: name a new one")
    compiled = build.write(sources, target, folder)
    (folder / "inputs.bin").write_bytes(pack(graph, graph.inputs, inputs))
    (folder / "expected.bin").write_bytes(pack(graph, graph.outputs, run(graph, inputs)))
    count = len(next(iter(inputs.values())))
    (folder / "Makefile").write_text(_makefile(graph, sources, target, compiled), "utf-8")
    (folder / "README.md").write_text(_readme(graph, sources, target, count), "utf-8")
    return tuple(sorted(path.name for path in folder.iterdir()))


def _makefile(graph: Graph, sources: Sources, target: build.Target, compiled: list[str]) -> str:
    command = build.command(graph, sources, target, compiled)
    runner = shlex.join(target.runner)
    program = f"{runner} net" if runner else "./net"
    return f"""# Builds the test program and holds it against the expected vectors.
.PHONY: check clean
check: net
\t{program}
\tcmp outputs.bin expected.bin
\t@echo "every output is as expected"

net: $(wildcard *.c *.h)
\t{shlex.join(command)}

clean:
\trm -f net outputs.bin
"""


def _readme(graph: Graph, sources: Sources, target: build.Target, count: int) -> str:
    plan = sources.memory.plan
    tensors = "\n".join(
        f"| `{word}{at}` | {_extents(graph.tensors[name].shape)} | "
        f"{graph.tensors[name].scale:.9g} * (value - {graph.tensors[name].zero_point}) |"
        for word, names in (("input", graph.inputs), ("output", graph.outputs))
        for at, name in enumerate(names)
    )
    ends = [f"input{at}" for at in range(len(graph.inputs))]
    ends += [f"output{at}" for at in range(len(graph.outputs))]
    library = " ".join(f"`{name}`" for name in sorted(sources.files))
    return f"""# {graph.name} for {target.name}

```c
#include "lingnan_{sources.name}.h"

lingnan_{sources.name}_run({", ".join(ends)});
```

| | uint8_t | stands for |
|---|---|---|
{tensors}

- {graph.macs:,} multiply-accumulates; static arena of {plan.size:,} bytes (no plan can be below
  {plan.bound:,}); no heap. One call at a time: the arena is shared.
- No floats, but where the compiler is told of NEON or of AVX-512 VNNI: there float32 rounds, and
  rows lie in static memory of their own. `-DLINGNAN_PLAIN` has neither.
- Take into your project: {library}. The rest is the check.
- `make check` builds with `{target.compiler}`, runs {count} pictures of `inputs.bin` and compares
  with `expected.bin`, which the integer reference computed.
"""


def _extents(shape: tuple[int, ...]) -> str:
    if len(shape) != 3:
        return " x ".join(map(str, shape))
    return f"{shape[1]} x {shape[2]} x {shape[0]} (height, width, channel)"
