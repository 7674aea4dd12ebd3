"""Versions as sources write them: numbers, digits in a string, log positions of databases, and lists of these."""

import re

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import MAX_INTEGER
from monitor.adapters.codecs.loose import Scalar
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.core.model.events import Version

MOST_DIGITS = 40
"""Of a number in a string: more than Oracle's NUMBER has."""
MOST_NUMBERS = 8
"""In one version."""
VersionWire = int | str | list[int | str]
"""A version as the native form writes it."""

NUMBER_PATTERNS = (
    rf"[0-9]{{1,{MOST_DIGITS}}}",
    r"[A-Za-z0-9_.-]{1,200}\.([0-9]{6,10})",
    r"([0-9a-fA-F]{8}):([0-9a-fA-F]{8}):([0-9a-fA-F]{4})",
    r"([0-9a-fA-F]{1,8})/([0-9a-fA-F]{1,8})",
)
"""What a number may be as text: digits, MySQL's binlog file, a log sequence number of SQL Server or PostgreSQL."""
_DIGITS, _BINLOG, _SQL_SERVER_LSN, _POSTGRES_LSN = map(re.compile, NUMBER_PATTERNS)


def version(value: VersionWire | None) -> Version | None:
    """The version that orders the events of a chunk; a list gives a tuple of as many numbers.

    >>> version("0239"), version(["mysql-bin.000003", 4]), version("0000002b:00000d48:0003")
    (239, (3, 4), 12103424221380611)

    Raises:
        MalformedEvent: `out_of_range`, `wrong_type`, `empty`, `too_many`.
    """
    if value is None or (type(value) is int and 0 <= value <= MAX_INTEGER):
        return value
    if isinstance(value, int):
        return _natural(value)
    if isinstance(value, str):
        return _number(value)
    if not value:
        raise malformed(reasons.EMPTY, "version", "an empty list, expected numbers")
    if len(value) > MOST_NUMBERS:
        raise malformed(reasons.TOO_MANY, "version", f"{len(value)} numbers, expected at most {MOST_NUMBERS}")
    return tuple(_natural(one) if isinstance(one, int) else _number(one) for one in value)


def combined(values: list[Scalar]) -> VersionWire | None:
    """What several places of a row state together: nothing where none does, else a list where an absent one counts 0.

    A snapshot's rows have a position of the log but none within a transaction, and come before all others there.

    Raises:
        MalformedEvent: `wrong_type` where one is neither an integer nor a string.
    """
    wrong = next((value for value in values if isinstance(value, bool | float)), None)
    if wrong is not None:
        raise malformed(reasons.WRONG_TYPE, "version", f"{shown(wrong)}, expected an integer or digits in a string")
    given = [value for value in values if isinstance(value, int | str)]
    if not given:
        return None
    if len(values) == 1:
        return given[0]
    return [value if isinstance(value, int | str) else 0 for value in values]


def _natural(value: int) -> int:
    if isinstance(value, bool):
        raise malformed(reasons.WRONG_TYPE, "version", f"{shown(value)}, expected an integer")
    if not 0 <= value <= MAX_INTEGER:
        raise malformed(reasons.OUT_OF_RANGE, "version", f"{shown(value)}, expected 0 to 2^63-1")
    return value


def _number(text: str) -> int:
    """Digits; the number of a binlog file; a log sequence number of SQL Server or PostgreSQL as one number."""
    if _DIGITS.fullmatch(text):
        return int(text)
    binlog = _BINLOG.fullmatch(text)
    if binlog:
        return int(binlog[1])
    for pattern in (_SQL_SERVER_LSN, _POSTGRES_LSN):
        found = pattern.fullmatch(text)
        if found:
            *high, low = found.groups()
            width = 4 if pattern is _SQL_SERVER_LSN else 8
            return int("".join(part.zfill(8) for part in high) + low.zfill(width), 16)
    expected = f"expected at most {MOST_DIGITS} digits, a binlog file's name or a log sequence number"
    raise malformed(reasons.WRONG_TYPE, "version", f"{shown(text)}, {expected}")
