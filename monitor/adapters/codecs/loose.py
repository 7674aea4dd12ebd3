"""Scalars of foreign rows: what a database or a payload may write for a string, an id, an integer or an instant."""

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import Limits
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.times import in_range

Scalar = str | int | float | bool | None

UNAVAILABLE = "__debezium_unavailable_value"
"""What Debezium writes for a column that the database did not log (an unchanged TOASTed text)."""

_LEAST_ID, _MOST_ID = -(2**63), 2**64 - 1


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


def epoch(value: Scalar, unit: int, limits: Limits, field: str = "event_time") -> int | None:
    """An integer number of units since the Unix epoch as microseconds."""
    number = integer(value, field)
    return None if number is None else in_range(number * unit, limits, field)
