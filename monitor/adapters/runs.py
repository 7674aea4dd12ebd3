"""Run files, judgements and segments as people keep them: TREC text or JSON Lines, plain or gzip.

What a file is, its first line says: JSON Lines where it begins with a brace, else TREC.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

from monitor.adapters.encoding import refuse_other_than_utf8
from monitor.core.runs import QUERY, Results, Run, finite, identifier, judgements_of, run_of, segments_of
from monitor.errors import InputError

RUN_FORMS = 'six columns "query Q0 id rank score tag" (TREC), or JSON Lines {"query": …, "results": …}'
QRELS_FORMS = 'four columns "query 0 id grade" (TREC), or JSON Lines {"query": …, "relevant": {id: grade}}'
SEGMENT_FORMS = 'JSON Lines {"query": …, "segment": {attribute: value}}'
_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"


class _Line(NamedTuple):
    """A line that is not blank, and where it stands, for messages."""

    where: str
    text: str


def read_run(path: Path, name: str = "") -> Run:
    """A run file.

    TREC: `query Q0 id rank score tag`, in any order; the scores decide, equal ones as trec_eval orders them (the
    later id first), the ranks do not. JSON Lines: `{"query": "q1", "results": R}` where R is [id, …],
    [[id, score], …], [{"id": …, "score": …}, …] (best first) or {id: score}; a query without results is [].

    Args:
        path: the file.
        name: of the run, for messages; the path where none is given.

    Raises:
        InputError: it cannot be read or used; the message names file, line, value and what was expected.
    """
    lines, first = _opened(path, RUN_FORMS)
    if first.text.startswith("{"):
        return _joined(_by_query(lines, QUERY, "results", RUN_FORMS), name or str(path))
    scored: dict[str, dict[str, float]] = {}
    ranks: dict[str, list[tuple[float, str, str]]] = {}
    for where, text in lines:
        query, _, document, rank, score, _ = _columns(where, text, 6, RUN_FORMS)
        of = scored.setdefault(query, {})
        if document in of:
            message = f"{where}: {document!r} twice for query {query!r}; expected each result once"
            raise InputError(message)
        of[document] = _number(score, f"{where}: score")
        ranks.setdefault(query, []).append((of[document], rank, where))
    for query, listed in ranks.items():
        _refuse_upside_down(query, listed)
    return run_of(scored, name or str(path))


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """Relevance judgements: TREC's `query 0 id grade`, or JSON Lines with `relevant`, as an anchors file has it.

    Raises:
        InputError: it cannot be read or used.
    """
    lines, first = _opened(path, QRELS_FORMS)
    if first.text.startswith("{"):
        made: dict[str, dict[str, float]] = {}
        for query, (where, graded) in _by_query(
            lines, (*QUERY, "id"), "relevant", QRELS_FORMS, optional=True
        ).items():
            made |= judgements_of({query: graded}, where)
        return made
    graded_by: dict[str, dict[str, float]] = {}
    for where, text in lines:
        query, _, document, grade = _columns(where, text, 4, QRELS_FORMS)
        of = graded_by.setdefault(query, {})
        if document in of:
            message = f"{where}: {document!r} twice for query {query!r}; expected each judgement once"
            raise InputError(message)
        of[document] = _number(grade, f"{where}: grade")
    return graded_by


def read_segments(path: Path) -> dict[str, dict[str, str]]:
    """Segments of queries: JSON Lines with `segment`, as an anchors file has it.

    Raises:
        InputError: it cannot be read or used.
    """
    lines, first = _opened(path, SEGMENT_FORMS)
    if not first.text.startswith("{"):
        message = f"{first.where}: {first.text!r:.80}; expected {SEGMENT_FORMS}"
        raise InputError(message)
    found = _by_query(lines, (*QUERY, "id"), "segment", SEGMENT_FORMS, optional=True)
    for query, (where, said) in found.items():
        if not isinstance(said, Mapping):
            message = f"{where}: query {query!r}: segment {said!r:.80}; expected an object, such as "
            raise InputError(message + '{"language": "de"}')
    return {query: dict(segments_of({query: said}, where)[query]) for query, (where, said) in found.items()}


def _opened(path: Path, forms: str) -> tuple[Iterator[_Line], _Line]:
    """The lines of a file, and the first of them; InputError where there is none."""
    lines = _lines(path)
    first = next(lines, None)
    if first is None:
        message = f"{path}: empty; expected {forms}"
        raise InputError(message)

    def whole() -> Iterator[_Line]:
        yield first
        yield from lines

    return whole(), first


def _lines(path: Path) -> Iterator[_Line]:
    number = 0
    try:
        with path.open("rb") as raw:
            for line in _decompressed(raw, path):
                number += 1
                where = f"{path}: line {number}"
                try:
                    text = line.decode().strip()
                except UnicodeDecodeError as error:
                    message = f"{where}: byte {line[error.start]:#04x} at {error.start}; expected UTF-8"
                    raise InputError(message) from error
                if text:
                    yield _Line(where, text)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        behind = f" behind line {number}" if number else ""
        message = f"{path}: cannot be read{behind}: {reason}; expected a readable file, plain or gzip"
        raise InputError(message) from error


def _decompressed(raw: IO[bytes], path: Path) -> Iterator[bytes]:
    head = raw.peek(4) if hasattr(raw, "peek") else b""  # a pipe cannot go back
    lines: Iterator[bytes] = iter(gzip.GzipFile(fileobj=raw) if head.startswith(_GZIP) else raw)
    for at, line in enumerate(lines):
        if not at:
            refuse_other_than_utf8(line[:4], str(path))
        yield line.removeprefix(_MARK) if not at else line


def _columns(where: str, text: str, count: int, forms: str) -> list[str]:
    columns = text.split()
    if len(columns) != count:
        message = f"{where}: {len(columns)} columns in {text!r:.80}; expected {forms}"
        raise InputError(message)
    return columns


def _number(text: str, what: str) -> float:
    try:
        return finite(float(text), what)
    except ValueError as error:
        message = f"{what} {text!r:.80}; expected a finite number"
        raise InputError(message) from error


def _by_query(
    lines: Iterator[_Line], names: tuple[str, ...], wanted: str, forms: str, *, optional: bool = False
) -> dict[str, tuple[str, Any]]:
    """What each query's object says of what is wanted, and where; an object may lack it only if `optional`."""
    made: dict[str, tuple[str, Any]] = {}
    seen: dict[str, str] = {}
    for where, text in lines:
        said = _object(where, text, forms)
        name = next((name for name in names if name in said), None)
        if name is None or (wanted not in said and not optional):
            message = f"{where}: keys {', '.join(map(repr, said))[:80] or 'none'}; expected {forms}"
            raise InputError(message)
        query = identifier(said[name], f"{where}: {name}")
        if query in seen:
            message = f"{where}: query {query!r} again, first at {seen[query]}; expected one line per query"
            raise InputError(message)
        seen[query] = where
        if wanted in said:
            made[query] = where, said[wanted]
    return made


