"""`explain --fix jsonl` and `/api/v1/fixes`: what a pipeline does to a collection that missed deletes."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.web.page.card import card_of
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor, serving
from monitor.core.model.events import text_hash
from monitor.core.model.scoring import Distance
from tests import corpora, erasures
from tests.adapters.sources.qdrant.cases import point
from tests.commands import Commands
from tests.e2e.program import fetched
from tests.qdrant_stub import QdrantStub

ENGINE = """engine = "server"
url = "{url}"
collection = "chunks"
chunk_id_field = "chunk_id"
content_hash_field = "hash"
settle_seconds = 0
ready_timeout = 0"""  # what the collection misses is what this is about: nothing to wait for


def put(stub: QdrantStub, world: corpora.World, chunk_id: str, text: str) -> None:
    vector = world.vector(text)
    assert vector is not None
    stub.put(point(chunk_id), vector, {"chunk_id": chunk_id, "hash": text_hash(text)})


def test_a_pipeline_applies_it_and_it_is_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, world, texts = Commands(capsys), erasures.world(), erasures.texts()
    stub = QdrantStub(Distance.COSINE, corpora.DIMENSION)
    for name, text in texts.items():
        put(stub, world, name, text)
    url = stub.start()
    try:
        engine = ENGINE.format(url=url)
        config = erasures.write_erasures(tmp_path, engine=engine, deploys=1)
        assert run("run", "-c", config, "--until-end").code == 0
        put(stub, world, "doc3#0", f"{texts['doc3#0']} word01 word02")  # somebody wrote it, and no event tells of it
        erasures.write_erasures(tmp_path, engine=engine)  # deletes, which the collection misses
        assert run("run", "-c", config, "--until-end").code == 0
        said = run("explain", "-c", config, "--deploy", "d1", "--fix", "jsonl")
        fixes: list[dict[str, Any]] = [json.loads(line) for line in said.out.splitlines()]
        kinds = {(fix["action"], fix["reason"]) for fix in fixes}
        assert kinds == {("delete", "deleted"), ("write", "other_content")}
        assert {fix["chunk_id"] for fix in fixes if fix["action"] == "write"} == {"doc3#0"}
        configuration = load(config, {})
        with open_monitor(configuration) as monitor, serving(configuration, monitor) as address:
            code, reply = fetched(f"{address}/api/v1/fixes?deploy=d1")
            assert (code, [json.loads(line) for line in reply.splitlines()]) == (200, fixes)
            assert fetched(f"{address}/api/v1/fixes?deploy=never")[0] == 404
        assert "--fix jsonl names them" in run("explain", "-c", config, "--deploy", "d1").out
        card = card_of(run("explain", "-c", config, "--deploy", "d1", "--json").json())
        assert (len(card.fixes), card.more_fixes) == (min(20, len(fixes)), max(0, len(fixes) - 20))
        for fix in fixes:
            if fix["action"] == "delete":
                del stub.points[point(fix["chunk_id"])]
            else:
                put(stub, world, fix["chunk_id"], texts[fix["chunk_id"]])
        assert run("run", "-c", config, "--until-end", "--deploy", "d2").code == 0
        assert run("explain", "-c", config, "--deploy", "d2", "--fix", "jsonl").out == ""
    finally:
        stub.stop()
