"""Corpus events to the native wire form of docs/events.md: what a producer writes and its decoder reads."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import numpy as np

from monitor.core.model.events import CorpusEvent, Delete, Deploy, Heartbeat, Upsert, Version

DEPLOY_KEY = "__deploy__/"
_NUMBER_END = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def native(event: CorpusEvent) -> tuple[bytes, bytes]:
    """Key and value of one event: compact JSON, vectors as base64 of little-endian float32, times in RFC 3339.

    The key is the chunk id, for a deploy marker `__deploy__/<id>`, for a heartbeat empty.
    """
    if isinstance(event, Upsert):
        return event.chunk.chunk_id.encode(), _value(_upsert(event))
    if isinstance(event, Delete):
        delete = {"op": "delete", "chunk_id": event.chunk_id, "version": _version(event.version)}
        return event.chunk_id.encode(), _value({**delete, "event_time": _stamp(event.event_time)})
    if isinstance(event, Heartbeat):
        return b"", _value({"op": "heartbeat", "event_time": _stamp(event.event_time)})
    return f"{DEPLOY_KEY}{event.deploy_id}".encode(), _value(_deploy(event))


def _upsert(event: Upsert) -> dict[str, object]:
    chunk = event.chunk
    encoded = None
    if chunk.vector is not None:
        encoded = b64encode(np.ascontiguousarray(chunk.vector, "<f4").tobytes()).decode()
    return {
        "op": "upsert",
        "chunk_id": chunk.chunk_id,
        "doc_id": chunk.doc_id,
        "position": chunk.ordinal,
        "version": _version(event.version),
        "text": chunk.text,
        "vector_b64": encoded,
        "embedding_version": chunk.embedding_version,
        "segment": dict(chunk.segment),
        "content_hash": chunk.content_hash,
        "event_time": _stamp(chunk.event_time),
    }


def _version(version: Version | None) -> object:
    """As JSON: a number, digits where it is larger than what other programs read exactly, or a list of these."""
    if isinstance(version, tuple):
        return [_version(number) for number in version]
    return version if version is None or version < _NUMBER_END else str(version)


def _deploy(event: Deploy) -> dict[str, object]:
    upto: dict[str, dict[str, int]] = {}
    for (topic, partition), offset in sorted(event.upto.items()):
        upto.setdefault(topic, {})[str(partition)] = offset
    return {
        "op": "deploy",
        "deploy_id": event.deploy_id,
        "event_time": _stamp(event.event_time),
        "upto": upto or None,
        "expected": dict(event.expected) or None,
    }


def _value(fields: dict[str, object]) -> bytes:
    """JSON of the fields that are there."""
    present = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _stamp(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
