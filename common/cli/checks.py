"""What `lingnan doctor` looks at, one small function each."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlparse

from common.acceptance import machine

State = Literal["ok", "note", "fault"]
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "sve")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: as it should be, worth knowing, or something essential that is broken."""

    about: str
    state: State
    told: str


def every() -> Iterator[Check]:
    """All findings, from the essential to the optional."""
    for look in (package, base_install, extras, providers, computer, plugins, directions):
        yield from look()
    for look in (models, ros, tools, data):
        yield from look()


def package() -> Iterator[Check]:
    """Whether `common` is this distribution's and no other package of that name."""
    import common

    where = Path(common.__file__ or "").resolve().parent
    yield Check("lingnan", "ok", f"{machine.lingnan_version()}, {where.parent}")
    try:
        problem = _not_ours(where)
    except metadata.PackageNotFoundError:
        yield Check(
            "common", "note", "lingnan is run from its folder, not installed: pip install ."
        )
        return
    strangers = sorted({_name(d) for d in metadata.distributions() if _brings_common(d)})
    if problem or strangers:
        who = f"; {', '.join(strangers)} brings one too" if strangers else ""
        cure = f"pip uninstall {' '.join(strangers) or 'common'}, then install lingnan again"
        yield Check("common", "fault", f"{problem or 'ours is in use'}{who}: {cure}")
    else:
        yield Check("common", "ok", "is lingnan's own")


def _name(found: metadata.Distribution) -> str:
    return str(found.metadata["Name"])


def _brings_common(found: metadata.Distribution) -> bool:
    files = found.files or []
    return _name(found) != "lingnan" and any(f.parts[:1] == ("common",) for f in files)


def _not_ours(where: Path) -> str:
    """Why the folder `where` is not the `common` that lingnan installed; "" where it is."""
    ours = metadata.distribution("lingnan")
    url = json.loads(ours.read_text("direct_url.json") or "{}")
    if url.get("dir_info", {}).get("editable"):
        folder = Path(unquote(urlparse(url["url"]).path)).resolve()
        return "" if where.parent == folder else f"{where} is not of {folder}"
    listed = next((f for f in ours.files or [] if f.as_posix() == "common/__init__.py"), None)
    if listed is None or Path(str(listed.locate())).resolve().parent != where:
        return f"{where} is not the folder that lingnan installed"
    digest = hashlib.sha256((where / "__init__.py").read_bytes()).digest()
    told = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    is_same = listed.hash is None or listed.hash.value == told
    return "" if is_same else f"{where} was overwritten by another package"


def base_install() -> Iterator[Check]:
    """The packages that everything needs."""
    for name, asked in sorted(machine.requirements().items()):
        if "" in asked:
            found = _version(name)
            yield Check(name, "ok" if found else "fault", found or f"missing: pip install {name}")


def extras() -> Iterator[Check]:
    """For each extra whether it is complete, and how to get what is missing."""
    wanted: dict[str, list[str]] = {}
    for name, asked in sorted(machine.requirements().items()):
        for extra in asked - {""}:
            wanted.setdefault(extra, []).append(name)
    for extra, names in sorted(wanted.items()):
        missing = [name for name in names if not _version(name)]
        if missing:
            told = f"lacks {', '.join(missing)}: pip install 'lingnan[{extra}]'"
            yield Check(f"[{extra}]", "note", told)
        else:
            yield Check(f"[{extra}]", "ok", ", ".join(f"{n} {_version(n)}" for n in names))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def providers() -> Iterator[Check]:
    """ONNX Runtime's execution providers."""
    try:
        import onnxruntime
    except Exception as error:  # a broken wheel fails with whatever its loader raises
        yield Check("ONNX Runtime", "fault", f"does not import: {error}")
        return
    yield Check("ONNX Runtime", "ok", ", ".join(onnxruntime.get_available_providers()))


