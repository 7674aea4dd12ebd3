"""Folders for what a command makes and keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.errors import ConfigurationError

IGNORED = "# Made by corpus-drift: input, index and state of one run, which belong in no repository.\n*\n"


def made_folder(path: Path) -> None:
    """Make the folder that a command was told to write into, where it is not there.

    Raises:
        ConfigurationError: it cannot be made.
    """
    with _told(path):
        path.mkdir(parents=True, exist_ok=True)


def kept_folder(path: Path) -> None:
    """Make a folder for what a command keeps; one that is new or empty is ignored by git.

    A folder that holds something else is left as it is: ignoring that would hide it.

    Raises:
        ConfigurationError: it cannot be made, read or written.
    """
    made_folder(path)
    with _told(path):
        if not any(path.iterdir()):
            (path / ".gitignore").write_text(IGNORED, encoding="utf-8")


def is_kept(path: Path) -> bool:
    """Whether a command made this folder for what it keeps, and nobody else."""
    ignored = path / ".gitignore"
    return ignored.is_file() and ignored.read_bytes() == IGNORED.encode()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{path}: {error.strerror or error}; expected a folder that can be written"
        raise ConfigurationError(message) from error
