"""Event times: RFC 3339 instants and epoch numbers to microseconds since the Unix epoch, UTC."""

import re
from datetime import UTC, datetime
from typing import Literal

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.core.model.events import TIMESTAMP_HEADER, Record

TimeUnit = Literal["s", "ms", "us"]
MICROSECONDS: dict[TimeUnit, int] = {"s": 1_000_000, "ms": 1_000, "us": 1}

PATTERN = (
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt]"
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
"""RFC 3339 section 5.6 without leap seconds: Unix time, which everything downstream counts in, has none."""

_is_instant = re.compile(PATTERN).fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: str, limits: EventLimits, field: str = "event_time") -> int:
    """An RFC 3339 instant as microseconds since the epoch, UTC; digits below a microsecond are cut.

    >>> instant("1970-01-01T01:00:00.5+01:00", EventLimits())
    500000

    Raises:
        MalformedEvent: `bad_time` (grammar, no offset, no such day, leap second), `out_of_range`.
    """
    if _is_instant(text) is None:
        raise malformed(reasons.BAD_TIME, field, f"{shown(text)}, expected RFC 3339 with an offset")
    try:
        since = datetime.fromisoformat(text.upper()) - _EPOCH
    except ValueError as error:
        raise malformed(reasons.BAD_TIME, field, f"{shown(text)}, {error}") from None
    made = since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
    return made if limits.earliest <= made < limits.latest else in_range(made, limits, field)


def in_range(microseconds: int, limits: EventLimits, field: str = "event_time") -> int:
    """The same number if it lies between `earliest` and `latest`, else MalformedEvent `out_of_range`."""
    if not limits.earliest <= microseconds < limits.latest:
        bounds = f"expected {limits.earliest} to {limits.latest} microseconds since 1970"
        raise malformed(reasons.OUT_OF_RANGE, field, f"{shown(microseconds)}, {bounds}")
    return microseconds


def stamp(record: Record, limits: EventLimits) -> int | None:
    """The time stamp the source gave the record, or None.

    Only the very last header counts, because the source appends it there: one of that name sent by the producer
    never wins. Producers choose Kafka's stamp too, so one that cannot be believed is no stamp.
    """
    if not record.headers or record.headers[-1][0] != TIMESTAMP_HEADER:
        return None
    digits = record.headers[-1][1] or b""  # Kafka allows null headers
    if not digits.isdigit() or len(digits) > 19:
        return None
    microseconds = int(digits)
    return microseconds if limits.earliest <= microseconds < limits.latest else None