def _joined(found: Mapping[str, tuple[str, Any]], name: str) -> Run:
    """One run of what each line says; InputError where some lines have scores and others none."""
    results: dict[str, Results] = {}
    forms: dict[bool, str] = {}
    for query, (where, answer) in found.items():
        one = run_of({query: answer}, where)
        results[query] = one.results[query]
        if one.longest:
            forms.setdefault(one.scored, where)
    if len(forms) > 1:
        message = f"{forms[False]}: ids without scores, {forms[True]} has scores; expected one form in a file"
        raise InputError(message)
    return Run(name, results, True in forms)


def _object(where: str, text: str, forms: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        message = f"{where}: no JSON ({why}): {text!r:.80}; expected {forms}"
        raise InputError(message) from error
    if not isinstance(said, dict):
        message = f"{where}: a {type(said).__name__}; expected {forms}"
        raise InputError(message)
    return said


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; ValueError for a key that stands in it twice, of which json would keep the last."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        message = f"key {next(name for name in names if names.count(name) > 1)!r} twice"
        raise ValueError(message)
    return made


def _refuse_upside_down(query: str, listed: list[tuple[float, str, str]]) -> None:
    """InputError where every rank says the opposite of the scores: a distance, of which the smallest is best."""
    try:
        by_rank = sorted((int(rank), score) for score, rank, _ in listed)
    except ValueError:
        return  # the ranks are no numbers: nobody reads them
    rising = all(low < high and one < other for (low, one), (high, other) in pairwise(by_rank))
    if len(by_rank) > 1 and rising:
        message = (
            f"{listed[0][2]}: the scores of query {query!r} rise from rank {by_rank[0][0]} to {by_rank[-1][0]}; "
            "expected bigger scores at better ranks (negate a distance)"
        )
        raise InputError(message)
