"""Checkpoints of the write-ahead log in a thread of their own: the writer's commits do not wait for the disk."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
CHECKPOINT_BYTES = 8 << 20
"""Of log after which it is copied into the file."""
PATIENCE = 15.0
"""Seconds to wait at the end for a copy that was begun."""


class Checkpoints:
    """Copies the log of an SQLite file into the file when it has grown, beside the writer.

    The thread copies most of it and waits for the disk; then the writer copies the few pages that came meanwhile,
    after which SQLite begins the log anew. Neither waits for readers (`wal_checkpoint(PASSIVE)`): while one reads an
    old state the log grows. A kill at any instant leaves what it always leaves: a file and its log.
    Source: sqlite.org, Write-Ahead Logging, sections 2.1 and 6.

    Args:
        path: the file.
        writer: its only writing connection, used in the thread that calls `look`.
        connect: opens another connection.
    """

    def __init__(self, path: Path, writer: sqlite3.Connection, connect: Callable[[], sqlite3.Connection]) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._writer, self._connect = writer, connect
        self._wanted, self._copied, self._over = threading.Event(), threading.Event(), threading.Event()
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("PRAGMA journal_size_limit=0")  # a log begun anew is cut: its length says what is in it
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Before and after a commit: see to the log where it is long."""
        if self._copied.is_set():
            self._copied.clear()
            self._writer.execute(CHECKPOINT).fetchone()
        elif self._length() >= CHECKPOINT_BYTES:
            self._wanted.set()

    def _length(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Finish what was begun; safe to call twice."""
        self._over.set()
        self._wanted.set()
        self._thread.join(timeout=PATIENCE)

    def _run(self) -> None:
        with closing(self._connect()) as connection:
            while self._wanted.wait() and not self._over.is_set():
                self._wanted.clear()
                try:
                    connection.execute(CHECKPOINT).fetchone()
                except sqlite3.Error as error:  # nothing is lost: the log stays, and a later commit asks again
                    logging.getLogger(__name__).warning("state: its log could not be copied yet: %s", error)
                else:
                    self._copied.set()
