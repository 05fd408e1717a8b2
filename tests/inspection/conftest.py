"""A job that was taught on drawn boards, for every test that needs one."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.job import Job
from inspection.layouts.deeppcb import read
from inspection.teach import Wish, teach
from tests.inspection.boards import write


@pytest.fixture(scope="session")
def boards_job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a golden-image job, taught on 16 drawn images of 4 boards."""
    root = tmp_path_factory.mktemp("boards")
    write(root)
    path = root / "boards.job"
    teach(read(root, "refuse"), Wish(), lambda done, total, what: None).save(path)
    return path


@pytest.fixture
def taught(boards_job: Path) -> Job:
    """That job."""
    return Job.load(boards_job)
