"""The program that `CommitProcess` starts: writes one transaction after the other to an SQLite file, as it is told.

It is run as a file, so that it imports nothing of ours: it is up in a tenth of a second and takes little memory.
Signals that end the program are not for it: it ends with its last transaction once nobody is at the other end.
"""

import mmap
import signal
import socket
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), lambda none: none)
# What has no adapter is asked for one by an attribute that it lacks: 0.4 us for each value.
PRAGMAS = "synchronous=NORMAL", "wal_autocheckpoint=0", "journal_size_limit=0", "secure_delete=OFF"
"""As the connection of the program that started this one."""


Told = list[tuple[str, list[list[Any]]]]
"""Statements, each with columns of values."""


def main(peer: socket.socket, memory: int, path: Path, patience: float, checkpoint: float) -> None:
    """Answer each length of a message in memory with an SQLite error code, 0 for none, and its words.

    Args:
        peer: the other end.
        memory: a descriptor of memory that the other end writes to before it says how long the message is.
        path: the file.
        patience: seconds that a transaction waits for another program that has locked the file.
        checkpoint: bytes of log after which it is copied into the file; nobody waits for that.
    """
    db, log = sqlite3.connect(path, isolation_level=None, timeout=patience), path.with_name(path.name + "-wal")
    for pragma in PRAGMAS:
        db.execute(f"PRAGMA {pragma}").fetchone()
    decoder = msgspec.msgpack.Decoder(Told)
    while said := peer.recv(8, socket.MSG_WAITALL):
        length = int.from_bytes(said, "big")
        with mmap.mmap(memory, length) as mapped, memoryview(mapped) as told:
            statements = decoder.decode(told)
        answer = msgspec.msgpack.encode(stored(db, statements))
        with suppress(OSError):  # there may be nobody any more
            peer.sendall(answer)
        with suppress(OSError, sqlite3.Error):  # nothing is lost: the log stays, and is looked at again
            if log.stat().st_size >= checkpoint:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    db.close()


def stored(db: sqlite3.Connection, statements: Told) -> tuple[int, str]:
    """Run statements in one transaction; the error that undid it, and (0, "") where none did."""
    try:
        db.execute("BEGIN IMMEDIATE")
        for statement, columns in statements:
            db.executemany(statement, zip(*columns, strict=True))
        db.execute("COMMIT")
    except sqlite3.Error as error:
        if db.in_transaction:  # after some errors SQLite has rolled back itself
            db.execute("ROLLBACK")
        return getattr(error, "sqlite_errorcode", 1) or 1, str(error)
    return 0, ""


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3]), *map(float, sys.argv[4:]))
