"""A connection to PostgreSQL: read-only transactions, each statement with a time limit, all over by one moment.

The server ends a statement that takes too long (`statement_timeout`). Should it say nothing at all any more, another
thread shuts the socket at the deadline, and the waiting read ends with an error.
"""

import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from monitor.adapters.retrieval.pgvector.table import TableSettings
from monitor.adapters.retrieval.reasons import FailureReason

log = logging.getLogger(__name__)

T = TypeVar("T")
Cursor = psycopg.Cursor[tuple[Any, ...]]
Read = Callable[[Cursor], T]

STRIKES = 3
"""Statements that may run out of time before the rest of the reads is given up."""
LEAST_CONNECT = 2
"""Seconds below which libpq does not go while it connects."""
HOPELESS = frozenset(
    {
        FailureReason.UNREACHABLE,
        FailureReason.REFUSED,
        FailureReason.FORBIDDEN,
        FailureReason.COLLECTION_MISSING,
        FailureReason.UNUSABLE,
    }
)
"""Reasons that concern the server or the table and not the question: the rest of the reads is not sent."""
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
DETAIL = 200
"""Characters of a server's own words in a message."""


@dataclass(frozen=True, slots=True)
class FailedRead:
    """A read that failed: the name of what went wrong, and one line for people."""

    reason: FailureReason
    detail: str


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
        self._said: dict[str, frozenset[FailureReason]] = {}
        """Reasons already logged, by what was read, until such a read succeeds again."""

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
        results: list[T | FailedRead] = []
        given_up: FailedRead | None = None
        strikes = 0
        with self._bounded(until):
            for task in tasks:
                result = self._read(task, until) if given_up is None else given_up
                results.append(result)
                if isinstance(result, FailedRead) and given_up is None:
                    strikes += result.reason is FailureReason.DEADLINE
                    given_up = result if result.reason in HOPELESS or strikes >= STRIKES else None
            self._end()
        self._say(what, [result for result in results if isinstance(result, FailedRead)], len(results))
        return results

    def _read(self, task: Read[T], until: float) -> T | FailedRead:
        left = until - time.monotonic()
        if left <= 0:
            return FailedRead(FailureReason.DEADLINE, "not sent before the deadline")
        try:
            ready = self._ready(left)
            with ready.cursor(binary=True) as cursor:
                if left < self._settings.timeout:
                    cursor.execute(LIMITED, [_milliseconds(left)])
                return task(cursor)
        except Exception as error:  # whatever a server can make the client raise gets a name
            self._end()
            return failed_read(error, self._settings.password, late=time.monotonic() >= until)

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

    def _say(self, what: str, found: Sequence[FailedRead], reads: int) -> None:
        said = self._said.get(what, frozenset())
        for reason in sorted({one.reason for one in found} - said):
            same = [one for one in found if one.reason is reason]
            where = self._settings.where
            log.warning("%s: %s: %s in %d of %d reads: %s", where, what, reason, len(same), reads, same[0].detail)
        if said and reads and not found:
            log.info("%s: %s: answered again", self._settings.where, what)
        if reads:
            self._said[what] = (said | {one.reason for one in found}) if found else frozenset()


def failed_read(error: Exception, password: str, *, late: bool) -> FailedRead:
    """The failure that an exception of the client stands for; the password is struck out of its text.

    Args:
        error: what was raised.
        password: never to be shown.
        late: whether the deadline has passed, so that the connection was cut.
    """
    line = " ".join(str(error).split())
    if password:
        line = line.replace(password, "***")
    detail = "".join(sign if sign.isprintable() else "?" for sign in line)[:DETAIL] or type(error).__name__
    return FailedRead(_reason(error, late=late), detail)


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
