"""JSON Schema 2020-12 of the native form, generated from the limits that the decoder enforces.

What a schema cannot say, the decoder still refuses: lengths in bytes (the schema counts characters), days that do
not exist, event times out of range, what a vector written as text holds, integers written as 1.0, NaN inside base64,
lone surrogates, the whole size.
"""

from typing import Any

from monitor.adapters.codecs.limits import MAX_INTEGER, EventLimits
from monitor.adapters.codecs.scalars import DEPLOY_PREFIX, FORBIDDEN
from monitor.adapters.codecs.times import PATTERN
from monitor.adapters.codecs.vectors import FLOAT32_OVERFLOW, MOST_CHARACTERS
from monitor.adapters.codecs.versions import MOST_NUMBERS, NUMBER_PATTERNS
from monitor.adapters.codecs.wire import MOST_VERSIONS, STEPS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BASE64: Schema = {
    "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    "not": {"type": "string", "pattern": "[^A-Za-z0-9+/=]"},
}
"""Wherever it stands, in a field that the operation has no use for too: it is decoded before that is known."""
_VECTOR: Schema = {
    "type": "object",
    "oneOf": [
        {"required": ["vector"], "properties": {"vector": {"type": "array", "items": {"type": "number"}}}},
        {"required": ["vector_b64"], "properties": {"vector_b64": {"type": "string", **_BASE64}}},
    ],
}
"""Of another version than the corpus's: how long it is is known where the migration is configured."""
_TYPED = {
    "op": "string",
    "chunk_id": "string",
    "doc_id": "string",
    "position": "integer",
    "text": "string",
    "embedding_version": "string",
    "content_hash": "string",
    "segment": "object",
    "event_time": "string",
    "deploy_id": "string",
    "upto": "object",
    "expected": "object",
    "vectors": "object",
    "migration_id": "string",
    "phase": "string",
    "from": "string",
    "to": "string",
}


