"""CSV and TSV: which column is the query, which one says how often it was asked, with or without a header."""

import csv
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.adapters.encoding import Undecodable
from monitor.adapters.query_log.fields import Fields, Form, RefusedLine, query_text, whole_count
from monitor.core.selection.selection import LoggedQuery
from monitor.ports import ConfigurationError

Line = tuple[int, str | Undecodable]
MOST_LINES_OF_A_ROW = 32
"""A quoted cell may hold line ends; a quote that stays open for longer was never meant as one."""
_QUERY = frozenset(
    {"query", "queries", "top queries", "query text", "query_text", "querytext", "user_query", "user query", "q"}
    | {"search query", "search_query", "search term", "search_term", "search terms", "search_terms", "searchterm"}
    | {"search", "keyword", "keywords", "term", "text", "question", "query_string", "search phrase", "search_phrase"}
    | {"häufigste suchanfragen", "suchanfrage", "requêtes les plus fréquentes", "requête", "consultas principales"}
    | {"consulta", "query principali", "populairste zoekopdrachten", "上位のクエリ", "热门查询"}
)
"""Names of the query's column, in lower case; a search console writes its own in the language of its user."""
_COUNT = (
    *("count", "counts", "query_count", "search_count", "searches", "total searches", "frequency", "freq", "hits"),
    *("total", "times", "volume", "impressions", "impressionen", "impresiones", "clicks", "klicks", "clics", "n"),
)
"""Names of the count's column, the first that is there counts: impressions are askings, clicks only some of them."""


class LogColumns(NamedTuple):
    """Which columns are read, from 0; `counts` is -1 where there is none, `width` how many cells a row has."""

    query: int
    counts: int
    width: int
    header: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """For people: the columns' names or numbers."""

        def name(at: int) -> str:
            known = self.header[at] if self.header else ""
            return known if known and known.isprintable() else f"column {at + 1}"

        return f"query = {name(self.query)}, count = {name(self.counts) if self.counts >= 0 else '(each row is one)'}"


class LogRow(NamedTuple):
    """A row's first line number and its cells, or why there are none."""

    number: int
    cells: tuple[str, ...] | RefusedLine


def rows_of(lines: Iterator[Line], form: Form) -> Iterator[LogRow]:
    """Rows of a table. TSV has one per line; in CSV a quoted cell may hold line ends. A blank line has none."""
    if form == "tsv":
        for number, line in lines:
            cells = line if isinstance(line, Undecodable) else _tab_separated(line)
            yield LogRow(number, RefusedLine(*cells) if isinstance(cells, Undecodable) else cells)
        return
    yield from _comma_separated(lines)


def _tab_separated(line: str) -> tuple[str, ...]:
    return tuple(_unquoted(cell) for cell in line.split("\t")) if line.strip() else ()


def _unquoted(cell: str) -> str:
    """A cell that a spreadsheet put in quotes; a query that only begins with one keeps it."""
    inner = cell[1:-1].replace('""', "")
    quoted = len(cell) >= 2 and cell[0] == cell[-1] == '"' and '"' not in inner
    return cell[1:-1].replace('""', '"') if quoted else cell


def _comma_separated(lines: Iterator[Line]) -> Iterator[LogRow]:
    waiting: list[Line] = []  # lines taken while a quote was open that turned out never to be closed
    delimiter = ""

    def take() -> Line | None:
        return waiting.pop(0) if waiting else next(lines, None)

    while (got := take()) is not None:
        number, line = got
        if isinstance(line, Undecodable):
            yield LogRow(number, RefusedLine(*line))
            continue
        delimiter = delimiter or _delimiter(line)
        whole, more = line, list[Line]()
        while whole.count('"') % 2 and len(more) < MOST_LINES_OF_A_ROW and (following := take()) is not None:
            more.append(following)
            if isinstance(following[1], Undecodable):
                break
            whole += "\n" + following[1]
        cells = _cells(whole, delimiter)
        if isinstance(cells, RefusedLine):
            waiting[:0] = more
        yield LogRow(number, cells)


