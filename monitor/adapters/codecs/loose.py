"""Scalars of foreign rows: what a database or a payload may write for a string, an id, an integer or an instant."""

import re
from datetime import UTC, datetime

import msgspec

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.times import in_range

Scalar = str | int | float | bool | None
_INTEGER = re.compile(r"-?[0-9]{1,20}")


class Extended(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A value of MongoDB's extended JSON, which writes what JSON has no type for as an object of one key."""

    oid: str | None = msgspec.field(default=None, name="$oid")
    uuid: str | None = msgspec.field(default=None, name="$uuid")
    number_int: str | None = msgspec.field(default=None, name="$numberInt")
    number_long: str | None = msgspec.field(default=None, name="$numberLong")
    number_double: str | None = msgspec.field(default=None, name="$numberDouble")
    date: "int | str | Extended | None" = msgspec.field(default=None, name="$date")


Leaf = Scalar | Extended
"""What may stand where a row's field is looked for."""

UNAVAILABLE = "__debezium_unavailable_value"
"""What Debezium writes for a column that the database did not log (an unchanged TOASTed text)."""

_YEAR_9999 = 253_370_764_800_000
_LEAST_ID, _MOST_ID = -(2**63), 2**64 - 1


def plain(value: Leaf, field: str) -> Scalar:
    """The value that a leaf means: an object id and a UUID as text, numbers as such, a date in RFC 3339."""
    if not isinstance(value, Extended):
        return value
    digits = value.number_long if value.number_int is None else value.number_int
    if digits is not None and _INTEGER.fullmatch(digits):
        return int(digits)
    if value.date is not None:
        return _date(plain(value.date, field), field)
    text = value.uuid if value.oid is None else value.oid
    if text is None:
        raise malformed(reasons.WRONG_TYPE, field, "an object, expected a string or a number")
    return text


def _date(value: Scalar, field: str) -> str:
    """A date of extended JSON: RFC 3339, or milliseconds since the epoch."""
    if isinstance(value, str):
        return value
    milliseconds = integer(value, field)
    if milliseconds is None or not 0 <= milliseconds < _YEAR_9999:
        raise malformed(reasons.OUT_OF_RANGE, field, f"{shown(value)}, expected milliseconds since 1970")
    seconds, rest = divmod(milliseconds, 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def string(value: Scalar, field: str) -> str | None:
    """A string as it is; any other type is `wrong_type`."""
    if value is None or isinstance(value, str):
        if value == UNAVAILABLE:
            raise malformed(reasons.UNAVAILABLE_VALUE, field, "the source did not log this column's value")
        return value
    raise malformed(reasons.WRONG_TYPE, field, f"{shown(value)}, expected a string")


def integer(value: Scalar, field: str) -> int | None:
    """An integer as it is; 1.0, true and "1" are `wrong_type`."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise malformed(reasons.WRONG_TYPE, field, f"{shown(value)}, expected an integer")


def identity(value: Scalar, field: str) -> str | None:
    """A string, or an integer of a primary key as its decimal digits."""
    if not isinstance(value, int) or isinstance(value, bool):
        return string(value, field)
    if not _LEAST_ID <= value <= _MOST_ID:
        raise malformed(reasons.OUT_OF_RANGE, field, f"{shown(value)}, expected -2^63 to 2^64-1")
    return str(value)


def attribute_value(value: Scalar, field: str) -> str | None:
    """A segment value: a string, the digits of an integer, `true` or `false`."""
    if isinstance(value, bool):
        return str(value).lower()
    return identity(value, field)


def epoch(value: Scalar, unit: int, limits: EventLimits, field: str = "event_time") -> int | None:
    """An integer number of units since the Unix epoch as microseconds."""
    number = integer(value, field)
    return None if number is None else in_range(number * unit, limits, field)
