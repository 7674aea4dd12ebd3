"""A Qdrant server as a command meets it: what is not there is one line, what cannot be modelled is UNKNOWN."""

import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
import qdrant_edge as edge

from monitor.core.model.events import CorpusEvent, Delete, Deploy, Upsert
from monitor.core.model.scoring import Distance
from tests.adapters.qdrant_serving import COUNT, INFO, QUERY, hang, status
from tests.commands import Commands, refused
from tests.corpora import DIMENSION, Shape, events, write_case, written
from tests.qdrant_engine import EngineCollection
from tests.qdrant_stub import QdrantStub

SEED = 7
SHAPE = Shape(chunks=60, deploys=2)
KEY = "a-secret-key"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[QdrantStub]:
    """The collection that the stream ends in."""
    monkeypatch.setenv("CORPUS_DRIFT_DENSE__API_KEY", KEY)
    made = QdrantStub(Distance.COSINE, DIMENSION, api_key=KEY)
    for event in events(SEED, SHAPE):
        if isinstance(event, Upsert) and event.chunk.vector is not None:
            chunk = event.chunk
            made.put(str(uuid5(NAMESPACE_URL, chunk.chunk_id)), event.chunk.vector, {"chunk_id": chunk.chunk_id})
    made.url = made.start()  # type: ignore[attr-defined] # for `configured`
    yield made
    made.stop()


def configured(folder: Path, stub: QdrantStub, *, shape: Shape = SHAPE, **fields: Any) -> Path:
    """A configuration that asks the stub."""
    dense: dict[str, Any] = {
        "engine": "server",
        "url": stub.url,  # type: ignore[attr-defined] # see the fixture
        "collection": "chunks",
        "chunk_id_field": "chunk_id",
        "timeout": 2.0,
    }
    lines = [f"{name} = {value!r}" for name, value in (dense | fields).items()]
    path = write_case(folder, seed=SEED, shape=shape)
    plain = path.read_text(encoding="utf-8")
    lines.append("ready_timeout = 0.0")  # this server is never written to
    path.write_text(plain.replace('engine = "embedded"', "\n".join(lines)), encoding="utf-8")
    return path


def test_a_server_that_has_what_is_configured(run: Commands, stub: QdrantStub, tmp_path: Path) -> None:
    config = configured(tmp_path, stub)
    said = run("check-config", "-c", config, "--connect")
    assert said.code == 0
    assert f"Qdrant 1.18.0, collection 'chunks': {DIMENSION} numbers, cosine, float32, quantization none" in said.out
    assert said.out.splitlines()[-1].startswith(f"{config}: ok, ")
    assert "note: " not in said.out
    stub.version, stub.status = "1.99.0", "grey"
    said = run("check-config", "-c", config, "--connect")
    assert said.code == 0
    assert "note: the server is Qdrant 1.99.0, expected 1.15 to 1.19 (tried: 1.18.0)" in said.out
    assert "note: the collection is grey" in said.out


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "key": ({"api_key": "another"}, {}, "dense.api_key is refused: HTTP 401: Invalid API key or JWT"),
    "collection": ({}, {"collection": "chunk"}, "dense.collection is not there: HTTP 404"),
    "vector": (
        {},
        {"vector_name": "text"},
        "no dense vector 'text': dense.vector_name, expected its unnamed one",
    ),
    "dimension": ({"params": {"size": 3}}, {}, f"has dimension 3, expected {DIMENSION}"),
}


@pytest.mark.parametrize("command", [("check-config", "--connect"), ("run", "--until-end")])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_there_is_one_line_at_once(
    run: Commands, stub: QdrantStub, tmp_path: Path, command: tuple[str, str], name: str
) -> None:
    fault, fields, words = WRONG[name]
    for attribute, value in fault.items():
        setattr(stub, attribute, value)
    said = run(command[0], "-c", configured(tmp_path, stub, **fields), command[1])
    lines = [line for line in said.err.splitlines() if line.startswith("corpus-drift: ")]
    assert said.code == 2
    assert len(lines) == 1
    assert words in lines[0]
    assert KEY not in said.err + said.out
    assert not [one for one in stub.sent if one.path.endswith(QUERY)]


