"""Folders that commands make are not offered to git; what was there before is left alone."""

import subprocess
from pathlib import Path

from monitor.app.folders import kept_folder


def untracked(repository: Path) -> str:
    status = ["git", "-C", str(repository), "status", "--short", "--untracked-files=all"]
    return subprocess.run(status, capture_output=True, text=True, check=True, timeout=60).stdout


def test_what_a_command_keeps_in_a_new_folder_is_ignored(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=60)
    kept_folder(tmp_path / "demo")
    (tmp_path / "demo" / "state.db").write_bytes(b"x")
    assert untracked(tmp_path) == ""
    kept_folder(tmp_path / "demo")
    assert untracked(tmp_path) == ""


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("mine")
    kept_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.md"]
