"""Corpus events as other systems write them: CloudEvents, Debezium envelopes, Qdrant points, tombstones."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from zlib import crc32

from confluent_kafka import Producer

from monitor.adapters.native_form import native
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import CorpusEvent, Delete, Deploy, Upsert

DIMENSION = 4
"""Of the vectors, as the hostile inputs expect it."""
VERSION = "enc:tok:mean:l2:4:cosine"
COLLECTION = "docs"
FIELDS = f"""version = "version"
segments = {{ language = "language", source = "meta.source" }}
deleted = "gone"
collection = "{COLLECTION}"
sink_chunk_id = "chunk_id"
debezium_version = "source.lsn"
"""
"""Section source.fields for the rows written here; the hostile inputs are hostile to it too."""

TIME = 1_787_134_320_000
"""Of records that have no time of their own."""
Headers = list[tuple[str, bytes]]


class Wire(NamedTuple):
    """A record to be written; its time is in milliseconds."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    time: int = TIME


def shortened(events: Sequence[CorpusEvent]) -> list[CorpusEvent]:
    """The events of `tests.corpora` with vectors of `DIMENSION` numbers."""
    return [
        replace(event, chunk=replace(event.chunk, vector=_cut(event.chunk.vector), embedding_version=VERSION))
        if isinstance(event, Upsert)
        else event
        for event in events
    ]


def shortened_anchors(anchors: Sequence[Anchor]) -> list[Anchor]:
    """The anchors for `shortened` events."""
    return [replace(anchor, vector=_cut(anchor.vector), embedding_version=VERSION) for anchor in anchors]


def _cut(vector: Any) -> Any:
    return vector[:DIMENSION].copy()


def as_native(event: CorpusEvent) -> list[Wire]:
    """The native form."""
    return [Wire(*native(event), [])]


def as_structured(event: CorpusEvent) -> list[Wire]:
    """A CloudEvent that holds the native form."""
    key, value = native(event)
    envelope = {
        "specversion": "1.0",
        "id": key.decode(),
        "source": "/cms",
        "type": "corpus.chunk",
        "data": json.loads(value),
    }
    return [Wire(key, _json(envelope), [("content-type", b"application/cloudevents+json")])]


def as_binary(event: CorpusEvent) -> list[Wire]:
    """A CloudEvent whose attributes are headers."""
    key, value = native(event)
    names = {"specversion": b"1.0", "id": key, "source": b"/cms", "type": b"corpus.chunk"}
    headers = [(f"ce_{name}", text) for name, text in names.items()]
    return [Wire(key, value, [*headers, ("content-type", b"application/json")])]


def as_change(event: CorpusEvent) -> list[Wire]:
    """A Debezium envelope; behind a delete its tombstone. What is no row is written natively."""
    if isinstance(event, Upsert):
        envelope: dict[str, Any] = {"before": None, "after": _row(event), "op": "cur"[event.chunk.ordinal % 3]}
        key = event.chunk.chunk_id
    elif isinstance(event, Delete):
        envelope = {"before": {"chunk_id": event.chunk_id}, "after": None, "op": "d"}
        key = event.chunk_id
    else:
        return as_native(event)
    envelope |= {"ts_ms": _time(event), "source": {"lsn": event.version}}
    change = Wire(_json({"chunk_id": key}), _json({"schema": {}, "payload": envelope}), [])
    return [change, change._replace(value=None)] if isinstance(event, Delete) else [change]


def as_point(event: CorpusEvent) -> list[Wire]:
    """A point of the Qdrant sink; it knows no deletes but tombstones."""
    if not isinstance(event, Upsert):
        return as_tombstone(event)
    row = _row(event)
    point = {"collection_name": COLLECTION, "id": event.version, "vector": row.pop("vector"), "payload": row}
    foreign = {**point, "collection_name": "somebody-else"}
    key = event.chunk.chunk_id.encode()
    return [Wire(key, _json(one), []) for one in (foreign, point)]


def as_tombstone(event: CorpusEvent) -> list[Wire]:
    """A delete without a value; the rest natively."""
    if isinstance(event, Delete):
        return [Wire(event.chunk_id.encode(), None, [])]
    return as_native(event)


FORMS: tuple[Callable[[CorpusEvent], list[Wire]], ...] = (
    as_native,
    as_structured,
    as_binary,
    as_change,
    as_point,
    as_tombstone,
)


def mixed(event: CorpusEvent, turn: int) -> list[Wire]:
    """The event in the `turn`-th form; all events of a chunk may be of different forms."""
    return FORMS[turn % len(FORMS)](event)


def partitioned(
    events: Sequence[CorpusEvent], partitions: int, form: Callable[[CorpusEvent, int], list[Wire]]
) -> list[list[Wire]]:
    """Records by partition: by chunk, and a copy of each deploy marker in every partition."""
    made: list[list[Wire]] = [[] for _ in range(partitions)]
    for turn, event in enumerate(events):
        places = range(partitions) if isinstance(event, Deploy) else [crc32(native(event)[0]) % partitions]
        for place in places:
            made[place] += [one._replace(time=_time(event)) for one in form(event, turn)]
    return made


def written(bootstrap: str, topic: str, partitions: Sequence[Sequence[Wire]]) -> None:
    """Append records; returns when the broker has them."""
    failed: list[Any] = []
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "log_level": 0})
    for partition, records in enumerate(partitions):
        for one in records:
            producer.produce(
                topic,
                one.value,
                one.key,
                partition,
                headers=dict(one.headers),
                timestamp=one.time,
                on_delivery=lambda error, _message: failed.append(error) if error else None,
            )
    assert producer.flush(30) == 0
    assert not failed, failed[0]


def _row(event: Upsert) -> dict[str, Any]:
    chunk = event.chunk
    assert chunk.vector is not None
    return {
        "chunk_id": chunk.chunk_id,
        "doc_id": chunk.doc_id,
        "position": chunk.ordinal,
        "version": event.version,
        "text": chunk.text,
        "vector": chunk.vector.tolist(),
        "language": dict(chunk.segment)["language"],
        "meta": {"source": dict(chunk.segment)["source"]},
        "event_time": chunk.event_time // 1_000,
    }


def _time(event: CorpusEvent) -> int:
    stamp = event.chunk.event_time if isinstance(event, Upsert) else event.event_time
    assert stamp is not None
    return stamp // 1_000


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