def _delimiter(line: str) -> str:
    """The most frequent of comma, semicolon (where the comma is the decimal sign) and tab outside of quotes."""
    outside = "".join(line.split('"')[::2])
    return max(",;\t", key=outside.count)


def _cells(row: str, delimiter: str) -> tuple[str, ...] | RefusedLine:
    if not row.strip():
        return ()
    try:
        (cells,) = csv.reader([row], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        return RefusedLine("bad_row", f"{error}, expected cells as RFC 4180 quotes them")
    return tuple(cells)


def columns_of(first: Sequence[str], second: Sequence[str], fields: Fields, where: str) -> LogColumns:
    """Which columns to read, by the first two rows of a table.

    A header is recognised by a known name, or because it has words alone and a number stands below one.

    Raises:
        ConfigurationError: a named column is not there, or nothing tells which column is the query.
    """
    names = [cell.strip().casefold() for cell in first]
    words = not any(map(_number, first))
    over_numbers = words and any(
        _number(below) and not _number(above) for above, below in zip(first, second, strict=False)
    )
    named = {field.casefold() for field in (fields.query, fields.count) if field and not field.isdecimal()}
    has_header = bool(_QUERY.intersection(names) or named.intersection(names) or over_numbers)
    header = tuple(cell.strip() for cell in first) if has_header else ()
    query = _named(fields.query, names, header, where) if fields.query else _query_column(names, second, header)
    count = _named(fields.count, names, header, where) if fields.count else _count_column(names, first, query, header)
    if query < 0:
        said = f"columns {', '.join(map(repr, first))[:200]}" if has_header else f"{len(first)} columns, no header"
        message = f"{where}: {said}: which is the query? name it with --query-field (a name, or a number from 1)"
        raise ConfigurationError(message)
    return LogColumns(query, count, len(first), header)


def _named(field: str, names: Sequence[str], header: Sequence[str], where: str) -> int:
    if field.casefold() in names and header:
        return names.index(field.casefold())
    if field.isdecimal() and 1 <= int(field) <= len(names):
        return int(field) - 1
    known = ", ".join(map(repr, header))[:200] if header else f"1 to {len(names)}, there is no header"
    message = f"{where}: no column {field!r}, expected one of {known}"
    raise ConfigurationError(message)


def _query_column(names: Sequence[str], second: Sequence[str], header: Sequence[str]) -> int:
    if not header:
        return 0 if len(names) <= 2 else -1
    known = next((at for at, name in enumerate(names) if name in _QUERY), -1)
    texts = [at for at, cell in enumerate(second[: len(names)]) if not _number(cell)]
    return known if known >= 0 else texts[0] if len(texts) == 1 else -1


def _count_column(names: Sequence[str], first: Sequence[str], query: int, header: Sequence[str]) -> int:
    if header:
        found = (names.index(name) for name in _COUNT if name in names)
        return next((at for at in found if at != query), -1)
    return 1 if len(names) == 2 and query == 0 and _number(first[1]) else -1


def _number(cell: str) -> bool:
    plain = cell.strip().rstrip("%").replace(",", "").replace(".", "").replace("\u00a0", "").strip()
    return plain.isascii() and plain.isdecimal()


def is_ms_marco(first: Sequence[str]) -> bool:
    """Whether a table without header begins as MS MARCO's queries do: a numeric id, then the query."""
    return len(first) == 2 and first[0].isdecimal() and not _number(first[1])


def from_row(cells: Sequence[str], columns: LogColumns) -> LoggedQuery:
    """A row as a query.

    Raises:
        RefusedLine: `columns`, and those of text and count.
    """
    if len(cells) != columns.width:
        reason = "columns"
        raise RefusedLine(reason, f"{len(cells)} cells, expected {columns.width}")
    count = whole_count(cells[columns.counts].strip()) if columns.counts >= 0 else 1
    return LoggedQuery(query_text(cells[columns.query]), count)
