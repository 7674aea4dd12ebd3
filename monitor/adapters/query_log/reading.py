"""A log of queries to distinct queries with counts; every line, row or topic has an outcome."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.encoding import Undecodable, text_lines
from monitor.adapters.query_log import fields as shared
from monitor.adapters.query_log.fields import SUFFIXES, Fields, Form, RefusedLine, query_text
from monitor.adapters.query_log.objects import from_object, recognised
from monitor.adapters.query_log.tables import Line, LogColumns, LogRow, columns_of, from_row, is_ms_marco, rows_of
from monitor.adapters.query_log.topics import from_topic, topics_of
from monitor.core.model.events import Segment
from monitor.core.selection.selection import LoggedQuery
from monitor.ports import ConfigurationError

MOST_EXAMPLES = 100
"""Refused records that are shown; all are counted."""
_MOST_SAID = 3
_LOOKED_AT = 5
_MOST_LOOKED_AT = 1_000
_NOT_REFUSED = frozenset({"read", "blank", "header"})
_MS_MARCO = LogColumns(query=1, counts=-1, width=2)

Raw = TypeVar("Raw", str, tuple[str, ...])
Outcome = LoggedQuery | RefusedLine | Literal["blank", "header"]
Read = Iterator[tuple[int, Outcome]]
"""Each record's first line number and what became of it."""


@dataclass(frozen=True, slots=True)
class QueryLog:
    """What a log held: distinct queries with summed counts in the order first seen, and every record's fate.

    Args:
        queries: one entry per distinct (text, segment).
        outcomes: records (lines, rows of a table, topics) by outcome: `read`, `blank`, `header`, or why refused:
            `too_long`, `not_utf8`, `undecodable`, `control_character`, `bad_json`, `bad_count`, `bad_vector`,
            `bad_row`, `columns`, `no_text`.
        examples: the first refused records as `file:line: reason: detail`.
        form: how it was read.
        columns: of a table, the columns that were read, for people; "" for others.
    """

    queries: tuple[LoggedQuery, ...]
    outcomes: Mapping[str, int]
    examples: tuple[str, ...]
    form: Form = "text"
    columns: str = ""

    @property
    def refused(self) -> int:
        """Records that are no query."""
        return sum(count for outcome, count in self.outcomes.items() if outcome not in _NOT_REFUSED)

    def require_mostly_read(self, path: Path) -> None:
        """ConfigurationError where half of the records or more were refused: the file is not what it was read as."""
        read = self.outcomes.get("read", 0)
        if read > self.refused:
            return
        fates = ", ".join(f"{n} x {fate}" for fate, n in self.outcomes.items() if n) or "none at all"
        said = "".join(f"; {example}" for example in self.examples[:_MOST_SAID])
        of = f"{self.refused} of {read + self.refused} records are refused, expected fewer than half"
        message = f"{path}: read as {self.form}: {of if self.refused else 'no query in it'}: {fates}{said}"
        raise ConfigurationError(message)


def read_query_log(
    path: Path, *, form: Form | None = None, dimension: int = 0, fields: Fields | None = None, encoding: str = ""
) -> QueryLog:
    """Read a query log; a bad record is counted with its reason and the rest is read.

    Args:
        path: the file.
        form: `text` (a query per line), `jsonl` ({"text", "count"?, "segment"?, "vector"? or "vector_b64"?}, or any
            object with the fields named), `tsv`, `csv` (a header is recognised), `ubi` (documents of OpenSearch's
            ubi_queries), `msmarco` (id, tab, query), `beir` (queries.jsonl), `trec` (topics); None: by the file's
            suffix and first lines, `text` for an unknown one.
        dimension: the length of vectors; 0: vectors are ignored.
        fields: the query's and the count's column or field.
        encoding: of a file without a byte-order mark; "": UTF-8.

    Raises:
        ConfigurationError: the file cannot be read, an unknown encoding or column.
    """
    where = fields or Fields()
    lines = text_lines(path, most_bytes=shared.MOST_LINE_BYTES, what="query log", encoding=encoding)
    chosen, lines = _form_of(path, form, lines)
    if where != Fields() and chosen not in {"jsonl", "tsv", "csv", "ubi", "beir"}:
        message = f"{path}: read as {chosen}, which has no fields; --form jsonl, tsv or csv has"
        raise ConfigurationError(message)
    columns: LogColumns | None = None
    if chosen in {"tsv", "csv", "msmarco"}:
        columns, records = _table(lines, chosen, where, path)
    elif chosen == "trec":
        records = ((at, _outcome(topic, from_topic)) for at, topic in topics_of(lines))
    else:
        records = _lines(lines, chosen, where, dimension)
    queries, outcomes, examples = _collected(records, path)
    return QueryLog(queries, outcomes, examples, chosen, columns.said if columns else "")


