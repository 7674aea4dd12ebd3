"""One JSON object per line: our own form, BEIR's queries, UBI's query index, or any with the fields named."""

import re
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.anchors_file import floats, from_base64, lone_surrogate
from monitor.adapters.query_log.fields import Fields, Form, RefusedLine, query_text, whole_count
from monitor.core.selection.selection import LoggedQuery

_USUAL = {"ubi": Fields("user_query"), "beir": Fields("text")}
_MISSING = object()
_SURROGATE = re.compile("[\ud800-\udfff]")


class QueryLine(msgspec.Struct, forbid_unknown_fields=True):
    """One line of our own form."""

    text: str
    count: int = 1
    segment: dict[str, str] = {}
    vector: list[float] | None = None
    vector_b64: str | None = None


def recognised(line: str) -> Form:
    """The form of a log by its first line: BEIR's has `_id` and `text`, UBI's `user_query`."""
    try:
        found = _source(msgspec.json.decode(line))
    except (msgspec.MsgspecError, RecursionError):
        return "jsonl"
    if not isinstance(found, dict):
        return "jsonl"
    if "user_query" in found:
        return "ubi"
    return "beir" if {"_id", "text"} <= found.keys() else "jsonl"


def from_object(line: str, form: Form, fields: Fields, dimension: int) -> LoggedQuery:
    """A line as a query.

    Raises:
        RefusedLine: `bad_json`, `no_text`, `bad_count`, `bad_vector`, and those of `query_text`.
    """
    if form == "jsonl" and fields == Fields():
        return _own(line, dimension)
    usual = _USUAL.get(form, Fields("text", "count"))
    found = _source(_decoded(line, Any))
    text = _at(found, fields.query or usual.query)
    if not isinstance(text, str):
        reason = "bad_json" if text is _MISSING else "no_text"
        raise RefusedLine(reason, f"no text in the field {fields.query or usual.query!r}{_known(found)}")
    if _SURROGATE.search(text):
        reason = "bad_json"
        raise RefusedLine(reason, "a lone surrogate, expected Unicode text")
    where = fields.count or usual.count
    count = _at(found, where) if where else 1
    if count is _MISSING and fields.count:
        reason = "bad_count"
        raise RefusedLine(reason, f"no field {fields.count!r}{_known(found)}")
    return LoggedQuery(query_text(text), 1 if count is _MISSING else whole_count(str(count)))


def _own(line: str, dimension: int) -> LoggedQuery:
    read = _decoded(line, QueryLine)
    vector = _vector(read, dimension)
    return LoggedQuery(
        query_text(read.text), whole_count(str(read.count)), tuple(sorted(read.segment.items())), vector
    )


def _decoded(line: str, form: Any) -> Any:
    try:
        return msgspec.json.decode(line, type=form)
    except (msgspec.MsgspecError, RecursionError) as error:
        said = "a lone surrogate, expected Unicode text" if lone_surrogate(line.encode()) else str(error)
        reason = "bad_json"
        raise RefusedLine(reason, said) from None


def _source(found: Any) -> Any:
    """The document inside the wrapper that dumps of a search index have."""
    inner = found.get("_source") if isinstance(found, dict) else None
    return inner if isinstance(inner, dict) else found


def _at(found: Any, path: str) -> Any:
    """What stands at a field, or at a path of fields; a field whose name has the dots wins."""
    if isinstance(found, dict) and path in found:
        return found[path]
    first, dot, rest = path.partition(".")
    return _at(found[first], rest) if dot and isinstance(found, dict) and first in found else _MISSING


def _known(found: Any) -> str:
    names = ", ".join(list(found)[:12])[:200] if isinstance(found, dict) else "none: it is no object"
    return f"; its fields are {names or 'none'}"


def _vector(read: QueryLine, dimension: int) -> NDArray[np.float32] | None:
    if dimension == 0 or (read.vector is None and read.vector_b64 is None):
        return None
    made = floats(read.vector) if read.vector is not None else from_base64(read.vector_b64 or "")
    if made is None or len(made) != dimension or not np.isfinite(made).all():
        reason = "bad_vector"
        found = "no float32 values" if made is None else f"{len(made)} values"
        raise RefusedLine(reason, f"{found}, expected {dimension} finite numbers")
    return made
