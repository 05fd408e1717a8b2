"""`python -m benchmarks [NAME ...] [--size quick] [--json]`: those named, all where none is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module

from common.errors import LingnanError

BENCHMARKS = ("pipeline", "anomaly", "gnss", "fusion", "detector")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit 2 where something that a benchmark needs is missing."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--size", choices=("quick", "full"), default="full")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(arguments)
    if unknown := set(told.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {min(unknown)}; there are: {', '.join(BENCHMARKS)}")
    results = {}
    for name in told.names or BENCHMARKS:
        module = import_module(f"benchmarks.{name}")
        try:
            results[name] = module.measure(told.size)
        except LingnanError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        if not told.json:
            module.show(results[name])
    if told.json:
        print(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
