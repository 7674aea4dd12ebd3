"""How much an event may hold, and the strict reading of its bytes that all wire forms share."""

import re
from dataclasses import dataclass, fields
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.reasons import malformed
from monitor.core.model.events import MalformedEvent
from monitor.ports import ConfigurationError

T = TypeVar("T")

MAX_INTEGER = 2**63 - 1
MAX_DIMENSION = 65_536
"""The longest vector that Qdrant stores."""

_NOT_FINITE = re.compile(rb"\b(?:NaN|Infinity)\b")
_LONE = re.compile(rb"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\(u[dD][89a-fA-F])", re.DOTALL)
_QUOTE = ord('"')
_NO_MARKS = bytes(set(range(256)) - set(b'[]{}"'))
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1


@dataclass(frozen=True, slots=True)
class EventLimits:
    """What an event may be at most; all sizes are bytes of UTF-8.

    Args:
        dimension: the declared length of vectors; 0 = the dense leg is off and vectors are ignored.
        value_bytes: a whole record; checked before anything is parsed.
        key_bytes: a record's key, where it is read (tombstones).
        id_bytes: chunk, document and deploy ids.
        text_bytes: the text of a chunk.
        label_bytes: embedding version, content hash, a segment value.
        name_bytes: the name of a segment attribute.
        attributes: segment attributes of one chunk.
        partitions: partitions that a deploy marker's `upto` may name.
        depth: nesting of arrays and objects, in ignored fields too (a fixed number, so that the verdict on an
            event does not depend on the interpreter's stack).
        earliest: the first acceptable event time, microseconds since the Unix epoch.
        latest: the first event time that is too late. One absurd stamp would age every delete mark at once.
    """

    dimension: int = 0
    value_bytes: int = 4 * 1024 * 1024
    key_bytes: int = 8_192
    id_bytes: int = 1_024
    text_bytes: int = 1024 * 1024
    label_bytes: int = 256
    name_bytes: int = 64
    attributes: int = 32
    partitions: int = 4_096
    depth: int = 64
    earliest: int = 0
    latest: int = 4_102_444_800_000_000  # 2100-01-01T00:00:00Z

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in {"dimension", "earliest"} else 1
            if value < least:
                message = f"limits.{field.name}: {value}, expected at least {least}"
                raise ConfigurationError(message)
        if self.dimension > MAX_DIMENSION or self.earliest >= self.latest:
            message = f"limits: dimension {self.dimension} above {MAX_DIMENSION}, or earliest not before latest"
            raise ConfigurationError(message)


def parse(value: bytes, decoder: "msgspec.json.Decoder[T]", limits: EventLimits) -> T:
    """One JSON object, strictly: size, UTF-8 and depth before parsing, then a typed decode in one pass.

    Of a repeated key the last one counts, as in nearly every JSON parser: we must see what the system sees that
    indexes the same event. Fields the type does not name are checked for syntax and never built, so memory stays
    within 17 times the size (a list of one-digit numbers).

    Raises:
        MalformedEvent: whatever is wrong.
    """
    if len(value) > limits.value_bytes:
        raise malformed(reasons.OVERSIZE, "value", f"{len(value)} bytes, expected at most {limits.value_bytes}")
    try:
        if not value.isascii():
            value.decode("utf-8", "strict")
        if _openers(value, limits.depth) > limits.depth and _depth(value) > limits.depth:
            raise malformed(reasons.TOO_DEEP, "value", f"nested deeper than {limits.depth}")
        return decoder.decode(value)
    except MalformedEvent:
        raise
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _refusal(error, value) from None


def _openers(value: bytes, most: int) -> int:
    """How many brackets open, of each kind `most` + 1 at most: `replace` runs at memory speed, `count` does not."""
    square, curly = value.replace(b"[", b"", most + 1), value.replace(b"{", b"", most + 1)
    return 2 * len(value) - len(square) - len(curly)


def _depth(value: bytes) -> int:
    """How deep brackets nest outside of strings; 0 for no brackets. Time and memory are linear in the size."""
    marks = np.frombuffer(_unescaped(value).translate(None, _NO_MARKS), np.uint8)
    return int(np.cumsum(_STEP[_outside(marks)], dtype=np.int32).max(initial=0))


def _unescaped(value: bytes) -> bytes:
    """Without escaped quotes and backslashes, so that every quote that is left begins or ends a string."""
    return value.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in value else value


def _outside(marks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bytes outside of strings."""
    return marks[~np.logical_xor.accumulate(marks == _QUOTE)]


def _refusal(error: Exception, value: bytes) -> MalformedEvent:
    """Name what the parser refused; this slow path may look at the bytes again."""
    text = str(error)
    what, _, where = text.partition(" - at `$.")
    field = where.rstrip("`") or "value"
    if isinstance(error, UnicodeDecodeError):
        return malformed(reasons.NOT_UTF8, "value", f"byte {error.start} is not UTF-8: {error.reason}")
    if isinstance(error, msgspec.ValidationError):
        return malformed(_type_reason(what, value), field, what)
    if isinstance(error, RecursionError):
        return malformed(reasons.TOO_DEEP, "value", "nested deeper than the interpreter's stack allows")
    if any(found.group(1) for found in _LONE.finditer(value)):
        return malformed(reasons.LONE_SURROGATE, "value", "an escape of half a surrogate pair")
    if _NOT_FINITE.search(_outside(np.frombuffer(_unescaped(value), np.uint8)).tobytes()):
        return malformed(reasons.NOT_FINITE, "value", "NaN or Infinity, expected a JSON number")
    return malformed(reasons.NOT_JSON, "value", what)


def _type_reason(what: str, value: bytes) -> str:
    """The reason for a document that is JSON so far, but not of the type.

    msgspec says what it refused in words alone: they are read here and nowhere else, and a test holds each of them.
    """
    if not value.lstrip(b" \t\r\n").startswith(b"{"):
        return reasons.NOT_OBJECT
    if what.startswith("Invalid base64"):
        return reasons.BAD_BASE64
    if what.startswith("Number out of range"):
        return reasons.NOT_FINITE
    return reasons.OUT_OF_RANGE if "out of range" in what else reasons.WRONG_TYPE
