"""What a chunk id is to a Qdrant collection, both ways: the one place that decides it.

A point id is an unsigned 64-bit number or a UUID. Where a collection names its chunks by point ids, a chunk id is
the point's id as the server spells it: decimal digits without leading zeros, or a hyphenated lower-case UUID. Any
other text, `007` and 2^64 among it, is the id of no point: such a chunk is simply not there.
"""

import re
from typing import Any
from uuid import UUID

_UUID = re.compile(
    r"(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE
)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")
_POINT_END = 2**64
_PAYLOAD_END = 2**63


def canonical(chunk_id: str) -> str:
    """A chunk id that names a point as the server spells it; any other text as it is.

    A number of 32 digits is a UUID without hyphens to the server, and so it is here.

    >>> canonical("550E8400E29B41D4A716446655440000"), canonical("7"), canonical("guide.md#1")
    ('550e8400-e29b-41d4-a716-446655440000', '7', 'guide.md#1')
    """
    return str(UUID(chunk_id)) if len(chunk_id) >= 32 and _UUID.fullmatch(chunk_id) else chunk_id


def point_of(chunk_id: str) -> int | str | None:
    """The id of the point that a chunk id names; None where it names none.

    >>> point_of("7"), point_of("007"), point_of(str(2**64))
    (7, None, None)
    """
    if _NUMBER.fullmatch(chunk_id) and int(chunk_id) < _POINT_END:
        return int(chunk_id)
    named = canonical(chunk_id)
    return named if _UUID.fullmatch(named) else None


def name_of(point: Any) -> str | None:
    """The chunk id that a point id is; None for what is no point id. `point_of` leads back."""
    if isinstance(point, int) and not isinstance(point, bool):
        return str(point) if 0 <= point < _POINT_END else None
    text = str(point) if isinstance(point, str | UUID) else ""
    return canonical(text) if _UUID.fullmatch(text) else None


def payload_name(value: Any) -> str | None:
    """The chunk id that a payload's value is: text as it is, a whole number as its digits; None for others."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if text and not any("\ud800" <= sign <= "\udfff" for sign in text) else None


def payload_number(chunk_id: str) -> int | None:
    """The number that a payload may hold for a chunk id: `payload_name` leads back. None where it can hold none.

    >>> payload_number("-7"), payload_number("007"), payload_number(str(2**63))
    (-7, None, None)
    """
    digits = chunk_id.removeprefix("-")
    if chunk_id == "-0" or not _NUMBER.fullmatch(digits):
        return None
    number = int(chunk_id)
    return number if -_PAYLOAD_END <= number < _PAYLOAD_END else None
