"""Corpus events to the native wire form of docs/events.md: what a producer writes and its decoder reads."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import (
    CorpusEvent,
    Delete,
    Deploy,
    Embed,
    Heartbeat,
    MigrationMarker,
    Partition,
    Upsert,
    Version,
)

DEPLOY_KEY = "__deploy__/"
_NUMBER_END = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def native(event: CorpusEvent) -> tuple[bytes, bytes]:
    """Key and value of one event: compact JSON, vectors as base64 of little-endian float32, times in RFC 3339.

    The key is the chunk id, for a deploy marker `__deploy__/<id>`, for a migration's `__deploy__/<id>/<phase>`, for a
    heartbeat empty.
    """
    if isinstance(event, Upsert):
        return event.chunk.chunk_id.encode(), _value(_upsert(event))
    if isinstance(event, Delete):
        delete = {"op": "delete", "chunk_id": event.chunk_id, "version": _version(event.version)}
        return event.chunk_id.encode(), _value({**delete, "event_time": _stamp(event.event_time)})
    if isinstance(event, Heartbeat):
        return b"", _value({"op": "heartbeat", "event_time": _stamp(event.event_time)})
    if isinstance(event, Embed):
        return event.chunk_id.encode(), _value(_embed(event))
    if isinstance(event, MigrationMarker):
        return f"{DEPLOY_KEY}{event.migration_id}/{event.step}".encode(), _value(_migration(event))
    return f"{DEPLOY_KEY}{event.deploy_id}".encode(), _value(_deploy(event))


def _upsert(event: Upsert) -> dict[str, object]:
    chunk = event.chunk
    vectors = {version: {"vector_b64": _base64(vector)} for version, vector in (chunk.vectors or {}).items()}
    return {
        "op": "upsert",
        "chunk_id": chunk.chunk_id,
        "doc_id": chunk.doc_id,
        "position": chunk.ordinal,
        "version": _version(event.version),
        "text": chunk.text,
        "vector_b64": None if chunk.vector is None else _base64(chunk.vector),
        "vectors": vectors or None,
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


def _embed(event: Embed) -> dict[str, object]:
    return {
        "op": "embed",
        "chunk_id": event.chunk_id,
        "content_hash": event.content_hash,
        "embedding_version": event.embedding_version,
        "vector_b64": _base64(event.vector),
        "event_time": _stamp(event.event_time),
    }


def _migration(event: MigrationMarker) -> dict[str, object]:
    return {
        "op": "migration",
        "migration_id": event.migration_id,
        "phase": event.step,
        "from": event.old,
        "to": event.new,
        "event_time": _stamp(event.event_time),
        "upto": _offsets(event.upto),
    }


def _deploy(event: Deploy) -> dict[str, object]:
    return {
        "op": "deploy",
        "deploy_id": event.deploy_id,
        "event_time": _stamp(event.event_time),
        "upto": _offsets(event.upto),
        "expected": dict(event.expected) or None,
    }


def _offsets(upto: Mapping[Partition, int]) -> dict[str, dict[str, int]] | None:
    """Next offsets by topic and partition; None for none."""
    made: dict[str, dict[str, int]] = {}
    for (topic, partition), offset in sorted(upto.items()):
        made.setdefault(topic, {})[str(partition)] = offset
    return made or None


def _base64(vector: NDArray[np.float32]) -> str:
    return b64encode(np.ascontiguousarray(vector, "<f4").tobytes()).decode()


def _value(fields: dict[str, object]) -> bytes:
    """JSON of the fields that are there."""
    present = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _stamp(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
