"""The child of `foreign.check`: model on standard input, JSON on standard output.

Limits are set before anything else is imported, so that they hold for every later byte.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

MAX_ANSWER_BYTES = 1 << 20
FREE_SIZES = (1, 32, 64, 224, 256, 640)  # tried in turn for free extents other than the batch
RUNS = 5


def _limit(limits: dict[str, Any]) -> None:
    memory = int(limits["memory_mib"]) << 20
    cpu = int(limits["cpu_s"])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_ANSWER_BYTES, MAX_ANSWER_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _examine(payload: bytes) -> dict[str, Any]:
    import hashlib

    from common.runtime.scan import scan
    from common.runtime.session import Session
    from common.runtime.timing import measure, peak_rss_mib

    anatomy = scan(payload)
    built: list[Session] = []
    loading = measure(lambda: built.append(Session(payload, warmup=0)), repeats=1, warmup=0)
    session = built[0]
    zeros = _runnable(session)
    outputs = session.run(_noise(zeros))
    running = measure(lambda: session.run(zeros), repeats=RUNS, warmup=0)
    return {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "bytes": len(payload),
        "opsets": dict(list(anatomy.opsets.items())[:100]),
        "ops": dict(anatomy.ops.most_common(1000)),
        "inputs": [_told(spec) for spec in session.inputs],
        "outputs": [_told(spec) for spec in session.outputs],
        "ran_on": {name: array.shape for name, array in zeros.items()},
        "load_ms": loading.median_ms,
        "run_ms": running.median_ms,
        "peak_rss_mib": peak_rss_mib(),
        "finite": _finite(outputs) and _finite(session.run(zeros)),
    }


def _runnable(session: Any) -> dict[str, Any]:
    """Zeros of the first free size on which the model runs; raises what the last one raised."""
    failure: Exception | None = None
    for size in FREE_SIZES:
        zeros = {spec.name: spec.zeros(free=size) for spec in session.inputs}
        try:
            session.run(zeros)
        except Exception as error:
            failure = error
        else:
            return zeros
    raise failure or AssertionError("no size was tried")


def _noise(zeros: dict[str, Any]) -> dict[str, Any]:
    """Seeded noise of the same shapes; integers stay 0 or 1, since they may be indices."""
    import numpy as np

    rng = np.random.default_rng(0)
    noise = dict(zeros)
    for name, array in zeros.items():
        if array.dtype.kind == "f":
            noise[name] = rng.standard_normal(array.shape).astype(array.dtype)
        elif array.dtype.kind in "ui":
            noise[name] = rng.integers(0, 2, array.shape).astype(array.dtype)
    return noise


def _finite(outputs: dict[str, Any]) -> bool:
    import numpy as np

    return all(bool(np.isfinite(a).all()) for a in outputs.values() if a.dtype.kind == "f")


def _told(spec: Any) -> dict[str, Any]:
    return {"name": spec.name, "shape": spec.shape, "dtype": spec.dtype.name}


def main() -> None:
    """Read, examine, answer; a refusal is an answer too."""
    limits = json.loads(sys.argv[1])
    _limit(limits)
    try:
        answer = _examine(sys.stdin.buffer.read())
    except MemoryError:
        answer = {"refused": f"needs more than {limits['memory_mib']} MiB of memory"}
    except Exception as error:
        answer = {"refused": str(error)[:2000] or type(error).__name__}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