@pytest.mark.parametrize(("fault", "reason"), [(hang, "deadline"), (status(503), "server_error")])
def test_a_server_that_does_not_answer_is_unknown(
    run: Commands, stub: QdrantStub, tmp_path: Path, fault: Any, reason: str
) -> None:
    stub.misbehave[INFO] = fault
    said = run("check-config", "-c", configured(tmp_path, stub), "--connect")
    assert said.code == 3
    assert f": UNKNOWN: {reason}: " in said.out
    assert ": ok" not in said.out


def test_vectors_that_cannot_be_modelled(run: Commands, stub: QdrantStub, tmp_path: Path) -> None:
    """Named by the check and by every report, and no list is asked for."""
    stub.datatype = "uint8"
    config = configured(tmp_path, stub)
    refused(run("check-config", "-c", config, "--connect"), 2, "stores vectors as uint8, which cannot be modelled")
    assert run("run", "-c", config, "--until-end").code == 0
    report = run("report", "-c", config, "--deploy", "d1", "--json").json()
    assert report["verdict"]["verdict"] == "unknown"
    said = report["verdict"]["reasons"]
    assert any("stores vectors as uint8, which cannot be modelled" in one for one in said), said
    dense = [one for one in report["measurements"] if one["leg"] == "dense"]
    assert [one for one in dense if one["value"] is not None] == []
    assert not [one for one in stub.sent if one.path.endswith(QUERY)]


def test_hidden_points_are_in_the_report_and_point_at_the_index(
    run: Commands, stub: QdrantStub, tmp_path: Path
) -> None:
    stub.hidden = set(sorted(stub.points, key=str)[:5])
    stub.misbehave[COUNT] = status(400, "Bad request: Exact search disabled!. Help: Set exact=false.")
    config = configured(tmp_path, stub)
    assert run("run", "-c", config, "--until-end").code == 0
    report = run("report", "-c", config, "--deploy", "d1", "--json").json()
    held = {one["metric"]: one for one in report["measurements"] if one["metric"].startswith("index_")}
    assert held["index_hidden_points"]["value"] == 5
    assert held["index_points_difference"]["value"] is None
    assert held["index_points_difference"]["reason"] == "index_rejected", "it can be reached"
    (index,) = [one for one in report["causes"] if one["cause"] == "INDEX"]
    assert any("5 points of the index are hidden from reads" in said for said in index["evidence"])


def test_no_server_to_connect_to(run: Commands, tmp_path: Path) -> None:
    said = run("check-config", "-c", write_case(tmp_path, shape=SHAPE), "--connect")
    assert said.code == 0
    assert "dense.engine = 'embedded': no server to connect to" in said.out


HYBRID: dict[str, Any] = {
    "prefetch": [
        {"query": "$vector", "using": "dense", "limit": 30},
        {"query": {"text": "$text", "model": "qdrant/bm25"}, "using": "bm25", "limit": 30},
    ],
    "query": {"fusion": "rrf"},
}
SPARSE = {**HYBRID, "prefetch": [HYBRID["prefetch"][0], {**HYBRID["prefetch"][1], "query": "$vector:bm25"}]}
SCORED = {"top1_score", "top1_score_drop", "gap", "gap_drop", "score_wasserstein"}
AGAINST_INDEX = {"ann_recall_ratio", "score_parity_ratio", "unexplained_churn_ratio"}


def followed(stub: QdrantStub, engine: EngineCollection, made: Sequence[CorpusEvent]) -> None:
    """The collection as production has it behind these events."""
    for event in made:
        if isinstance(event, Upsert) and event.chunk.vector is not None:
            point, payload = zlib.crc32(event.chunk.chunk_id.encode()), {"chunk_id": event.chunk.chunk_id}
            engine.put(point, event.chunk.vector, event.chunk.text, payload)
            stub.put(point, event.chunk.vector, payload)
        elif isinstance(event, Delete):
            point = zlib.crc32(event.chunk_id.encode())
            engine.delete(point)
            stub.points.pop(point, None)


