"""A log of queries, the raw material of `anchors build`: text lines, JSON Lines or tab-separated counts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.anchors_file import floats, from_base64, lone_surrogate, numbered_lines
from monitor.core.events import Segment
from monitor.core.selection import LoggedQuery

Form = Literal["text", "jsonl", "tsv"]
MOST_LINE_BYTES = 1 << 20
MOST_TEXT_BYTES = 64 << 10
MOST_COUNT = 2**53
MOST_EXAMPLES = 100
"""Refused lines that are shown; all are counted."""
_SUFFIXES: Mapping[str, Form] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".tsv": "tsv"}


class QueryLine(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a JSON Lines log."""

    text: str
    count: int = 1
    segment: dict[str, str] = {}
    vector: list[float] | None = None
    vector_b64: str | None = None


@dataclass(frozen=True, slots=True)
class QueryLog:
    """What a log held: distinct queries with summed counts in the order first seen, and every line's fate.

    Args:
        queries: one entry per distinct (text, segment).
        outcomes: lines by outcome: `read`, `blank`, or why refused: `too_long`, `not_utf8`, `bad_json`, `bad_count`,
            `bad_vector`, `no_text`, `no_tab`. They sum to the lines of the file.
        examples: the first refused lines as `file:line: reason: detail`.
    """

    queries: tuple[LoggedQuery, ...]
    outcomes: Mapping[str, int]
    examples: tuple[str, ...]


class RefusedLine(ValueError):  # noqa: N818 - the line is refused; it is an outcome, not a failure of ours
    """A line that is no query: one of the reasons of QueryLog, and a detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def read_query_log(path: Path, *, form: Form | None = None, dimension: int = 0) -> QueryLog:
    """Read a query log; a bad line is counted with its reason and the rest is read.

    Args:
        path: the file.
        form: `text` (a query per line), `jsonl` ({"text", "count"?, "segment"?, "vector"? or "vector_b64"?}) or `tsv`
            (query, tab, count); None: by the file's suffix, `text` for an unknown one.
        dimension: the length of vectors; 0: vectors are ignored.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    chosen = form or _SUFFIXES.get(path.suffix.lower(), "text")
    counts: dict[tuple[str, Segment], int] = {}
    vectors: dict[tuple[str, Segment], NDArray[np.float32]] = {}
    outcomes: Counter[str] = Counter()
    examples: list[str] = []
    for number, line in numbered_lines(path, MOST_LINE_BYTES, "query log"):
        if not line:
            outcomes["blank"] += 1
            continue
        try:
            query = parse_line(line, chosen, dimension)
        except RefusedLine as refused:
            outcomes[refused.reason] += 1
            examples += [f"{path}:{number}: {refused}"] if len(examples) < MOST_EXAMPLES else []
            continue
        outcomes["read"] += 1
        key = query.text, query.segment
        counts[key] = counts.get(key, 0) + query.count
        if query.vector is not None:
            vectors.setdefault(key, query.vector)
    queries = tuple(LoggedQuery(text, count, of, vectors.get((text, of))) for (text, of), count in counts.items())
    return QueryLog(queries, dict(outcomes), tuple(examples))


def parse_line(line: bytes, form: Form, dimension: int) -> LoggedQuery:
    """One non-blank line to a query.

    Raises:
        RefusedLine: it is none.
    """
    if len(line) > MOST_LINE_BYTES:
        reason = "too_long"
        raise RefusedLine(reason, f"more than {MOST_LINE_BYTES} bytes in one line")
    if form == "jsonl":
        return _from_json(line, dimension)
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        reason = "not_utf8"
        raise RefusedLine(reason, str(error)) from None
    count = 1
    if form == "tsv":
        text, tab, digits = text.rpartition("\t")
        if not tab:
            reason = "no_tab"
            raise RefusedLine(reason, "expected a query, a tab and a count")
        count = _count(digits.strip())
    return LoggedQuery(_text(text), count)


def _from_json(line: bytes, dimension: int) -> LoggedQuery:
    reason = "bad_json"
    try:
        read = msgspec.json.decode(line, type=QueryLine)
    except UnicodeDecodeError as error:
        reason = "not_utf8"
        raise RefusedLine(reason, str(error)) from None
    except (msgspec.MsgspecError, RecursionError) as error:
        said = "a lone surrogate, expected Unicode text" if lone_surrogate(line) else str(error)
        raise RefusedLine(reason, said) from None
    vector = _vector(read, dimension)
    return LoggedQuery(_text(read.text), _count(str(read.count)), tuple(sorted(read.segment.items())), vector)


def _text(text: str) -> str:
    stripped = text.strip()
    if not stripped or len(stripped.encode()) > MOST_TEXT_BYTES:
        reason = "too_long" if stripped else "no_text"
        raise RefusedLine(reason, f"a query of {len(stripped)} characters, expected 1 to {MOST_TEXT_BYTES} bytes")
    return stripped


def _count(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) < 17 and 1 <= int(digits) <= MOST_COUNT):
        reason = "bad_count"
        raise RefusedLine(reason, f"count {digits[:40]!r}, expected 1 to {MOST_COUNT}")
    return int(digits)


def _vector(read: QueryLine, dimension: int) -> NDArray[np.float32] | None:
    if dimension == 0 or (read.vector is None and read.vector_b64 is None):
        return None
    made = floats(read.vector) if read.vector is not None else from_base64(read.vector_b64 or "")
    if made is None or len(made) != dimension or not np.isfinite(made).all():
        reason = "bad_vector"
        found = "no float32 values" if made is None else f"{len(made)} values"
        raise RefusedLine(reason, f"{found}, expected {dimension} finite numbers")
    return made
