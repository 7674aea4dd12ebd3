"""The form of the Qdrant Kafka sink."""

import pytest

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.core.model.events import Delete, Upsert
from tests.adapters.codecs.forge import (
    LIMITS,
    MICROS,
    OPTIONS,
    POINT,
    VECTOR,
    changed,
    dumped,
    record,
)

PLAIN = FormOptions(paths=OPTIONS.paths)
SINK = decoder("qdrant-sink", OPTIONS, LIMITS)
UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("point", "chunk_id"),
    [
        (0, "0"),
        (2**64 - 1, str(2**64 - 1)),
        (UUID, UUID),
        (UUID.upper(), UUID),
        (UUID.replace("-", ""), UUID),
        ("urn:uuid:" + UUID, UUID),
    ],
)
def test_a_point_is_called_as_qdrant_returns_it(point: object, chunk_id: str) -> None:
    event = SINK.decode(record(changed(POINT, id=point)))
    assert isinstance(event, Upsert)
    assert event.chunk.chunk_id == chunk_id
    assert SINK.decode(record(None, str(point).encode())) == Delete(chunk_id, None, None)


def test_a_points_payload_is_the_chunk() -> None:
    event = SINK.decode(record(dumped(POINT)))
    assert isinstance(event, Upsert)
    assert (event.chunk.doc_id, event.chunk.text, event.chunk.event_time) == ("d", "tokens expire", MICROS)
    assert event.chunk.segment == (("language", "en"), ("source", "docs"))
    assert event.chunk.vector is not None


def test_a_chunk_id_may_be_a_payload_key() -> None:
    decode = decoder("qdrant-sink", FormOptions(paths=OPTIONS.paths, sink_chunk_id="chunk_id"), LIMITS).decode
    event = decode(record(dumped(POINT)))
    assert isinstance(event, Upsert)
    assert event.chunk.chunk_id == "a"
    assert decode(record(None, b'{"chunk_id": "a"}')) == Delete("a", None, None)


def test_named_vectors_are_chosen_by_name() -> None:
    vectors = {"dense.v1": VECTOR, "other": [1.0], "sparse": {"indices": [1], "values": [0.5]}}
    decode = decoder("qdrant-sink", FormOptions(paths=OPTIONS.paths, vector_name="dense.v1"), LIMITS).decode
    event = decode(record(changed(POINT, vector=vectors)))
    assert isinstance(event, Upsert)
    assert event.chunk.vector is not None
    assert event.chunk.vector.tolist() == VECTOR


def test_another_collection_is_not_ours_even_when_it_is_wrong() -> None:
    assert SINK.decode(record(dumped({"collection_name": "other", "id": -5}))) is None
    anything = decoder("qdrant-sink", PLAIN, LIMITS).decode(record(changed(POINT, collection_name="other")))
    assert isinstance(anything, Upsert)
