"""One call at a time in a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from common.lock import FolderError, alone

pytestmark = pytest.mark.common

HOLD = (
    "import sys; from pathlib import Path; from common.lock import alone\n"
    "with alone(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def test_another_process_is_refused_until_the_first_one_ends_even_by_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        with pytest.raises(FolderError, match="another call is at work"), alone(folder):
            pass
        first.kill()
        first.wait()
    with alone(folder):
        assert list(folder.iterdir()) == []


def test_the_folder_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), alone(tmp_path):
        raise ZeroDivisionError
    with alone(tmp_path):
        pass


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_what_is_no_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(FolderError, match="is no folder"), alone(tmp_path / name):
        pass
    assert (tmp_path / "file").read_bytes() == b"kept"
