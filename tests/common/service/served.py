"""A real server in a process of its own: `python served.py STATE_DIR`; prints its port."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from common.service.run import listen, run

HERE = Path(__file__).parent


def main() -> None:
    spec = importlib.util.spec_from_file_location("toy", HERE / "toy.py")
    assert spec is not None and spec.loader is not None
    toy = importlib.util.module_from_spec(spec)
    sys.modules["toy"] = toy
    spec.loader.exec_module(toy)
    app = toy.make(Path(sys.argv[1]), drain_s=10.0)
    with listen("127.0.0.1", 0) as listener:
        print(listener.getsockname()[1], flush=True)
        run(app, listener)


if __name__ == "__main__":
    main()
