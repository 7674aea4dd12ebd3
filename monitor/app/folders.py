"""Folders for what a command makes and keeps."""

from pathlib import Path

IGNORED = "# Made by corpus-drift: input, index and state of one run, which belong in no repository.\n*\n"


def kept_folder(path: Path) -> None:
    """Make a folder for what a command keeps; one that is new or empty is ignored by git.

    A folder that holds something else is left as it is: ignoring that would hide it.

    Raises:
        OSError: it cannot be made.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not any(path.iterdir()):
        (path / ".gitignore").write_text(IGNORED, encoding="utf-8")
