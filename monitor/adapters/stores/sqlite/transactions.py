"""One file's transactions, what is read of it in batches, and its failures in one line."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count

from monitor.adapters.stores.sqlite.rows import stored_chunk
from monitor.core.records.committed import StoredChunk
from monitor.ports import ConfigurationError, UnreachableError


@contextmanager
def failures_said(file: str, doing: str) -> Iterator[None]:
    """What SQLite cannot do now is an UnreachableError; a damaged file, which no wait mends, a ConfigurationError.

    Args:
        file: what the file is, and its path.
        doing: what could not be done.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            message = f"{file}: {doing}: {error}; expected an undamaged file, such as a copy of an earlier moment"
            raise ConfigurationError(message) from error
        message = f"{file}: {doing}: {error}; the last commit is what counts"
        raise UnreachableError(message) from error


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All that is written, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # after some errors SQLite has rolled back itself
            db.execute("ROLLBACK")
        raise


def chunks_in_batches(db: sqlite3.Connection, query: str, batch: int) -> Iterator[Sequence[StoredChunk]]:
    """Every chunk of a query of `rows`, in batches; live ones have the slots 0, 1, ..."""
    slots = count()
    with closing(db.execute(query)) as cursor:
        while fetched := cursor.fetchmany(batch):
            yield [stored_chunk(values, slots) for values in fetched]