def computer() -> Iterator[Check]:
    """Processor, its extensions for int8 and vectors, cores, memory."""
    found = machine.machine()
    flags = [flag for flag in _FLAGS if flag in machine.cpu_flags()]
    has_memory = f", {found['memory_gib']} GiB" if found["memory_gib"] else ""
    yield Check("processor", "ok", f"{found['cpu']}, {found['cores']} cores{has_memory}")
    yield Check("extensions", "ok" if flags else "note", ", ".join(flags) or "none known for int8")
    yield Check("system", "ok", f"{found['system']}, {found['architecture']}")


def plugins() -> Iterator[Check]:
    """Third parties' drivers that cannot be used."""
    from common.drivers.registry import broken, table

    yield Check("drivers", "ok", ", ".join(sorted(table())))
    for one in broken():
        yield Check(f"driver {one.key}", "note", f"{one.target} does not load: {one.error}")


def directions() -> Iterator[Check]:
    """The installed directions, and those that do not import."""
    from common.directions import installed

    for direction in installed():
        try:
            rooms = [room for room in ("cli", "service", "acceptance") if direction.has(room)]
        except Exception as error:  # a third party's package may fail in any way
            told = f"{direction.package} does not import: {type(error).__name__}: {error}"
            yield Check(f"direction {direction.name}", "fault", told)
            continue
        yield Check(f"direction {direction.name}", "ok", f"{direction.package}: {', '.join(rooms)}")


def models() -> Iterator[Check]:
    """Shipped weights against their manifests."""
    from common.runtime.models import verify

    for verdict in verify():
        state: State = "fault" if verdict.error else "ok"
        told = verdict.error or f"{verdict.models} models, every file agrees with the manifest"
        yield Check(f"weights {verdict.direction}", state, told)


def ros() -> Iterator[Check]:
    """ROS 2's Python client, and the nodes that the directions bring."""
    from common.directions import installed

    distro = os.environ.get("ROS_DISTRO", "")
    if find_spec("rclpy") is None:
        cure = "pip install 'lingnan[ros]' (x86-64), or source a ROS 2 distribution's setup.bash"
        yield Check("ROS 2", "note", f"rclpy is not there: {cure}")
    else:
        yield Check("ROS 2", "ok", f"rclpy {_version('ros-rclpy') or 'of ' + distro}".strip())
    for direction in installed():
        nodes: list[str] = []
        with suppress(Exception):  # a package that does not import has its own line
            nodes = [f"python -m {node}" for node in direction.nodes()]
        if nodes:
            yield Check(f"ROS nodes {direction.name}", "ok", ", ".join(nodes))


def tools() -> Iterator[Check]:
    """Compilers, emulators and peers from outside Python."""
    from common.tools import TOOLS, WHEELS, cure, find, find_wheel

    for tool in TOOLS:
        where = find(tool.program)
        told = str(where) if where else f"is not there ({tool.purpose}): {cure(tool.program)}"
        yield Check(tool.program, "ok" if where else "note", told)
    for wheel in WHEELS:
        where = find_wheel(wheel)
        told = f"is not there ({wheel.purpose}): pip install 'lingnan[{wheel.extra}]'"
        yield Check(wheel.program, "ok" if where else "note", str(where) if where else told)


def data() -> Iterator[Check]:
    """The folder of public data sets, and that of the program's own state."""
    from common.paths import data_root, state_dir

    root = data_root()
    if root is None:
        told = "none: set LINGNAN_DATA to the folder; rows on public data are not measured without"
        yield Check("data", "note", told)
    else:
        sets = sorted(path.name for path in root.iterdir() if path.is_dir())
        yield Check("data", "ok", f"{root}: {', '.join(sets) or 'empty'}")
    state = state_dir()
    there = next(path for path in (state, *state.parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        yield Check("state", "ok", str(state))
    else:
        told = f"{state} cannot be written: set LINGNAN_STATE to a folder; `serve` needs one"
        yield Check("state", "note", told)
