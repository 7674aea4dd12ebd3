"""Transactions in a process of their own, for a second core: SQLite's work needs none of the caller's interpreter."""

import mmap
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import msgspec

from monitor.adapters.stores.sqlite import commit_child
from monitor.adapters.stores.sqlite.checkpoints import CHECKPOINT_BYTES
from monitor.adapters.stores.sqlite.statements import KeptStatements

LEAST = 1 << 20
"""Bytes of memory that both processes see, at first."""
PATIENCE = 15.0
"""Seconds to wait for the process's end at most, beyond those that it may wait for the file."""
_ANSWER: msgspec.msgpack.Decoder[tuple[int, str]] = msgspec.msgpack.Decoder(tuple[int, str])


class CommitProcess:
    """Writes one transaction at a time to a file that this process has open too, in a process that is started for it.

    That process holds what it is given (a lock), and ends with this one, whatever ends it, after the transaction in
    hand: nobody else gets the lock before.

    Args:
        path: the file, in WAL mode.
        patience: seconds that a transaction waits for another program that has locked the file.
        holds: a descriptor that the process inherits and leaves as it is; None for none.
    """

    def __init__(self, path: Path, patience: float, holds: int | None) -> None:
        self._path, self._patience = path, patience
        self._encoder, self._said = msgspec.msgpack.Encoder(), bytearray(LEAST)
        self._memory = os.memfd_create("commit")
        os.ftruncate(self._memory, LEAST)
        self._mapped = mmap.mmap(self._memory, LEAST)
        self._peer, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._begun = False
        self._error: sqlite3.Error | None = None
        with theirs:
            given = str(theirs.fileno()), str(self._memory), str(path), str(patience), str(CHECKPOINT_BYTES)
            passed = theirs.fileno(), self._memory, *(() if holds is None else (holds,))
            own = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            command = [sys.executable, "-P", commit_child.__file__, *given]
            self._child = subprocess.Popen(command, env=own, pass_fds=passed, process_group=0)  # noqa: S603 - ours

    @staticmethod
    def possible() -> bool:
        """Whether this system has what it takes."""
        return hasattr(os, "memfd_create")

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._child.pid

    def begin(self, statements: KeptStatements) -> None:
        """Have statements run as one transaction; call it when the one before has ended, see `wait`."""
        said = self._said
        self._encoder.encode_into(statements.kept, said)  # which becomes as long as that
        if len(said) > len(self._mapped):
            self._mapped.resize(2 * len(said))
        self._mapped[: len(said)] = said
        with self._lock, suppress(OSError):  # that it is gone is found out when its answer is awaited
            self._begun = True
            self._peer.sendall(len(said).to_bytes(8, "big"))

    def wait(self) -> None:
        """Until what was begun is stored.

        Raises:
            sqlite3.Error: it is not, and nothing of it; or the process ended. Said each time from then on.
        """
        with self._lock:
            if self._begun:
                self._begun, self._error = False, self._answered()
            if self._error is not None:
                raise self._error

    def _answered(self) -> sqlite3.Error | None:
        """Why what was begun is not stored; None where it is."""
        try:
            said = self._peer.recv(1 << 16)
        except OSError:
            said = b""
        if not said:
            return sqlite3.OperationalError(f"the process that writes it {_ended(self._child.wait(PATIENCE))}")
        code, words = _ANSWER.decode(said)
        if not code:
            return None
        error = sqlite3.OperationalError(words)
        error.sqlite_errorcode = code
        return error

    def close(self) -> None:
        """End the process after what it has in hand; safe to call twice."""
        self._peer.close()
        try:
            self._child.wait(PATIENCE + self._patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if not self._mapped.closed:
            self._mapped.close()
            os.close(self._memory)


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    return f"was ended by {signal.Signals(-code).name}"
