"""A connection to PostgreSQL: read-only transactions, each statement with a time limit, all over by one moment.

The server ends a statement that takes too long (`statement_timeout`). Should it say nothing at all any more, another
thread shuts the socket at the deadline, and the waiting read ends with an error.
"""

import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from monitor.adapters.retrieval.failed_reads import FailedRead, FailureLog, ReadOutlook, printable
from monitor.adapters.retrieval.pgvector.table import TableSettings
from monitor.adapters.retrieval.reasons import FailureReason

T = TypeVar("T")
Cursor = psycopg.Cursor[tuple[Any, ...]]
Read = Callable[[Cursor], T]

LEAST_CONNECT = 2
"""Seconds below which libpq does not go while it connects."""
OF_STATE: Mapping[str, FailureReason] = {
    "57014": FailureReason.DEADLINE,  # statement_timeout
    "42501": FailureReason.FORBIDDEN,
    "42P01": FailureReason.COLLECTION_MISSING,
    "28000": FailureReason.REFUSED,
    "28P01": FailureReason.REFUSED,
}
"""Reasons by SQLSTATE (PostgreSQL's appendix A)."""
OF_CLASS: Mapping[str, FailureReason] = {
    "08": FailureReason.UNREACHABLE,
    "22": FailureReason.INVALID,
    "42": FailureReason.INVALID,
    "57": FailureReason.UNREACHABLE,  # the server shuts down, or is not up yet
}
"""Reasons by the class of the other SQLSTATEs; beyond these the server failed."""
LIMITED = "SELECT set_config('statement_timeout', %s, true)"
"""Limits the statements of this transaction, in milliseconds."""


class MissingExtensionError(Exception):
    """The database has no extension `vector`."""


class PostgresConnection:
    """One connection, made when it is first needed and again where it was lost between two reads.

    Args:
        settings: where, and what holds in each transaction.
    """

    def __init__(self, settings: TableSettings) -> None:
        self._settings = settings
        self._open: psycopg.Connection[tuple[Any, ...]] | None = None
        self._log = FailureLog(settings.where)

    def close(self) -> None:
        """Close it; a second call does nothing."""
        if self._open is not None:
            self._open.close()
        self._open = None

    def read(self, what: str, tasks: Sequence[Read[T]], until: float) -> list[T | FailedRead]:
        """Do all reads, one after the other in one transaction, none retried; returns by `until`.

        A reason that concerns the server (HOPELESS), or STRIKES statements that ran out of time, fail the reads not
        begun. What goes wrong is logged once, not at each call.

        Args:
            what: is read, for the log.
            tasks: the reads.
            until: the deadline on the monotonic clock.
        """
        outlook = ReadOutlook(until)
        with self._bounded(until):
            results = [self._read(task, outlook) for task in tasks]
            self._end()
        self._log.say(what, results)
        return results

    def _read(self, task: Read[T], outlook: ReadOutlook) -> T | FailedRead:
        verdict, left = outlook.verdict(), outlook.until - time.monotonic()
        if verdict is not None:
            return verdict
        try:
            ready = self._ready(left)
            with ready.cursor(binary=True) as cursor:
                if left < self._settings.timeout:
                    cursor.execute(LIMITED, [_milliseconds(left)])
                return task(cursor)
        except Exception as error:  # whatever a server can make the client raise gets a name
            self._end()
            one = failed_read(error, self._settings.password, late=time.monotonic() >= outlook.until)
            outlook.note(one)
            return one

    def _ready(self, left: float) -> psycopg.Connection[tuple[Any, ...]]:
        """The connection within a read-only transaction.

        One that was idle and turns out dead is made anew: nothing of the read had begun.
        """
        if self._open is not None and self._open.info.transaction_status is TransactionStatus.INTRANS:
            return self._open
        if self._open is not None:
            try:
                self._begin(self._open)
            except psycopg.OperationalError:
                self.close()
            else:
                return self._open
        self._open = self._connected(left)
        self._begin(self._open)
        return self._open

    def _connected(self, left: float) -> psycopg.Connection[tuple[Any, ...]]:
        settings = self._settings
        seconds = max(LEAST_CONNECT, math.ceil(min(settings.timeout, left)))
        made = psycopg.connect(
            settings.url,
            connect_timeout=seconds,
            application_name="corpus-drift",
            prepare_threshold=None,  # a pooler in front may give each transaction another session
            password=settings.password or None,
        )
        made.read_only = True
        return made

    def _begin(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        """Begin a transaction with its settings; pgvector is loaded first, so that it sees to its own."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true)", [_milliseconds(self._settings.timeout)]
            )
            cursor.execute(
                "SELECT n.nspname::text FROM pg_catalog.pg_extension e "
                "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'"
            )
            found = cursor.fetchone()
            if found is None:
                message = "the database has no extension vector"
                raise MissingExtensionError(message)
            cursor.execute(sql.SQL("SELECT '[0]'::{}.vector").format(sql.Identifier(found[0])))
            for name, value in self._settings.session:
                cursor.execute("SELECT set_config(%s, %s, true)", [name, value])

    def _end(self) -> None:
        """End the transaction, if one is open."""
        if self._open is not None:
            try:
                self._open.rollback()
            except psycopg.Error:
                self.close()

    @contextmanager
    def _bounded(self, until: float) -> Iterator[None]:
        timer = threading.Timer(max(0.0, until - time.monotonic()), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _cut(self) -> None:
        """Shut the socket under a read that nobody answers; runs in the timer's thread."""
        connection = self._open
        if connection is None:
            return
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as way:
            way.shutdown(socket.SHUT_RDWR)


def failed_read(error: Exception, password: str, *, late: bool) -> FailedRead:
    """The failure that an exception of the client stands for; the password is struck out of its text.

    Args:
        error: what was raised.
        password: never to be shown.
        late: whether the deadline has passed, so that the connection was cut.
    """
    return FailedRead(_reason(error, late=late), printable(str(error), password) or type(error).__name__)


def _reason(error: Exception, *, late: bool) -> FailureReason:
    if isinstance(error, MissingExtensionError):
        return FailureReason.UNUSABLE
    if not isinstance(error, psycopg.Error):
        return FailureReason.BAD_ANSWER
    state = error.sqlstate or ""
    if state:
        return OF_STATE.get(state) or OF_CLASS.get(state[:2], FailureReason.SERVER_ERROR)
    if late:
        return FailureReason.DEADLINE
    # While a connection is made, libpq keeps the SQLSTATE to itself; it says whether a password was asked for.
    asked = error.pgconn is not None and (error.pgconn.needs_password or error.pgconn.used_password)
    if asked:
        return FailureReason.REFUSED
    return FailureReason.UNREACHABLE if isinstance(error, psycopg.OperationalError) else FailureReason.BAD_ANSWER


def _milliseconds(seconds: float) -> str:
    return str(max(1, math.ceil(1_000 * seconds)))
