"""A record of traffic as queries: by the paths of its form, each overridden by a configured one.

Nothing in a record is trusted, and nothing of it is repeated in a message: what users asked stays out of the log and
of the state.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.anchors_file import floats, from_base64
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.production.answer_paths import UnreadableAnswerError, at_path, decoded
from monitor.adapters.query_log.fields import RefusedLine, query_text
from monitor.core.model.events import Segment
from monitor.core.traffic.model import RefusedQuery, UserQuery

BAD_CLIENT, BAD_JSON, BAD_SEGMENT, BAD_TIME, BAD_VALUE, BAD_VECTOR, NO_TEXT = (
    "bad_client",
    "bad_json",
    "bad_segment",
    "bad_time",
    "bad_value",
    "bad_vector",
    "no_text",
)
"""Why a query, or a record, is set aside, beside the reasons of `query_text`."""
MOST_CLIENT_CHARACTERS = 1_024
MOST_VALUE = 1e9
"""Of one query: more is no worth, but a wrong field."""
_UNITS: Mapping[str, int] = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0}
_SURROGATE = re.compile("[\ud800-\udfff]")
_LIMITS = EventLimits()


@dataclass(frozen=True, slots=True)
class TrafficPaths:
    """Where in an object the fields of a query stand: paths of `AnswerPaths`, of several the first that leads on.

    Args:
        query: the text.
        client: who asked.
        time: RFC 3339, or a number in `unit`.
        value: what the query is worth, a number from 0 on.
        vector: a list of numbers, or base64 of little-endian float32.
        segments: attribute -> path.
        unit: of a time that is a number.
    """

    query: Sequence[str]
    client: Sequence[str] = ()
    time: Sequence[str] = ()
    value: Sequence[str] = ()
    vector: Sequence[str] = ()
    segments: Mapping[str, str] = field(default_factory=dict)
    unit: Literal["s", "ms", "us", "ns"] = "ms"


def object_of(value: bytes) -> Any:
    """A record's JSON.

    Raises:
        RefusedQuery: `bad_json`.
    """
    try:
        return decoded(value)
    except UnreadableAnswerError:
        raise refused(BAD_JSON, "no JSON that can be read") from None


def refused(reason: str, expected: str) -> RefusedQuery:
    """A query, or a record, that is set aside."""
    return RefusedQuery(reason, expected)


def query_at(item: Any, paths: TrafficPaths, dimension: int) -> UserQuery | RefusedQuery:
    """The query of one object, or why there is none."""
    try:
        return UserQuery(
            _text(_first(item, paths.query)),
            _client(_first(item, paths.client)),
            _time(_first(item, paths.time), paths.unit),
            _segment(item, paths.segments),
            _value(_first(item, paths.value)),
            _vector(_first(item, paths.vector), dimension),
        )
    except RefusedQuery as wrong:
        return wrong


def _first(item: Any, paths: Sequence[str]) -> Any:
    return next((found for path in paths if (found := at_path(item, path)) is not None), None)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise refused(NO_TEXT, "no text where the query is expected")
    if _SURROGATE.search(found):
        raise refused(BAD_JSON, "a lone surrogate, expected Unicode text")
    try:
        return query_text(found)
    except RefusedLine as wrong:
        raise refused(wrong.reason, "expected text of 1 to 65,536 bytes without control characters") from None


def _client(found: Any) -> str:
    if found is None or isinstance(found, bool | float | list | dict):
        return ""
    named = str(found)
    if len(named) > MOST_CLIENT_CHARACTERS or _SURROGATE.search(named):
        raise refused(BAD_CLIENT, f"expected at most {MOST_CLIENT_CHARACTERS} characters of Unicode text")
    return named


def _time(found: Any, unit: str) -> int:
    if found is None:
        return 0
    made = _stamp(found, unit)
    if made is None or not _LIMITS.earliest < made < _LIMITS.latest:
        raise refused(BAD_TIME, "expected RFC 3339 with an offset, or a number since 1970")
    return made


def _stamp(found: Any, unit: str) -> int | None:
    """Microseconds; None where it is no time."""
    if isinstance(found, str) and not re.fullmatch("[0-9]{1,19}", found):
        try:
            read = datetime.fromisoformat(found)
        except ValueError:
            return None
        # Without an offset it is taken as UTC: exporters of traces write it so.
        return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1_000_000)
    if isinstance(found, bool) or not isinstance(found, str | int | float) or not math.isfinite(float(found)):
        return None
    return int(found) // 1_000 if unit == "ns" else int(float(found) * _UNITS[unit])


def _value(found: Any) -> float:
    if found is None:
        return 1.0
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0.0 <= found <= MOST_VALUE:
        raise refused(BAD_VALUE, f"expected a number from 0 to {MOST_VALUE:g}")
    return float(found)


def _segment(item: Any, paths: Mapping[str, str]) -> Segment:
    made = {}
    for name, path in paths.items():
        found = at_path(item, path)
        said = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
        if len(said.encode("utf-8", "replace")) > _LIMITS.label_bytes or not said.isprintable():
            raise refused(BAD_SEGMENT, f"{name}: expected at most {_LIMITS.label_bytes} printable bytes")
        if said:
            made[name] = said
    return tuple(sorted(made.items()))


def _vector(found: Any, dimension: int) -> NDArray[np.float32] | None:
    if found is None or not dimension:
        return None
    if isinstance(found, list) and all(isinstance(of, int | float) and not isinstance(of, bool) for of in found):
        made = _numbers(found)
    else:
        made = from_base64(found) if isinstance(found, str) else None
    if made is None or made.shape != (dimension,) or not np.isfinite(made).all():
        raise refused(BAD_VECTOR, f"expected {dimension} finite numbers")
    return made


def _numbers(found: list[float]) -> NDArray[np.float32] | None:
    try:
        return floats(found)
    except OverflowError:  # an integer of hundreds of digits
        return None
