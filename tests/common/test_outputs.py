"""What is asked before a file is written: a place for it, and that no input is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.outputs import OutputError, check_output


def test_a_new_file_and_a_former_output_are_free(tmp_path: Path) -> None:
    out, read = tmp_path / "out 板.pos", tmp_path / "in.obs"
    read.write_text("read")
    check_output(out, read, None, tmp_path / "gone")
    assert not out.exists(), "asking makes no file"
    out.write_text("former")
    check_output(out, read)
    assert (out.read_text(), read.read_text()) == ("former", "read")


def test_an_input_is_never_written_over_under_any_name(tmp_path: Path) -> None:
    read = tmp_path / "in.obs"
    read.write_text("read")
    (tmp_path / "link.obs").symlink_to(read)
    for name in ("in.obs", "link.obs", f"../{tmp_path.name}/in.obs"):
        with pytest.raises(OutputError, match="name another"):
            check_output(tmp_path / name, None, read)


def test_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out, told in ((tmp_path, "is a folder"), (tmp_path / "file" / "x", "no folder"),
                      (tmp_path / "gone" / "x", "make it first")):  # fmt: skip
        with pytest.raises(OutputError, match=told):
            check_output(out)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # asking leaves nothing
