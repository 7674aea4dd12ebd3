"""What we write in the native form, our own decoder reads back unchanged."""

import json

import numpy as np
import pytest

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.native_form import native
from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Deploy,
    Embed,
    Heartbeat,
    MigrationMarker,
    Partition,
    Position,
    Record,
    Upsert,
)

NOW = 1_788_000_000_123_456
TEXT = 'naïve 入門 \n "quoted" \U0001f600'
EVENTS: list[CorpusEvent] = [
    Delete("a/b.md#x", NOW, 7),
    Delete("a/b.md#x", NOW),
    Deploy("2026-08-19.1", NOW, {}),
    Deploy("d", NOW, {Partition("t", 1): 9, Partition("t", 0): 3}, (("source", "docs"),)),
    Heartbeat(NOW),
    MigrationMarker("m 1", "begin", "v:1", "v:2", NOW, {}),
    MigrationMarker("m 1", "cutover", "v:1", "v:2", NOW, {Partition("t", 1): 9}),
]


def back(event: CorpusEvent) -> CorpusEvent | None:
    key, value = native(event)
    return decoder("native", FormOptions("v:1", versions=("v:2",)), EventLimits(dimension=3)).decode(
        Record(Position("t", 0, 0), key, value)
    )


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_events_survive_the_round_trip(event: CorpusEvent) -> None:
    assert back(event) == event


def test_an_upsert_survives_to_the_bit() -> None:
    vector = np.array([0.1, -1e-30, 3e8], np.float32)
    segment = (("language", "de"), ("source", "docs"))
    sent = Upsert(Chunk("ü#1", "doc", 3, TEXT, vector, "v:1", segment, NOW, "their own hash"), 41)
    got = back(sent)
    assert isinstance(got, Upsert)
    assert got.version == 41
    for field in (
        "chunk_id",
        "doc_id",
        "ordinal",
        "text",
        "embedding_version",
        "segment",
        "event_time",
        "content_hash",
    ):
        assert getattr(got.chunk, field) == getattr(sent.chunk, field)
    assert got.chunk.vector is not None
    np.testing.assert_array_equal(got.chunk.vector, vector)


def test_keys_follow_the_contract() -> None:
    assert native(Deploy("9", NOW, {}))[0] == b"__deploy__/9"
    assert native(Delete("x", None))[0] == b"x"
    assert json.loads(native(Delete("x", None))[1]) == {"op": "delete", "chunk_id": "x"}
    chunk = Chunk("x", "d", 0, "t", None, "v", (), 0, "h")
    assert "vector_b64" not in json.loads(native(Upsert(chunk))[1])
    assert json.loads(native(Upsert(chunk))[1])["event_time"] == "1970-01-01T00:00:00Z"


def test_vectors_of_a_second_version_survive_to_the_bit() -> None:
    vector = np.array([0.1, -1e-30], np.float32)
    sent = Upsert(Chunk("a", "a", 0, TEXT, None, "v:1", (), NOW, "h", {"v:2": vector}))
    got = back(sent)
    assert isinstance(got, Upsert)
    assert got.chunk.vector is None
    assert got.chunk.vectors is not None
    assert got.chunk.vectors["v:2"].tobytes() == vector.tobytes()
    written = back(Embed("a", "h", "v:2", vector, NOW))
    assert isinstance(written, Embed)
    assert (written.chunk_id, written.content_hash, written.embedding_version, written.event_time) == (
        "a",
        "h",
        "v:2",
        NOW,
    )
    assert written.vector.tobytes() == vector.tobytes()
