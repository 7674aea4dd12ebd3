"""The lock file: one owner of a state at a time, named to whoever comes second."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from monitor.ports import ConfigurationError


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that owns a state, and its base URL ("" while it has none)."""

    pid: int
    url: str


class OwnerLock:
    """An advisory lock next to the state file; the kernel frees it when the process dies, however it dies."""

    def __init__(self, state: Path) -> None:
        self._path = state.with_name(state.name + ".lock")
        self._held: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            ConfigurationError: another process owns the state (it is named), or the folder cannot be written.
        """
        try:
            held = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            message = f"state {self._path}: {error.strerror}; expected a writable folder for the state"
            raise ConfigurationError(message) from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            held.close()
            owner = self.owner()
            shown = self._path.with_name(self._path.name.removesuffix(".lock"))
            message = f"state {shown}: in use by process {owner.pid if owner else 'unknown'}; expected one owner"
            raise ConfigurationError(message) from error
        self._held = held
        self.announce("")

    def announce(self, url: str) -> None:
        """Say where the owner answers requests."""
        if self._held is not None:
            self._held.truncate(0)
            self._held.write(json.dumps({"pid": os.getpid(), "url": url}))
            self._held.flush()

    def owner(self) -> Owner | None:
        """The living owner of the state; None where nobody holds the lock."""
        try:
            with self._path.open("r", encoding="utf-8") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    said = json.loads(file.read())
                    return Owner(int(said["pid"]), str(said["url"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None

    def release(self) -> None:
        """Give the lock back; safe to call twice."""
        if self._held is not None:
            self._held.close()
            self._held = None
