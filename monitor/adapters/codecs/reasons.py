"""Why an event is malformed: the closed set of `reason` words, which are metric labels and quarantine reasons."""

from collections.abc import Mapping
from types import MappingProxyType

from monitor.core.model.events import MalformedEvent

OVERSIZE = "oversize"
NOT_UTF8 = "not_utf8"
NOT_JSON = "not_json"
NOT_OBJECT = "not_object"
TOO_DEEP = "too_deep"
LONE_SURROGATE = "lone_surrogate"
MISSING_FIELD = "missing_field"
WRONG_TYPE = "wrong_type"
OUT_OF_RANGE = "out_of_range"
EMPTY = "empty"
TOO_LONG = "too_long"
TOO_MANY = "too_many"
CONTROL_CHARACTER = "control_character"
RESERVED_ID = "reserved_id"
NOT_FINITE = "not_finite"
WRONG_DIMENSION = "wrong_dimension"
BAD_BASE64 = "bad_base64"
CONFLICTING_FIELDS = "conflicting_fields"
BAD_TIME = "bad_time"
UNKNOWN_OP = "unknown_op"
NO_KEY = "no_key"
UNSUPPORTED_FORM = "unsupported_form"
BAD_POINT_ID = "bad_point_id"
TRUNCATE_UNSUPPORTED = "truncate_unsupported"
IDENTITY_CHANGED = "identity_changed"
UNAVAILABLE_VALUE = "unavailable_value"

REASONS: Mapping[str, str] = MappingProxyType(
    {
        OVERSIZE: "value or key longer than the cap; it was not parsed",
        NOT_UTF8: "bytes that are not strict UTF-8",
        NOT_JSON: "not one JSON document (a byte order mark, trailing bytes, a raw control character, ...)",
        NOT_OBJECT: "JSON, but not an object",
        TOO_DEEP: "arrays and objects nested deeper than the cap",
        LONE_SURROGATE: "a \\u escape of half a surrogate pair: no character",
        MISSING_FIELD: "a field that this event needs is absent or null",
        WRONG_TYPE: "a field of another JSON type than documented (true as 1, 1.0 as 1, ...), or text for numbers",
        OUT_OF_RANGE: "a number or an instant outside its documented range",
        EMPTY: "an identifier, a name or a map that must not be empty",
        TOO_LONG: "a string longer than its cap",
        TOO_MANY: "more segment attributes or partitions than the cap",
        CONTROL_CHARACTER: "a control, line-separator or text-direction character in an identifier or a segment",
        RESERVED_ID: "a chunk id that begins like the key of a deploy marker",
        NOT_FINITE: "NaN, an infinity, or a number that is infinite as float32 or float64",
        WRONG_DIMENSION: "a vector of another length than declared",
        BAD_BASE64: "not standard base64 with padding and without white space",
        CONFLICTING_FIELDS: "both vector and vector_b64",
        BAD_TIME: "an event time that is not an RFC 3339 instant with an offset",
        UNKNOWN_OP: "an operation, or a phase of a migration, that is not documented",
        NO_KEY: "a null value without a key that names a chunk",
        UNSUPPORTED_FORM: "a CloudEvents version, batch or content type that is not accepted; Avro or Protobuf",
        BAD_POINT_ID: "a Qdrant point id that is neither an unsigned 64-bit integer nor a UUID",
        TRUNCATE_UNSUPPORTED: "a truncated table: which chunks are gone is not said, so it cannot be applied",
        IDENTITY_CHANGED: "an update whose chunk id differs before and after: two chunks in one event",
        UNAVAILABLE_VALUE: "Debezium's placeholder for a column value that the database did not log",
    }
)
"""Reason -> what it means, for people."""

_SHOWN = 60
_LINE = 300


def malformed(reason: str, field: str, problem: str) -> MalformedEvent:
    """The error for one field: `field: problem`, in printable ASCII and of bounded length.

    >>> malformed(OUT_OF_RANGE, "version", "-1, expected 0 to 2^63-1").detail
    'version: -1, expected 0 to 2^63-1'
    """
    line = f"{field}: {problem}"
    return MalformedEvent(reason, within(line if line.isascii() and line.isprintable() else ascii(line)[1:-1]))


def within(line: str) -> str:
    """A line cut to the length that a detail may have."""
    return line[:_LINE]


def shown(value: object) -> str:
    """A value cut and escaped, fit for an error message; huge integers are never spelled out."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    text = ascii(value[: _SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
