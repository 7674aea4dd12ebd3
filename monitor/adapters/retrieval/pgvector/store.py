"""The dense leg of production in PostgreSQL: a table with a pgvector column, replayed like any other store."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.retrieval.answers import UNLIMITED, Foreign, Hit, Point, SearchAnswer, Stored, VectorQuery
from monitor.adapters.retrieval.failed_reads import FailedRead
from monitor.adapters.retrieval.pgvector.connection import Cursor, PostgresConnection
from monitor.adapters.retrieval.pgvector.table import (
    COMPARED_AS,
    DESCRIBED,
    INDEXES,
    Statement,
    Statements,
    TableDescription,
    TableSettings,
    VectorIndex,
    vector_in,
)
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.adapters.retrieval.replay import replay, unasked
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.point_ids import payload_name
from monitor.core.model.scoring import Distance, prepare
from monitor.ports import ConfigurationError, Replay, Unanswered, UnreachableError

SLICE = 500
"""Rows in one statement that reads them by place or by chunk id."""
LOOKED_AT = 64
"""Rows that are looked at when the database is first met."""
WRONG = {
    FailureReason.REFUSED: "dense.pgvector.password or the user of dense.pgvector.url is refused",
    FailureReason.FORBIDDEN: "the user may not read it",
    FailureReason.COLLECTION_MISSING: "dense.pgvector.table, or its dense.pgvector.vector_column, is not there",
    FailureReason.INVALID: "dense.pgvector names what the table does not have",
    FailureReason.UNUSABLE: "dense.pgvector.url",
}
"""Failures that waiting does not mend, and the setting that does."""


class PgvectorTable:
    """`monitor.ports.Retriever` over a table of PostgreSQL.

    Args:
        settings: where and how.
    """

    def __init__(self, settings: TableSettings) -> None:
        self._settings = settings
        self._connection = PostgresConnection(settings)
        self._found: TableDescription | None = None
        """What the table was when it was last described."""
        self._of_rows: tuple[str, ...] = ()

    @property
    def dimension(self) -> int:
        """Dimension d of the vectors."""
        return self._settings.dimension

    @property
    def distance(self) -> Distance:
        """How vectors are compared."""
        return self._settings.distance

    @property
    def norm_bound(self) -> float:
        """Of unit vectors, and twice that for cosine: the server adds up both norms in float32 as well.

        For dot products a beginning, which the vectors fetched raise within each replay.
        """
        return 2.0 if self.distance is Distance.COSINE else 1.0 + 1e-6

    @property
    def compared_as(self) -> type[np.float16 | np.float32]:
        """The numbers in which the server compares vectors."""
        return np.float32 if self._found is None else COMPARED_AS.get(self._found.type_name, np.float32)

    @property
    def most_results(self) -> int:
        """No limit but that of the index (`hnsw.ef_search`), at which the list simply ends, as production's does."""
        return UNLIMITED

    def start(self) -> None:
        """Meet the database; one that does not answer fails by its replays, not here.

        Raises:
            ConfigurationError: see `meet`.
        """
        try:
            self.meet()
        except ConfigurationError:
            self.close()
            raise

    def meet(self) -> TableDescription | FailedRead:
        """Ask what the table is, and whether a few of its rows have what is configured.

        Raises:
            ConfigurationError: what waiting does not mend: the user is refused, the table, a column or the extension
                is not there, or the vectors are of another type or dimension.
        """
        until = time.monotonic() + self._settings.timeout
        found = self._look(until)
        sampled = self._sampled(found, until) if isinstance(found, TableDescription) else found
        for failed in (found, sampled):
            if isinstance(failed, FailedRead) and failed.reason in WRONG:
                message = f"{self._settings.where}: {WRONG[failed.reason]}: {failed.detail}"
                raise ConfigurationError(message)
        if isinstance(found, TableDescription) and (wrong := self._against(found)):
            raise ConfigurationError("; ".join(wrong))
        return found

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._connection.close()

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        """Replay some anchors within `deadline` seconds."""
        until = time.monotonic() + deadline
        refusal = self._refusal(until) if len(rows) else None
        return unasked(rows, refusal, k=k) if refusal else replay(self, anchors, rows, k=k, until=until)

    def _refusal(self, until: float) -> FailureReason | None:
        """Why nothing is to be asked; a table not yet known is asked for."""
        found = self._found or self._look(until)
        if isinstance(found, FailedRead):
            return found.reason
        return FailureReason.UNUSABLE if self._against(found) else None

    def problems(self) -> Sequence[str]:
        """Where the table is not what was configured; no answer does not say so."""
        found = self._look(time.monotonic() + self._settings.timeout)
        if isinstance(found, TableDescription):
            return self._against(found)
        unusable = {FailureReason.UNUSABLE, FailureReason.COLLECTION_MISSING, FailureReason.BAD_ANSWER}
        return [f"{self._settings.where}: {found.detail}"] if found.reason in unusable else []

    def busy(self) -> Sequence[str]:
        """While an index on the table is built, what is served is about to change."""
        found = self._look(time.monotonic() + self._settings.timeout)
        if isinstance(found, TableDescription) and found.building:
            return [f"an index on table {self._settings.shown!r} is being built"]
        return []

    def remarks(self) -> Sequence[str]:
        """What is to be known of the table beside the numbers, as it was last described."""
        return () if self._found is None else (*self._of_rows, *self._found.remarks(self._settings))

    def configuration(self) -> IndexConfig | None:
        """The table's type and indexes, as they were last described."""
        return None if self._found is None else self._found.configuration()

    def hidden(self) -> int | Unanswered:
        """None: what is committed is read."""
        return 0

    def count(self) -> int | Unanswered:
        """Rows with a vector, exactly."""
        made = self._asked("count", [lambda: self._statements.count()], time.monotonic() + self._settings.timeout)
        found = made[0]
        return Unanswered(found.reason) if isinstance(found, FailedRead) else int(found[0][0])

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """See `monitor.ports.Retriever`."""
        made: dict[str, str] = {}
        for found in self._of_chunks(chunk_ids, time.monotonic() + deadline, vectors=False):
            if isinstance(found, FailedRead):
                return Unanswered(found.reason)
            made |= {name: said or "" for name, said in found}
        return made

    def vectors(self, chunk_ids: Sequence[str], *, deadline: float) -> dict[str, NDArray[np.float32]]:
        """Stored vectors, prepared, of those chunks that the table has: (d,) float32 by chunk id.

        Raises:
            UnreachableError: not everything could be read before the deadline.
        """
        made: dict[str, NDArray[np.float32]] = {}
        for found in self._of_chunks(chunk_ids, time.monotonic() + deadline, vectors=True):
            if isinstance(found, FailedRead):
                message = f"{self._settings.where}: {found.reason}: {found.detail}"
                raise UnreachableError(message)
            for name, stored in found:
                vector = self._prepared(stored)
                if isinstance(vector, np.ndarray) and vector.shape == (self.dimension,):
                    made.setdefault(name, vector)
        return made

    def ask(self, questions: Sequence[VectorQuery], limit: int, until: float) -> Sequence[SearchAnswer]:
        """Search for one question after the other, in one transaction."""
        tasks = [partial(self._search, question=question, limit=limit) for question in questions]
        found = self._connection.read("search", tasks, until)
        return [SearchAnswer(reason=one.reason) if isinstance(one, FailedRead) else one for one in found]

    def fetch(self, hits: Sequence[Hit], until: float) -> Stored:
        """Read the stored vectors of rows. One that was written again since is gone, whatever has its place now."""
        stored: dict[Point, NDArray[np.float32] | str | None] = {}
        parts = [hits[at : at + SLICE] for at in range(0, len(hits), SLICE)]
        asked = [partial(self._rows_at, part) for part in parts]
        for part, found in zip(parts, self._asked("vectors", asked, until), strict=True):
            if isinstance(found, FailedRead):
                stored |= {hit.point: found.reason for hit in part}
                continue
            there = {(f"{table}{place}", name): vector for table, place, name, vector in found}
            held = {hit.point: there.get((str(hit.point), hit.chunk_id)) for hit in part}
            stored |= {point: None if vector is None else self._prepared(vector) for point, vector in held.items()}
        return stored

    def _rows_at(self, hits: Sequence[Hit]) -> Statement:
        return self._statements.rows([str(hit.point)[str(hit.point).index("(") :] for hit in hits])

    def _of_chunks(
        self, chunk_ids: Sequence[str], until: float, *, vectors: bool
    ) -> list[list[tuple[Any, ...]] | FailedRead]:
        parts = [chunk_ids[at : at + SLICE] for at in range(0, len(chunk_ids), SLICE)]
        asked = [lambda part=part: self._statements.of_chunks(part, vectors=vectors) for part in parts]
        return self._asked("rows by chunk id", asked, until)

    @property
    def _statements(self) -> Statements:
        found = self._found
        if found is None:
            message = "the table has not been described yet"
            raise LookupError(message)
        return Statements(self._settings, found)

    def _asked(
        self, what: str, statements: Sequence[Callable[[], Statement]], until: float
    ) -> list[list[tuple[Any, ...]] | FailedRead]:
        """The rows of each statement; of a table that is not known yet, what it is is asked first."""
        if statements and self._found is None and isinstance(failed := self._look(until), FailedRead):
            return [failed] * len(statements)
        return self._connection.read(what, [partial(_rows, statement=one()) for one in statements], until)

    def _search(self, cursor: Cursor, question: VectorQuery, limit: int) -> SearchAnswer:
        statement, values = self._statements.search(question.vector, question.filters, limit)
        begun = time.perf_counter()
        rows = cursor.execute(statement, values).fetchall()
        seconds = time.perf_counter() - begun
        hits: list[Hit] = []
        foreign: list[Foreign] = []
        for table, place, name, content_hash, distance in rows:
            if distance is None:
                continue  # a row without a vector is no result
            point, score = f"{table}{place}", self._score(distance)
            if payload_name(name) is None:
                foreign.append(Foreign(point, score))
            else:
                hits.append(Hit(point, score, name, content_hash or ""))
        return SearchAnswer(hits, seconds=seconds, foreign=foreign)

    def _score(self, distance: float) -> float:
        """Bigger is better. The cosine with a vector of zeros, no number to PostgreSQL, is 0."""
        if self.distance is Distance.COSINE:
            return 0.0 if np.isnan(distance) else 1.0 - distance
        return -distance

    def _prepared(self, stored: bytes) -> NDArray[np.float32] | str:
        found = self._found
        try:
            vector = vector_in(stored, "vector" if found is None else found.type_name)
        except (TypeError, ValueError):
            return FailureReason.BAD_ANSWER
        ready: NDArray[np.float32] = prepare(vector[None, :], self.distance)[0]
        return ready

    def _look(self, until: float) -> TableDescription | FailedRead:
        """Ask what the table is, and remember it; what was known of it stays where the database does not answer."""
        found = self._connection.read("description", [self._described], until)[0]
        if not isinstance(found, FailedRead):
            self._found = found
        elif found.reason in WRONG:
            self._found = None
        return found

    def _described(self, cursor: Cursor) -> TableDescription | FailedRead:
        settings = self._settings
        named = {"table": settings.quoted.as_string(cursor), "vector": settings.vector_column}
        row = cursor.execute(DESCRIBED, {**named, "chunk_id": settings.chunk_id}).fetchone()
        if row is None:
            said = f"no table {settings.shown!r} with a column {settings.vector_column!r}"
            return FailedRead(FailureReason.COLLECTION_MISSING, said)
        oid, kind, extension, type_name, declared, version, id_type, building = row
        indexes = tuple(VectorIndex(*of) for of in cursor.execute(INDEXES, [oid]).fetchall())
        return TableDescription(version, extension, type_name, max(0, declared), kind, id_type, indexes, building)

    def _sampled(self, found: TableDescription, until: float) -> FailedRead | None:
        """Look at some rows: what is wrong with the names, and a remark where rows have no chunk id."""
        if self._against(found):
            return None
        (rows,) = self._asked("first rows", [lambda: self._statements.sample(LOOKED_AT)], until)
        if isinstance(rows, FailedRead):
            return rows
        nameless = sum(payload_name(name) is None for name, _, _ in rows)
        others = {size for _, _, size in rows if size != self.dimension}
        said = f"{nameless} of the first {len(rows)} rows have no chunk id in {self._settings.chunk_id!r}"
        self._of_rows = (said,) if nameless else ()
        if not others:
            return None
        return FailedRead(FailureReason.INVALID, f"vectors of {min(others)} numbers, expected {self.dimension}")

    def _against(self, found: TableDescription) -> list[str]:
        return [f"{self._settings.where}: {wrong}" for wrong in found.contradictions(self._settings)]


def _rows(cursor: Cursor, statement: Statement) -> list[tuple[Any, ...]]:
    return cursor.execute(*statement).fetchall()
