"""An ONNX file compiled ahead of time by IREE for this machine, and called."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from common.errors import MissingExtraError
from edge_deploy.verify import tools

EXTRA = "iree"
FLAGS = (
    "--iree-input-type=onnx",
    "--iree-hal-target-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
)


def compiled(model: Path, scratch: Path) -> Path:
    """The model as machine code of this CPU. MissingExtraError without IREE, EdgeError with its
    words where it cannot compile the file."""
    if find_spec("iree") is None or find_spec("iree.compiler") is None:
        raise MissingExtraError("iree-base-compiler", EXTRA)
    imported, made = scratch / f"{model.stem}.mlir", scratch / f"{model.stem}.vmfb"
    tools.run(["iree-import-onnx", model.resolve(), "-o", imported], scratch)
    tools.run(["iree-compile", *FLAGS, imported, "-o", made], scratch)
    return made


def caller(compiled_file: str, picture: np.ndarray) -> Callable[[], object]:
    """One thread. picture (1, C, H, W) as the model takes it."""
    import iree.runtime as runtime  # type: ignore[import-not-found,unused-ignore]

    module = runtime.load_vm_flatbuffer(Path(compiled_file).read_bytes(), driver="local-sync")
    (name,) = [
        name
        for name in module.vm_module.function_names
        if not name.endswith("$async") and name != "__init"
    ]
    entry = getattr(module, name)

    def call() -> object:
        answer = entry(picture)
        several = answer if isinstance(answer, tuple) else (answer,)
        return [np.asarray(one) for one in several]

    return call
