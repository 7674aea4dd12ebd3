"""Events for tests: valid ones of every form, and ways to spoil them."""

import base64
import json
from typing import Any

import numpy as np

from monitor.adapters.codecs.forms import FormOptions
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.core.model.events import CorpusEvent, Position, Record, Upsert

Headers = tuple[tuple[str, bytes], ...]
Hostile = tuple[str, bytes | None, bytes | None, Headers, str]
"""Name, key, value, headers, expected reason."""

LIMITS = EventLimits(dimension=4, value_bytes=262_144, text_bytes=65_536)
"""What the hostile inputs are hostile to; the dimension, and sizes that a test broker carries."""

OPTIONS = FormOptions(
    embedding_version="enc:tok:mean:l2:4:cosine",
    paths=FieldPaths(version="version", segments={"language": "language", "source": "meta.source"}, deleted="gone"),
    collection="docs",
    debezium_version="source.lsn",
)

TIME = "2026-08-19T10:12:00Z"
MICROS = 1_787_134_320_000_000
VECTOR = [0.5, -0.25, 0.125, 1.0]
B64 = base64.b64encode(np.array(VECTOR, "<f4").tobytes()).decode()

UPSERT: dict[str, Any] = {
    "op": "upsert",
    "chunk_id": "guide/auth.md#tokens",
    "doc_id": "guide/auth.md",
    "position": 3,
    "version": 41,
    "text": "tokens expire",
    "vector": VECTOR,
    "segment": {"source": "docs", "language": "en"},
    "event_time": TIME,
}
DELETE: dict[str, Any] = {"op": "delete", "chunk_id": "guide/auth.md#tokens", "version": 42, "event_time": TIME}
DEPLOY: dict[str, Any] = {"op": "deploy", "deploy_id": "2026-08-19.1", "event_time": TIME}
HEARTBEAT: dict[str, Any] = {"op": "heartbeat", "event_time": TIME}
ROW: dict[str, Any] = {
    "chunk_id": "a",
    "doc_id": "d",
    "text": "tokens expire",
    "vector": VECTOR,
    "language": "en",
    "meta": {"source": "docs"},
}
ENVELOPE: dict[str, Any] = {"before": None, "after": ROW, "op": "c", "ts_ms": MICROS // 1000, "source": {"lsn": 7}}
POINT: dict[str, Any] = {"collection_name": "docs", "id": 7, "vector": VECTOR, "payload": {**ROW, "event_time": TIME}}
CLOUD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/cms",
    "type": "corpus.chunk.upsert",
    "data": UPSERT,
}
CE: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1"),
    ("ce_source", b"/cms"),
    ("ce_type", b"corpus.chunk.upsert"),
)


def dumped(event: object) -> bytes:
    """An event as JSON bytes."""
    return json.dumps(event, ensure_ascii=False).encode()


def changed(base: dict[str, Any], **fields: object) -> bytes:
    """A valid event with some fields replaced."""
    return dumped({**base, **fields})


def without(base: dict[str, Any], *names: str) -> bytes:
    """A valid event with some fields missing."""
    return dumped({name: value for name, value in base.items() if name not in names})


def literal(base: dict[str, Any], name: str, token: bytes) -> bytes:
    """A valid event whose field is written as exactly these bytes."""
    return dumped({**base, name: "@@"}).replace(b'"@@"', token)


def packed(*numbers: float) -> str:
    """Numbers as base64 of little-endian float32."""
    return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()


def record(value: bytes | None, key: bytes | None = None, headers: Headers = ()) -> Record:
    """A record at some position."""
    return Record(Position("events", 0, 7), key, value, headers)


def same(left: CorpusEvent | None, right: CorpusEvent | None) -> bool:
    """Equality that looks into the vectors."""
    if not isinstance(left, Upsert) or not isinstance(right, Upsert):
        return left == right
    return repr(left) == repr(right)