def weighted(anchors: Path) -> None:
    """Each anchor with the weights that Qdrant's BM25 gives its words: a model such as SPLADE would bring its own."""
    lines = [json.loads(line) for line in anchors.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        made = edge.Bm25().embed_query(line["text"])
        line["query_vectors"] = {"bm25": {"indices": list(made.indices), "values": list(made.values)}}
    anchors.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_anchors_without_the_query_vector_that_is_asked_with(run: Commands, stub: QdrantStub, tmp_path: Path) -> None:
    config = configured(tmp_path, stub, query=json.dumps({"query": "$vector:splade", "using": "splade"}))
    said = "24 anchors have no query vector 'splade' (q0, q1, q2, ...), expected one in \"query_vectors\""
    for command in (("check-config", "-c", config), ("run", "-c", config, "--until-end")):
        refused(run(*command), 2, said)


@pytest.mark.parametrize("hybrid", [HYBRID, SPARSE], ids=["of the text", "of the anchor"])
def test_a_hybrid_query_is_judged_by_its_lists_and_never_by_scores(
    run: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hybrid: dict[str, Any]
) -> None:
    shape = Shape(chunks=120, deploys=2, anchors=40, incident=True)
    engine = EngineCollection(tmp_path / "shard", Distance.COSINE, DIMENSION)
    stub = QdrantStub(Distance.COSINE, DIMENSION, vector_name="dense", engine=engine)
    stub.url = stub.start()  # type: ignore[attr-defined] # for `configured`
    made = events(SEED, shape)
    first = next(at for at, event in enumerate(made) if isinstance(event, Deploy)) + 1
    try:
        fields = {"vector_name": "dense", "query": json.dumps(hybrid), "settle_seconds": 0.0}
        config = configured(tmp_path, stub, shape=shape, **fields)
        weighted(tmp_path / "anchors.jsonl")
        stream = tmp_path / "events.jsonl"
        for part in (made[:first], made):
            followed(stub, engine, part if part is not made else made[first:])
            stream.write_bytes(written(part))
            assert run("run", "-c", config, "--until-end").code == 0
        report = run("report", "-c", config, "--deploy", "d1", "--json").json()
        config.write_text(config.read_text().replace('"limit": 30', '"limit": 31'))
        other = run("run", "-c", config, "--until-end")
    finally:
        stub.stop()
        engine.close()
    dense = {(one["metric"], one["stat"]): one for one in report["measurements"]
             if (one["leg"], one["dimension"], one["segment"]) == ("dense", "all", "all")}  # fmt: skip
    assert report["verdict"]["verdict"] == "fail"
    assert dense["swaps", "mean"]["value"] > 1.0
    assert dense["kept_answers_ratio", "mean"]["value"] < 0.9
    for (metric, _), one in dense.items():
        if metric in SCORED | AGAINST_INDEX:
            assert (one["value"], one["reason"]) == (None, "fused_query"), one
    assert {metric for metric, _ in dense} >= AGAINST_INDEX | SCORED
    assert "INDEX" not in {of["cause"] for of in report["causes"]}
    assert other.code == 0
    now = run("report", "-c", config, "--json").json()
    assert any("search" in of for of in now["verdict"]["reasons"]), now["verdict"]


def test_a_collection_that_is_configured_otherwise_is_a_cause(run: Commands, tmp_path: Path) -> None:
    stub, made = QdrantStub(Distance.COSINE, DIMENSION), events(SEED, SHAPE)
    stub.url = stub.start()  # type: ignore[attr-defined] # for `configured`
    first = next(at for at, event in enumerate(made) if isinstance(event, Deploy)) + 1
    config, reports = configured(tmp_path, stub, settle_seconds=0.0), []
    try:
        for part, m in ((made[:first], 16), (made, 4)):
            stub.params = {"hnsw_config": {"m": m}}
            for event in made[:first] if part is not made else made[first:]:
                _applied(stub, event)
            (tmp_path / "events.jsonl").write_bytes(written(part))
            assert run("run", "-c", config, "--until-end").code == 0
            reports.append(run("report", "-c", config, "--json").json())
        card = run("explain", "-c", config, "--deploy", "d1", "--json").json()
        shown = run("explain", "-c", config, "--deploy", "d1")
    finally:
        stub.stop()
    changes = [one["value"] for one in reports[1]["measurements"] if one["metric"] == "index_config_changes"]
    assert changes == [1]
    assert "CONFIG" not in {of["cause"] for of in reports[0]["causes"]}
    (cause,) = [of for of in reports[1]["causes"] if of["cause"] == "CONFIG"]
    expected = "the index is configured otherwise: params.vectors.hnsw_config.m: baseline '16', now '4'"
    assert cause["evidence"] == [expected]
    assert expected in [said for of in card["causes"] for said in of["evidence"]]
    assert "CONFIG" in shown.out


def _applied(stub: QdrantStub, event: CorpusEvent) -> None:
    if isinstance(event, Upsert) and event.chunk.vector is not None:
        stub.put(zlib.crc32(event.chunk.chunk_id.encode()), event.chunk.vector, {"chunk_id": event.chunk.chunk_id})
    elif isinstance(event, Delete):
        stub.points.pop(zlib.crc32(event.chunk_id.encode()), None)


@pytest.mark.parametrize(("served", "field"), [("qdrant-sparse", "bm25"), ("qdrant-text", "text")])
def test_the_servers_own_lexical_index_is_held_against_the_maintained_lists(
    run: Commands, tmp_path: Path, served: str, field: str
) -> None:
    engine = EngineCollection(tmp_path / "shard", Distance.COSINE, DIMENSION)
    stub, made = QdrantStub(Distance.COSINE, DIMENSION, vector_name="dense", engine=engine), events(SEED, SHAPE)
    stub.url = stub.start()  # type: ignore[attr-defined] # for `configured`
    recalls = []
    try:
        followed(stub, engine, made)
        for lost in (False, True):
            folder = tmp_path / str(lost)
            folder.mkdir()
            config = configured(folder, stub, vector_name="dense", settle_seconds=0.0)
            lexical = f'[lexical]\nserved = "{served}"\nserved_field = "{field}"\n'
            config.write_text(config.read_text() + lexical)
            assert run("run", "-c", config, "--until-end").code == 0
            report = run("report", "-c", config, "--deploy", "d1", "--json").json()
            (found,) = [of for of in report["measurements"] if of["metric"] == "lexical_served_recall_ratio"]
            assert (found["leg"], found["n"], found["reason"]) == ("lexical", SHAPE.anchors, "")
            recalls.append(found["value"])
            for point in sorted(stub.points, key=str)[: len(stub.points) // 2]:
                engine.delete(int(point))  # the lexical index loses half of what it should have
    finally:
        stub.stop()
        engine.close()
    assert recalls[0] > 0.5
    assert recalls[1] < 0.8 * recalls[0]


@pytest.mark.parametrize(
    ("lexical", "said"),
    [
        ('served = "qdrant-text"', "lexical.served = 'qdrant-text' needs lexical.served_field"),
        ('served = "qdrant-text"\nserved_field = "x"\nenabled = false', "and lexical.enabled = false"),
    ],
)
def test_a_lexical_index_that_cannot_be_asked_is_said(run: Commands, tmp_path: Path, lexical: str, said: str) -> None:
    config = write_case(tmp_path, shape=SHAPE, extra=f"[lexical]\n{lexical}\n")
    found = run("check-config", "-c", config)
    assert found.code == 2
    assert said in found.err
    assert "lexical.served = 'qdrant-text' and dense.engine = 'embedded': expected 'server'" in found.err
