"""Strings and integers of an event within their bounds: ids, labels, texts, versions, segments."""

import re
from collections.abc import Iterable

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import MAX_INTEGER, EventLimits
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.core.model.events import Partition, Segment

DEPLOY_PREFIX = "__deploy__/"
"""How the key of a deploy marker begins; compaction keeps it, and no chunk may be called so."""

FORBIDDEN = r"\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
"""Control characters, line separators and text-direction marks, as the inside of a character class.

A closed list rather than `str.isprintable`, whose answer changes with the Unicode version of the interpreter.
"""

_FORBIDDEN = re.compile(f"[{FORBIDDEN}]")
_PARTITION = re.compile(r"0|[1-9][0-9]{0,9}")
_TOPIC_CHARACTERS = 249


def need(value: str | None, field: str) -> str:
    """The value, or MalformedEvent `missing_field`."""
    if value is None:
        raise malformed(reasons.MISSING_FIELD, field, "absent or null, expected a string")
    return value


def identifier(value: str | None, field: str, most: int) -> str:
    """A non-empty string of at most `most` UTF-8 bytes without control characters."""
    if not value:
        need(value, field)
        raise malformed(reasons.EMPTY, field, "empty, expected at least one character")
    if len(value) > most or (not value.isascii() and len(value.encode()) > most):
        raise malformed(reasons.TOO_LONG, field, f"{len(value)} characters, expected at most {most} bytes")
    if not value.isprintable() and _FORBIDDEN.search(value):  # printable strings hold none of the forbidden ones
        raise malformed(reasons.CONTROL_CHARACTER, field, f"{shown(value)} holds a control character")
    return value


def chunk_identifier(value: str | None, limits: EventLimits) -> str:
    """A chunk id: an identifier that cannot be mistaken for the key of a deploy marker."""
    chunk_id = identifier(value, "chunk_id", limits.id_bytes)
    if chunk_id.startswith(DEPLOY_PREFIX):
        raise malformed(reasons.RESERVED_ID, "chunk_id", f"{shown(chunk_id)} begins with {DEPLOY_PREFIX}")
    return chunk_id


def document_of(chunk_id: str) -> str:
    """The document of a chunk that names none: what stands before the first `#` of its id, else the whole id.

    >>> document_of("guide/auth.md#tokens"), document_of("7b8a"), document_of("#top")
    ('guide/auth.md', '7b8a', '#top')
    """
    return chunk_id.partition("#")[0] or chunk_id


def body(value: str | None, limits: EventLimits) -> str:
    """A text, possibly empty, of at most `text_bytes`; any character may occur in it."""
    most = limits.text_bytes
    if value is None:
        return need(value, "text")
    if len(value) > most or (not value.isascii() and len(value.encode()) > most):
        raise malformed(reasons.TOO_LONG, "text", f"{len(value)} characters, expected at most {most} bytes")
    return value


def natural(value: int, field: str) -> int:
    """An integer from 0 to 2^63 - 1."""
    if not 0 <= value <= MAX_INTEGER:
        raise malformed(reasons.OUT_OF_RANGE, field, f"{shown(value)}, expected 0 to 2^63-1")
    return value


def segment(pairs: Iterable[tuple[str, str | None]], limits: EventLimits, field: str = "segment") -> Segment:
    """Attributes as (name, value) pairs sorted by name; one whose value is null or empty is left out."""
    given = tuple(pairs)
    if len(given) > limits.attributes:
        raise malformed(reasons.TOO_MANY, field, f"{len(given)} attributes, expected at most {limits.attributes}")
    kept = []
    for name, value in given:
        identifier(name, f"{field} name", limits.name_bytes)
        if value:
            kept.append((name, identifier(value, f"{field}.{name}", limits.label_bytes)))
    return tuple(sorted(kept))


def offsets(upto: dict[str, dict[str, int]], limits: EventLimits) -> dict[Partition, int]:
    """`{"topic": {"0": next_offset}}` as a map from partition to next offset, never empty."""
    named = sum(map(len, upto.values()))
    if not named or not all(upto.values()):
        raise malformed(reasons.EMPTY, "upto", "names no partition, expected at least one per topic")
    if named > limits.partitions:
        raise malformed(reasons.TOO_MANY, "upto", f"{named} partitions, expected at most {limits.partitions}")
    return {
        _partition(topic, number): natural(offset, f"upto.{topic}.{number}")
        for topic, numbers in upto.items()
        for number, offset in numbers.items()
    }


def _partition(topic: str, number: str) -> Partition:
    identifier(topic, "upto topic", _TOPIC_CHARACTERS)
    if _PARTITION.fullmatch(number) is None or int(number) >= 2**31:
        raise malformed(reasons.OUT_OF_RANGE, "upto", f"partition {shown(number)}, expected 0 to 2^31-1")
    return Partition(topic, int(number))
