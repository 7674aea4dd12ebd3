"""Records of frameworks and of those who write no time, read by the decoder that a configuration file makes."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.app.configuration import load
from monitor.app.wiring.sources import build_decoder
from monitor.core.model.events import MalformedEvent, Position, Record, Upsert
from monitor.ports import Decoder

POINT = "7b8a3c1e-52a4-4f0b-9a1c-1d2e3f405162"
NODE = {
    "id_": POINT,
    "text": "rotate the signing key",
    "start_char_idx": 12,
    "relationships": {"1": {"node_id": "d-1"}},
}
PAYLOADS: dict[str, dict[str, Any]] = {
    "langchain": {"page_content": "rotate the signing key", "metadata": {"source": "d-1", "start_index": 12}},
    "llamaindex": {"_node_content": json.dumps(NODE), "_node_type": "TextNode", "ref_doc_id": "d-1"},
    "haystack": {"id": "f3a1", "content": "rotate the signing key", "meta": {"source_id": "d-1", "split_id": 12}},
}


def made(folder: Path, source: str, *, dense: str = 'engine = "none"') -> Decoder:
    config = folder / "c.toml"
    config.write_text(
        f'[corpus]\nembedding_version = "m:1"\ndimension = 2\n[source]\n{source}\n'
        f'[source.file]\npath = "events.jsonl"\n[anchors]\npath = "anchors.jsonl"\n[dense]\n{dense}\n'
    )
    return build_decoder(load(config, {}), 2, "m:1")


def read(decoder: Decoder, value: object) -> Upsert:
    event = decoder.decode(Record(Position("t", 0, 0), None, json.dumps(value).encode()))
    assert isinstance(event, Upsert)
    return event


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_preset_reads_points_and_plain_rows(tmp_path: Path, name: str) -> None:
    ingest = f'missing_event_time = "ingest"\nfields = {{ preset = "{name}", vector_name = "text" }}'
    point = {"collection_name": "docs", "id": POINT, "vector": {"text": [0.5, 1]}, "payload": PAYLOADS[name]}
    event = read(made(tmp_path, f'format = "qdrant-sink"\n{ingest}'), point)
    chunk = event.chunk
    assert chunk.chunk_id == ("f3a1" if name == "haystack" else POINT)
    assert (chunk.doc_id, chunk.ordinal, chunk.text) == ("d-1", 12, "rotate the signing key")
    assert chunk.vector is not None
    row = {"id": POINT, **PAYLOADS[name], "vector": [0.5, 1]}
    assert read(made(tmp_path, f'format = "fields"\n{ingest}'), row).chunk.doc_id == "d-1"


def test_what_is_stated_goes_before_the_preset(tmp_path: Path) -> None:
    stated = 'format = "fields"\nfields = { preset = "langchain", doc_id = "metadata.path", event_time = "at" }'
    row = {"id": "a", "page_content": "t", "metadata": {"path": "p.md", "source": "s"}, "at": 5}
    event = read(made(tmp_path, stated), row)
    assert (event.chunk.doc_id, event.chunk.event_time, event.undated) == ("p.md", 5_000, False)


def test_a_row_without_document_and_place_has_them_by_its_id(tmp_path: Path) -> None:
    decoder = made(tmp_path, 'format = "fields"')
    found = [read(decoder, {"chunk_id": name, "text": "t", "event_time": 5}).chunk for name in ("a.md#b", "a.md")]
    assert [(chunk.doc_id, chunk.ordinal) for chunk in found] == [("a.md", 0), ("a.md", 0)]


def test_only_a_declared_fallback_dates_an_event_when_it_is_read(tmp_path: Path) -> None:
    row = {"chunk_id": "a", "text": "t"}
    event = read(made(tmp_path, 'format = "fields"\nmissing_event_time = "ingest"'), row)
    assert event.undated
    assert event.chunk.event_time > 1_700_000_000_000_000
    with pytest.raises(
        MalformedEvent, match=r"missing_field: event_time: absent.*source.missing_event_time = 'ingest'"
    ):
        read(made(tmp_path, 'format = "fields"'), row)


def test_chunk_ids_that_are_point_ids_are_spelt_as_the_server_does(tmp_path: Path) -> None:
    row = {"chunk_id": POINT.upper().replace("-", ""), "text": "t", "event_time": 5}
    server = 'engine = "server"\nurl = "http://localhost:6333"\ncollection = "docs"'
    assert read(made(tmp_path, 'format = "fields"', dense=server), row).chunk.chunk_id == POINT
    by_field = made(tmp_path, 'format = "fields"', dense=f'{server}\nchunk_id_field = "id"')
    assert read(by_field, row).chunk.chunk_id == row["chunk_id"]