def event_schema(limits: EventLimits | None = None, *, stamped: bool = False) -> Schema:
    """The schema of one native event.

    Args:
        limits: the bounds; by default those of a monitor without a dense leg.
        stamped: whether the source stamps records (Kafka does): then `event_time` may be left out.

    Returns:
        a JSON-serialisable schema: every valid event of it that is also within the rules named above decodes.
    """
    bounds = limits or EventLimits()
    properties: Schema = {name: {"type": [kind, "null"]} for name, kind in _TYPED.items()}
    properties["segment"] |= {"additionalProperties": {"type": ["string", "null"]}}
    properties["expected"] |= {"additionalProperties": {"type": ["string", "null"]}}
    properties["upto"] |= {"additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}}}
    properties["version"] = {"type": ["integer", "string", "array", "null"], **_version()}
    properties["op"] = {"enum": ["upsert", "delete", "deploy", "heartbeat", "embed", "migration"]}
    if bounds.dimension:
        properties |= {"vector": {"type": ["array", "string", "null"], "items": {"type": "number"}}}
        properties |= {"vector_b64": {"type": ["string", "null"], **_BASE64}}
    return {
        "$schema": DIALECT,
        "title": "Corpus-change event, native form",
        "description": "Null and absent are the same; unknown fields are ignored.",
        "type": "object",
        "required": ["op"],
        "properties": properties,
        "oneOf": [_operation(name, fields, stamped=stamped) for name, fields in _operations(bounds).items()],
    }


def _operations(limits: EventLimits) -> dict[str, tuple[Schema, tuple[str, ...]]]:
    """Operation -> (bounds of the fields it uses, the fields it needs)."""
    chunk_id = {"allOf": [_identifier(limits.id_bytes), {"not": {"pattern": f"^{DEPLOY_PREFIX}"}}]}
    natural = {"minimum": 0, "maximum": MAX_INTEGER}
    version = {**natural, **_spelt(), "minItems": 1, "maxItems": MOST_NUMBERS, "items": {**natural, **_spelt()}}
    upsert: Schema = {
        "chunk_id": chunk_id,
        "doc_id": _bounded(limits.id_bytes),
        "position": natural,
        "version": version,
        "text": {"type": "string", "maxLength": limits.text_bytes},
        "embedding_version": _bounded(limits.label_bytes),
        "content_hash": _bounded(limits.label_bytes),
        "segment": _attributes(limits),
    }
    label = _identifier(limits.label_bytes)
    upsert["vectors"] = {"maxProperties": MOST_VERSIONS, "additionalProperties": _VECTOR, "propertyNames": label}
    embed: Schema = {"chunk_id": chunk_id, "content_hash": label, "embedding_version": label}
    migration: Schema = {
        "migration_id": _identifier(limits.id_bytes),
        "phase": {"enum": list(STEPS)},
        "from": label,
        "to": label,
        "upto": _upto(limits),
    }
    deploy = {"deploy_id": _identifier(limits.id_bytes), "upto": _upto(limits), "expected": _attributes(limits)}
    return {
        "upsert": (upsert | _vector(limits.dimension), ("chunk_id", "text")),
        "delete": ({"chunk_id": chunk_id, "version": version}, ("chunk_id",)),
        "deploy": (deploy, ("deploy_id",)),
        "heartbeat": ({}, ()),
        "embed": (embed, ("chunk_id", "content_hash", "embedding_version")),
        "migration": (migration, ("migration_id", "phase", "from", "to")),
    }


def _operation(name: str, fields: tuple[Schema, tuple[str, ...]], *, stamped: bool) -> Schema:
    properties, required = fields
    time: Schema = {"pattern": f"^{PATTERN}$", **_not("[^0-9TtZz:.+-]"), "format": "date-time"}
    schema: Schema = {
        "properties": {
            "op": {"const": name},
            **properties,
            "event_time": time | ({} if stamped else {"type": "string"}),
        },
        "required": [*required, *([] if stamped else ["event_time"])],
    }
    if name == "embed":
        schema["anyOf"] = [
            {"required": ["vector"], "properties": {"vector": {"type": "array"}}},
            {"required": ["vector_b64"], "properties": {"vector_b64": {"type": "string"}}},
        ]
    if "vector" in properties or name == "embed":
        schema["not"] = {
            "required": ["vector", "vector_b64"],
            "properties": {"vector": {"type": ["array", "string"]}, "vector_b64": {"type": "string"}},
        }
    return schema


def _version() -> Schema:
    return {"items": {"type": ["integer", "string"]}}


def _spelt() -> Schema:
    """Bounds of a number of a version that is written as text."""
    return {"pattern": f"^(?:{'|'.join(NUMBER_PATTERNS)})$", **_not("\n")}


def _not(pattern: str) -> Schema:
    return {"not": {"type": "string", "pattern": pattern}}


def _bounded(most: int) -> Schema:
    """Bounds of an optional identifier; they say nothing about null."""
    return {"minLength": 1, "maxLength": most, **_not(f"[{FORBIDDEN}]")}


def _identifier(most: int) -> Schema:
    return {"type": "string", **_bounded(most)}


def _attributes(limits: EventLimits) -> Schema:
    return {
        "maxProperties": limits.attributes,
        "propertyNames": _bounded(limits.name_bytes),
        "additionalProperties": {"maxLength": limits.label_bytes, **_not(f"[{FORBIDDEN}]")},
    }


def _upto(limits: EventLimits) -> Schema:
    offsets = {
        "minProperties": 1,
        "maxProperties": limits.partitions,
        "propertyNames": {"pattern": "^(0|[1-9][0-9]{0,9})$", **_not("[^0-9]")},
        "additionalProperties": {"minimum": 0, "maximum": MAX_INTEGER},
    }
    return {
        "minProperties": 1,
        "maxProperties": limits.partitions,
        "propertyNames": _bounded(249),
        "additionalProperties": offsets,
    }


def _vector(dimension: int) -> Schema:
    """Bounds of the vector in both spellings: exactly d numbers, or the base64 of 4 d bytes."""
    if not dimension:
        return {}
    number = {"exclusiveMinimum": -FLOAT32_OVERFLOW, "exclusiveMaximum": FLOAT32_OVERFLOW}
    length = 4 * -(-4 * dimension // 3)
    padding = "=" * (-4 * dimension % 3)
    return {
        "vector": {
            "minItems": dimension,
            "maxItems": dimension,
            "items": number,
            "pattern": r"^\s*(?:\[[-+0-9.eE,\s]+\]|\{[-+0-9.eE,\s]+\})\s*$",
            "maxLength": MOST_CHARACTERS * dimension,
        },
        "vector_b64": {
            "minLength": length,
            "maxLength": length,
            "pattern": f"^[A-Za-z0-9+/]{{{length - len(padding)}}}{padding}$",
            "contentEncoding": "base64",
        },
    }
