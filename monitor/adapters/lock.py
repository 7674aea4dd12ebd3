"""The lock file: one owner of a state at a time, named to whoever comes second."""

import fcntl
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from monitor.ports import ConfigurationError

_LENGTH = 512
"""Bytes of the file: it is written in one piece of always this length, so that no reader sees half of it."""
_PATIENCE = 1.0
"""Seconds for which somebody who only looks at the lock may hold it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that owns a state, and its base URL ("" while it has none)."""

    pid: int
    url: str


class OwnerLock:
    """An advisory lock next to the state file; the kernel frees it when the process dies, however it dies."""

    def __init__(self, state: Path) -> None:
        self._state, self._path = state, state.with_name(state.name + ".lock")
        self._held: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            ConfigurationError: another process owns the state (it is named), or the folder cannot be written.
        """
        try:
            held = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            message = f"state {self._path}: {error.strerror}; expected a writable folder for the state"
            raise ConfigurationError(message) from error
        if not _locked(held):
            os.close(held)
            owner = self.owner()
            named = owner.pid if owner else "unknown"
            message = f"state {self._state}: in use by process {named}; expected one owner"
            raise ConfigurationError(message)
        self._held = held
        self.announce("")

    def announce(self, url: str) -> None:
        """Say where the owner answers requests."""
        if self._held is not None:
            said = json.dumps({"pid": os.getpid(), "url": url}).encode()
            os.pwrite(self._held, said.ljust(_LENGTH), 0)

    def owner(self) -> Owner | None:
        """The living owner of the state; None where nobody holds the lock."""
        try:
            with self._path.open("rb") as file:
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
            os.close(self._held)
            self._held = None


def _locked(held: int) -> bool:
    """Whether the lock could be had; a command that looks who owns it holds it for a moment, an owner for long."""
    waiting, until = threading.Event(), time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            waiting.wait(0.02)
        else:
            return True
