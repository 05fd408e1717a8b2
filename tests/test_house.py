"""The house keeps its order: rooms, layers, and what no file may hold."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.directions import installed

pytestmark = pytest.mark.common

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "README.md",
    "config.py",
    "pipeline.py",
    "models/__init__.py",
    "train/__init__.py",
    "weights/manifest.json",
    "sim/__init__.py",
    "acceptance.py",
    "service.py",
    "ros_node.py",
    "cli.py",
)
DIRECTIONS = (
    "inspection",
    "xray_screening",
    "positioning",
    "surgical_sim",
    "harvest_robot",
    "digital_human",
    "city_nlp",
    "edge_deploy",
)
OURS = [d.package for d in installed() if (ROOT / d.package).is_dir()]
SOURCES = sorted(path for name in ("common", *OURS) for path in (ROOT / name).rglob("*.py"))
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
LEARNERS = {"torch", "torchvision", "ultralytics", "transformers"}
FORBIDDEN_CALLS = {"eval", "exec", "os.system", "os.popen", "subprocess.getoutput"}
MACHINE_PATH = re.compile(r"(?<![\w.}~-])/(?:work|home|root|Users|mnt|media)/\w")


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.Module) -> Iterator[str]:
    """Top-level names of every import, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call with its dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def is_true(call: ast.Call, name: str) -> bool:
    """Whether a keyword is given and is not the literal False."""
    given = [word.value for word in call.keywords if word.arg == name]
    return any(not (isinstance(v, ast.Constant) and v.value is False) for v in given)


def has_room(folder: Path, room: str) -> bool:
    """A module may have grown into a package of the same name."""
    package = folder / room.removesuffix(".py") / "__init__.py"
    return (folder / room).is_file() or (room.endswith(".py") and package.is_file())


@pytest.mark.parametrize("package", OURS)
def test_a_direction_has_its_rooms(package: str) -> None:
    missing = [room for room in ROOMS if not has_room(ROOT / package, room)]
    assert not missing, f"{package} lacks {', '.join(missing)}"


def test_a_direction_is_named_wherever_the_packages_are() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    there = {name for name in DIRECTIONS if (ROOT / name).is_dir()}
    linter = told["tool"]["importlinter"]
    contracts = {contract["name"]: contract for contract in linter["contracts"]}
    assert there == set(OURS) == set(told["project"]["entry-points"]["lingnan.directions"].values())
    for packages in (
        told["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"],
        told["tool"]["mypy"]["packages"],
        linter["root_packages"],
    ):
        assert set(packages) == {"common", *there}
    assert set(contracts["common knows no direction"]["forbidden_modules"]) == there


def test_imports_keep_to_the_layers() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.is_file():
        pytest.skip("import-linter is not installed: pip install 'lingnan[dev]'")
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.base
def test_torch_is_imported_under_train_alone() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if "train" not in path.relative_to(ROOT).parts and LEARNERS & set(imported(parsed(path)))
    ]
    assert found == []


@pytest.mark.base
def test_nothing_is_unpickled_evaluated_or_given_to_a_shell() -> None:
    found = []
    for path in SOURCES:
        tree = parsed(path)
        found += [f"{path.name}: imports {name}" for name in PICKLES & set(imported(tree))]
        for name, call in calls(tree):
            if name in FORBIDDEN_CALLS or is_true(call, "shell") or is_true(call, "allow_pickle"):
                found.append(f"{path.name}:{call.lineno}: {ast.unparse(call)[:80]}")
    assert found == []


@pytest.mark.base
def test_the_guard_itself_sees_what_it_guards_against() -> None:
    bad = ast.parse(
        "import pickle.x\nfrom torch.nn import Module\ndef f():\n import dill\n"
        "os.system('x')\nsubprocess.run('x', shell=True)\nnp.load(f, allow_pickle=flag)\n"
        "np.load(f, allow_pickle=False)\n"
    )
    assert {"pickle", "torch", "dill"} == set(imported(bad))
    told = [
        name in FORBIDDEN_CALLS or is_true(call, "shell") or is_true(call, "allow_pickle")
        for name, call in calls(bad)
    ]
    assert sorted(told) == [False, True, True, True]
    assert MACHINE_PATH.search("open('/home/x/data')")
    assert not MACHINE_PATH.search("GET /v2/models and ~/work/x")


def text_files() -> list[Path]:
    """What the repository holds, by git's list, or by the folders where there is no git."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            paths = [ROOT / name for name in done.stdout.split("\0") if name]
            return [path for path in paths if path.is_file()]
    return SOURCES


def test_no_file_tells_of_a_machine() -> None:
    endings = {".py", ".toml", ".md", ".json", ".css", ".js", ".html", ".yml", ".yaml", ""}
    found = []
    for path in text_files():
        if path.suffix not in endings or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {m.group()}" for m in MACHINE_PATH.finditer(text)]
    assert found == []
