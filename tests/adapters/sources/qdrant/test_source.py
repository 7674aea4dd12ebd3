"""The collection as the stream: what a look finds, what it never concludes, and where it goes on."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.adapters.sources.qdrant.source import QdrantSource
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor
from monitor.ports import ConfigurationError, UnreachableError
from tests import corpora
from tests.adapters.openai_serving import numbers
from tests.adapters.openai_serving import serving as embedding
from tests.adapters.qdrant_serving import SCROLL, status
from tests.adapters.sources.qdrant.cases import (
    KEY,
    SECTION,
    Collection,
    configured,
    filled,
    known,
    looked,
    point,
    serving,
    to_the_end,
)
from tests.qdrant_stub import Handler, Json


@pytest.fixture
def collection() -> Collection:
    return filled()


@pytest.fixture
def config(collection: Collection, tmp_path: Path) -> Iterator[Path]:
    with serving(collection) as url:
        yield configured(tmp_path, url)


def changed(collection: Collection) -> None:
    """One chunk with another text, one gone, one new."""
    collection.put("doc0#0", "word01 word02 word03")
    collection.drop("doc1#1")
    collection.put("new#0", "word33 word34")


def test_a_look_fills_the_table_and_is_a_deploy(collection: Collection, config: Path) -> None:
    looked(config)
    found = known(config)
    assert found.texts == collection.texts()
    assert len(found.deploys) == 1
    assert found.counters["events", "upsert", "new"] == 60
    assert {one.method + one.path for one in collection.stub.sent} == {
        "GET/collections/chunks",
        "POST/collections/chunks/points/scroll",
    }, "read only"


def test_the_next_look_says_only_what_changed(collection: Collection, config: Path) -> None:
    looked(config)
    changed(collection)
    looked(config)
    found = known(config)
    assert found.texts == collection.texts()
    assert len(found.deploys) == 2
    assert found.verdicts[1] == "pass"
    counters = found.counters
    outcomes = {key[1:]: counters[key] for key in counters if key[0] == "events" and key[1] != "deploy"}
    assert outcomes == {
        ("upsert", "new"): 61,
        ("upsert", "modified"): 1,
        ("delete", "deleted"): 1,
    }


def test_a_look_that_finds_nothing_new_is_no_deploy(collection: Collection, config: Path) -> None:
    looked(config)
    before = known(config)
    looked(config)
    assert known(config) == before


def test_another_vector_alone_is_a_change_and_last_bits_are_none(collection: Collection, config: Path) -> None:
    looked(config)
    vector, payload = collection.stub.points[point("doc0#0")]
    collection.stub.points[point("doc0#0")] = (np.nextafter(vector, np.float32(2.0)), payload)
    looked(config)
    assert len(known(config).deploys) == 1
    collection.stub.put(point("doc0#0"), -vector, payload)
    looked(config)
    assert known(config).counters["events", "upsert", "modified"] == 1
    assert len(known(config).deploys) == 2


def test_point_ids_of_both_kinds_are_chunk_ids(tmp_path: Path) -> None:
    made = filled()
    texts = {}
    for at, (vector, payload) in enumerate(list(made.stub.points.values())):
        place: int | str = 2**63 + at if at % 2 else point(str(at))
        made.stub.put(place, vector, {key: of for key, of in payload.items() if key != "chunk_id"})
        texts[str(place)] = payload["text"]
    for place in [one for one in made.stub.points if str(one) not in texts]:
        del made.stub.points[place]
    with serving(made) as url:
        config = configured(tmp_path, url, SECTION.replace('chunk_id_field = "chunk_id"\n', ""))
        looked(config)
        assert known(config).texts == texts
        gone = [*made.stub.points][:2]
        for place in gone:
            del made.stub.points[place]
        looked(config)
        assert known(config).texts.keys() == texts.keys() - {str(place) for place in gone}


FORMS = {
    "langchain": {"page_content": "{text}", "metadata": {"source": "{doc}", "start_index": 3}},
    "llamaindex": {"_node_content": '{{"text": "{text}", "start_char_idx": 3}}', "ref_doc_id": "{doc}"},
    "haystack": {"id": "{id}", "content": "{text}", "meta": {"source_id": "{doc}", "split_id": 3}},
}


def filled_in(form: Json, values: dict[str, str]) -> Json:
    if isinstance(form, dict):
        return {key: filled_in(of, values) for key, of in form.items()}
    return form.format_map(values) if isinstance(form, str) else form


@pytest.mark.parametrize("preset", FORMS)
def test_payloads_of_frameworks_are_read(preset: str, tmp_path: Path) -> None:
    made = filled()
    texts = {}
    for name, (vector, payload) in list(made.stub.points.items()):
        values = {"id": f"h-{name}", "doc": payload["doc_id"], "text": payload["text"]}
        made.stub.put(name, vector, filled_in(FORMS[preset], values))
        texts[values["id"] if preset == "haystack" else str(name)] = payload["text"]
    section = SECTION.replace('chunk_id_field = "chunk_id"\n', "")
    section = section.split("[source.fields]")[0] + f'[source.fields]\npreset = "{preset}"\n'
    with serving(made) as url:
        config = configured(tmp_path, url, section)
        looked(config)
        assert known(config).texts == texts
        with open_monitor(load(config, {})) as monitor:
            row = next(iter(monitor.parts.corpus.rows()))
            assert (row.doc_id.startswith("doc"), row.ordinal) == (True, 3)


def test_a_named_vector_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    made = filled(vector_name="text")
    with serving(made) as url:
        section = SECTION.replace("page =", 'vector_name = "text"\npage =')
        config = configured(tmp_path, url, section)
        looked(config)
        assert known(config).texts == made.texts()
        with open_monitor(load(config, {})) as monitor:
            assert np.linalg.norm(monitor.parts.corpus.vectors[:60], axis=1) == pytest.approx(1.0)


def test_texts_alone_where_the_dense_leg_is_off(tmp_path: Path) -> None:
    made = filled()
    with serving(made) as url:
        config = configured(tmp_path, url)
        text = config.read_text().replace('engine = "embedded"', 'engine = "none"')
        rules = text.index("[[policy.rule]]"), text.index("[anchors]")
        config.write_text(text[: rules[0]].replace("defaults = false\n", "") + text[rules[1] :])
        looked(config)
        assert known(config).texts == made.texts()
        pages = [one.body for one in made.stub.sent if one.path.endswith("/scroll")]
        assert {page["with_vector"] for page in pages} == {False}


# ---------------------------------------------------------------- while points change


def meanwhile(collection: Collection, at: int, action: Any) -> None:
    """Do something before the page of this number is answered."""
    pages = iter(range(10_000))

    def answer(handler: Handler, result: Json) -> None:
        if next(pages) == at:
            action()
            del collection.stub.misbehave[SCROLL]
            result = collection.stub.answer("POST", SCROLL, collection.stub.sent[-1].body)
        handler.reply(200, {"result": result, "status": "ok", "time": 0.0})

    collection.stub.misbehave[SCROLL] = answer


def test_a_chunk_that_moves_to_a_place_already_passed_is_not_deleted(collection: Collection, config: Path) -> None:
    """An ingestion job that writes a chunk again under a new point id: the scan meets neither of the two."""
    looked(config)
    last = max(point(name) for name in collection.texts().keys() & {"doc0#0", "doc1#0", "doc2#0", "doc3#0"})
    name = next(one for one in collection.texts() if point(one) == last)

    def move() -> None:
        collection.stub.points["00000000-0000-0000-0000-000000000001"] = collection.stub.points.pop(last)

    meanwhile(collection, 1, move)
    looked(config)
    found = known(config)
    assert name in found.texts
    assert found.texts == collection.texts()


def test_a_chunk_deleted_behind_the_scan_goes_with_the_next_look(collection: Collection, config: Path) -> None:
    looked(config)
    first = min(collection.texts(), key=point)
    meanwhile(collection, 2, lambda: collection.drop(first))
    looked(config)
    assert first in known(config).texts, "the point was there when it was seen"
    looked(config)
    assert known(config).texts == collection.texts()


def test_two_points_for_one_chunk_do_not_flap(
    collection: Collection, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vector, payload = collection.stub.points[point("doc0#0")]
    collection.stub.put("ffffffff-ffff-ffff-ffff-ffffffffffff", -vector, {**payload, "text": "word70 word71"})
    looked(config)
    looked(config)
    assert len(known(config).deploys) == 1
    assert known(config).texts["doc0#0"] == payload["text"]
    assert "1 points say what another says" in caplog.text


def test_a_point_without_a_text_is_set_aside_once_and_its_chunk_stays(collection: Collection, config: Path) -> None:
    looked(config)
    vector, payload = collection.stub.points[point("doc0#0")]
    collection.stub.put(point("doc0#0"), vector, {key: of for key, of in payload.items() if key != "text"})
    with open_monitor(load(config, {})) as monitor:
        to_the_end(monitor)
        monitor.operations.deploy_at_end("again")
        monitor.run(until_end=True)
        assert len(monitor.parts.store.quarantine(10)) == 1
    found = known(config)
    assert found.texts["doc0#0"] == payload["text"]
    assert found.deploys[1:] == ("again",)


# ---------------------------------------------------------------- what is never concluded


def refused_look(config: Path, *parts: str) -> None:
    before = known(config)
    with pytest.raises((UnreachableError, ConfigurationError)) as caught:
        looked(config)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)
    assert known(config).texts == before.texts
    assert known(config).deploys == before.deploys


def test_a_collection_deleted_during_the_scan_deletes_nothing(collection: Collection, config: Path) -> None:
    looked(config)
    changed(collection)
    pages = iter(range(10_000))

    def gone(handler: Handler, result: Json) -> None:
        if next(pages) < 2:
            handler.reply(200, {"result": result, "status": "ok", "time": 0.0})
        else:
            status(404, "Not found: Collection `chunks` doesn't exist!")(handler, result)

    collection.stub.misbehave[SCROLL] = gone
    before = known(config).texts.keys()
    with pytest.raises(UnreachableError, match="no such collection: HTTP 404"):
        looked(config)
    assert known(config).texts.keys() >= before
    assert len(known(config).deploys) == 1


def test_an_emptied_collection_deletes_nothing(collection: Collection, config: Path) -> None:
    looked(config)
    collection.stub.points.clear()
    refused_look(config, "holds no points: the 60 known chunks stay", "expected some")


def test_a_collection_emptied_during_the_scan_deletes_nothing(collection: Collection, config: Path) -> None:
    looked(config)
    meanwhile(collection, 1, collection.stub.points.clear)
    refused_look(config, "44 of 60 known chunks are gone: nothing is deleted", "max_deleted_ratio = 0.5")


def test_a_mass_delete_that_is_meant_can_be_allowed(collection: Collection, config: Path) -> None:
    looked(config)
    for name in [*collection.texts()][5:]:
        collection.drop(name)
    refused_look(config, "55 of 60 known chunks are gone")
    config.write_text(config.read_text().replace("every =", "max_deleted_ratio = 1\nevery ="))
    looked(config)
    assert known(config).texts == collection.texts()


def test_where_the_second_look_is_forbidden_nothing_is_deleted(collection: Collection, config: Path) -> None:
    looked(config)
    collection.drop("doc0#0")
    collection.stub.strict = {"unindexed_filtering_retrieve": False}
    refused_look(config, "Index required but not found", "chunk_id")


@pytest.mark.parametrize(
    ("stub", "section", "said"),
    [
        ({"api_key": KEY}, {}, "its key is refused: HTTP 401"),
        ({}, {"collection": "other"}, "no such collection: HTTP 404"),
        ({"dimension": 16}, {}, "its vectors have 16 numbers: expected corpus.dimension = 8"),
        ({"vector_name": "text"}, {}, "it has no unnamed vector: expected source.qdrant.vector_name = 'text'"),
        ({"params": {"multivector_config": {"comparator": "max_sim"}}}, {}, "several vectors per point"),
    ],
)
def test_a_wrong_collection_is_refused_at_the_start(
    stub: dict[str, Any], section: dict[str, Any], said: str, tmp_path: Path
) -> None:
    made = filled()
    made = Collection(replace(made.stub, **stub), made.world)
    with serving(made) as url:
        config = configured(tmp_path, url, **section)
        with pytest.raises(ConfigurationError) as caught:
            looked(config)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unnamed_vector_asked_by_name(collection: Collection, tmp_path: Path) -> None:
    with serving(collection) as url:
        config = configured(tmp_path, url, SECTION.replace("page =", 'vector_name = "text"\npage ='))
        with pytest.raises(ConfigurationError, match="its vector 'text' is not there: expected its unnamed one"):
            looked(config)


def test_payloads_without_texts_are_refused_at_the_end(collection: Collection, tmp_path: Path) -> None:
    with serving(collection) as url:
        config = configured(tmp_path, url, SECTION + 'text = "page_content"\n')
        looked(config)
    found = known(config)
    assert not found.texts
    assert found.verdicts == ()
    assert found.counters["quarantined", "missing_field"] == 60


def test_nobody_listens(tmp_path: Path) -> None:
    made = filled()
    with serving(made) as url:
        config = configured(tmp_path, url)
    with pytest.raises(UnreachableError, match="unreachable"):
        looked(config)


# ---------------------------------------------------------------- deploys of a pipeline, interruptions


def test_a_pipeline_names_the_deploy_of_a_look_that_begins_after_it_asked(
    collection: Collection, config: Path
) -> None:
    with open_monitor(load(config, {})) as monitor:
        source = monitor.parts.source
        while not source.positions()[min(source.partitions())]:
            monitor.turn(0.05)
        changed(collection)  # behind and before where the look is
        monitor.operations.deploy_at_end("release-7")
        assert source.end() is None, "until that look is over"
        monitor.run(until_end=True)
    found = known(config)
    assert found.texts == collection.texts()
    assert found.deploys == ("release-7",)


def test_a_deploy_without_a_change_is_judged_all_the_same(collection: Collection, config: Path) -> None:
    looked(config)
    with open_monitor(load(config, {})) as monitor:
        to_the_end(monitor)
        monitor.operations.deploy_at_end("release-8")
        monitor.run(until_end=True)
    assert known(config).deploys[1:] == ("release-8",)
    assert known(config).verdicts[1] == "pass"


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_killed_look_goes_on_where_it_was(collection: Collection, config: Path, turns: int) -> None:
    with open_monitor(load(config, {})) as monitor:
        while turns:
            turns -= monitor.turn(0.05)
    half = known(config)
    assert 0 < len(half.texts) < 60
    assert not half.deploys
    cursor = json.loads(half.bookmark)["cursor"]
    collection.stub.sent.clear()
    passed = [name for name in half.texts if cursor is not None and point(name) < cursor]
    gone = passed[:2]
    for name in gone:
        collection.drop(name)
    looked(config)
    found = known(config)
    assert found.texts == collection.texts()
    assert len(found.deploys) == 1
    read = [one.body for one in collection.stub.sent if one.path.endswith("/scroll")]
    with_vectors = [one["offset"] for one in read if one["with_vector"]]
    assert with_vectors[0] == cursor, "what was read before is not read again, but for its ids"


def test_a_bookmark_ahead_of_the_positions_is_not_believed(collection: Collection, config: Path) -> None:
    looked(config)
    text = config.read_text().replace('path = "state.db"', 'path = "other.db"')
    other = config.with_name("other.toml")
    other.write_text(text)
    with open_monitor(load(other, {})) as monitor:
        source = monitor.parts.source
        assert isinstance(source, QdrantSource)
        assert source.bookmark({}).startswith('{"offset":0')
    source.reopen('{"offset": 40, "cursor": "ffffffff-0000-0000-0000-000000000000"}')
    source.start({})
    try:
        assert json.loads(source.bookmark({})) == {"offset": 0, "cursor": None, "changed": False, "deploy": ""}
    finally:
        source.close()


# ---------------------------------------------------------------- points without a vector


def without_vectors(collection: Collection) -> None:
    """Every second point of a page has none, as a server spells it."""

    def answer(handler: Handler, result: Json) -> None:
        for at, record in enumerate(result["points"]):
            if at % 2 == 0 and "vector" in record:
                record["vector"] = {}
        handler.reply(200, {"result": result, "status": "ok", "time": 0.0})

    collection.stub.misbehave[SCROLL] = answer


def test_a_point_without_a_vector_is_set_aside_where_nothing_encodes(collection: Collection, config: Path) -> None:
    without_vectors(collection)
    looked(config)
    found = known(config)
    assert found.counters["quarantined", "no_vector"] == 30
    assert found.counters["events", "upsert", "new"] == 30
    assert found.texts.items() <= collection.texts().items()


def test_an_encoder_fills_in_what_points_lack_once(collection: Collection, config: Path) -> None:
    without_vectors(collection)
    with embedding(numbers(corpora.DIMENSION)) as script:
        section = f'[encoder]\nkind = "openai"\nurl = "{script.url}"\nmodel = "small"\n'
        config.write_text(config.read_text() + section)
        looked(config)
        asked = len(script.bodies)
        looked(config)
        assert len(script.bodies) == asked, "a point without a vector says nothing of it"
    found = known(config)
    assert found.texts == collection.texts()
    assert len(found.deploys) == 1
