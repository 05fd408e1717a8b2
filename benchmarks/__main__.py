"""python -m benchmarks [NAME ...] [--json]: all benchmarks, or those named, one after the other."""

from __future__ import annotations

import importlib
import json
import sys

BENCHMARKS = {
    "pipeline": "stages of the line against the floor of bytes moved",
    "anomaly": "the taught anomaly model beside PatchCore with EfficientNet-lite0",
}


def main(words: list[str]) -> int:
    """Run and print; 2 when a name is not known."""
    names = [word for word in words if word != "--json"] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
        return 2
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        result = module.measure()
        if "--json" in words:
            print(json.dumps({name: result}, indent=1))
            continue
        print(f"{name}: {BENCHMARKS[name]}")
        module.show(result)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