def _form_of(path: Path, form: Form | None, lines: Iterator[Line]) -> tuple[Form, Iterator[Line]]:
    """The form, and the lines with those put back that were looked at."""
    chosen = form or SUFFIXES.get(path.suffix.lower(), "text")
    looked = list(itertools.islice(lines, _LOOKED_AT)) if form is None else []
    first = next((line for _, line in looked if not isinstance(line, Undecodable) and line.strip()), "")
    if form is None and chosen == "jsonl":
        chosen = recognised(first)
    elif form is None and first.lstrip().lower().startswith(("<top>", "<topics", "<topic ")):
        chosen = "trec"
    return chosen, itertools.chain(looked, lines)


def _lines(lines: Iterator[Line], form: Form, where: Fields, dimension: int) -> Read:
    for number, line in lines:
        if isinstance(line, str) and not line.strip():
            yield number, "blank"
            continue
        record = RefusedLine(*line) if isinstance(line, Undecodable) else line
        yield number, _outcome(record, partial(_from_line, form=form, where=where, dimension=dimension))


def _from_line(line: str, *, form: Form, where: Fields, dimension: int) -> LoggedQuery:
    return LoggedQuery(query_text(line)) if form == "text" else from_object(line, form, where, dimension)


def _outcome(record: Raw | RefusedLine, make: Callable[[Raw], LoggedQuery]) -> LoggedQuery | RefusedLine:
    if isinstance(record, RefusedLine):
        return record
    try:
        return make(record)
    except RefusedLine as refused:
        return refused


def _table(lines: Iterator[Line], form: Form, where: Fields, path: Path) -> tuple[LogColumns | None, Read]:
    """The columns, chosen by the first two rows that have cells, and the rows."""
    rows = rows_of(lines, "csv" if form == "csv" else "tsv")
    looked: list[LogRow] = []
    first: list[Sequence[str]] = []
    for row in rows:
        looked.append(row)
        first += [] if isinstance(row.cells, RefusedLine) or not row.cells else [row.cells]
        if len(first) == 2 or len(looked) == _MOST_LOOKED_AT:
            break
    if not first:
        return None, _rows(itertools.chain(looked, rows), None)
    if form == "msmarco" or (where == Fields() and is_ms_marco(first[0])):
        columns = _MS_MARCO
    else:
        columns = columns_of(first[0], first[1] if len(first) > 1 else (), where, str(path))
    return columns, _rows(itertools.chain(looked, rows), columns)


def _rows(rows: Iterable[LogRow], columns: LogColumns | None) -> Read:
    header = columns is not None and bool(columns.header)
    for number, cells in rows:
        if not cells:
            yield number, "blank"
        elif header and not isinstance(cells, RefusedLine):
            header = False
            yield number, "header"
        elif columns is None or isinstance(cells, RefusedLine):
            yield number, cells if isinstance(cells, RefusedLine) else "blank"
        else:
            yield number, _outcome(cells, partial(from_row, columns=columns))


def _collected(records: Read, path: Path) -> tuple[tuple[LoggedQuery, ...], Mapping[str, int], tuple[str, ...]]:
    """Distinct queries, outcomes and examples of a QueryLog."""
    counts: dict[tuple[str, Segment], int] = {}
    vectors: dict[tuple[str, Segment], NDArray[np.float32]] = {}
    outcomes: Counter[str] = Counter()
    examples: list[str] = []
    for number, made in records:
        if isinstance(made, str):
            outcomes[made] += 1
        elif isinstance(made, RefusedLine):
            outcomes[made.reason] += 1
            examples += [f"{path}:{number}: {made}"] if len(examples) < MOST_EXAMPLES else []
        else:
            outcomes["read"] += 1
            key = made.text, made.segment
            counts[key] = counts.get(key, 0) + made.count
            if made.vector is not None:
                vectors.setdefault(key, made.vector)
    queries = tuple(LoggedQuery(text, count, of, vectors.get((text, of))) for (text, of), count in counts.items())
    return queries, dict(outcomes), tuple(examples)
