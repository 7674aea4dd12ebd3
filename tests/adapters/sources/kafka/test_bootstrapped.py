"""A topic whose past comes from a collection: the run ends where a run over the whole history does."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.native_form import native
from monitor.adapters.sources.kafka.kind import KafkaSection, _start
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor
from monitor.core.model.events import Deploy
from monitor.ports import UnreachableError
from tests.adapters.sources.qdrant.cases import Collection, configured, filled, known, serving
from tests.kafka_mock import MockCluster

SECTION = """[source.kafka]
bootstrap_servers = ["{servers}"]
topics = ["{topic}"]
api_version = [2, 3]
start = "{start}"
[source.kafka.bootstrap]
url = "{url}"
collection = "{collection}"
chunk_id_field = "chunk_id"
page = {page}
[source.fields]
segments = {{ language = "language", source = "source" }}
"""


class Stream:
    """The collection's changes, as a topic that began too late to hold them all."""

    def __init__(self, collection: Collection, cluster: MockCluster) -> None:
        self.collection, self.cluster, self.topic = collection, cluster, cluster.fresh(2)
        self._told = len(collection.world.made)

    def tell(self) -> None:
        """Publish what was written since; versions stay behind, for the payloads state none."""
        for event in self.collection.world.made[self._told :]:
            key, value = native(event)
            content = json.loads(value)
            content.pop("version", None)
            parts = (0, 1) if isinstance(event, Deploy) else (hash(content["chunk_id"]) % 2,)
            for part in parts:
                self.cluster.produce(self.topic, part, [(key, json.dumps(content).encode())])
        self._told = len(self.collection.world.made)

    def deploy(self, number: int) -> None:
        self.collection.world.deploy(number)
        self.tell()


@pytest.fixture
def stream(cluster: MockCluster) -> Stream:
    return Stream(filled(), cluster)


@pytest.fixture
def config(stream: Stream, tmp_path: Path) -> Iterator[Path]:
    with serving(stream.collection) as url:
        values = {"servers": stream.cluster.bootstrap, "topic": stream.topic, "start": "earliest"}
        yield configured(tmp_path, url, SECTION, **values)


def run(config: Path) -> None:
    with open_monitor(load(config, {})) as monitor:
        monitor.run(until_end=True)


def test_the_past_comes_from_the_collection_and_the_rest_from_the_topic(stream: Stream, config: Path) -> None:
    collection = stream.collection
    collection.put("doc0#0", "word01 word02")
    stream.tell()
    run(config)
    found = known(config)
    assert found.texts == collection.texts()
    assert found.deploys == ("bootstrap",)
    asked = len(collection.stub.sent)
    collection.put("late#0", "word11 word12")
    collection.drop("doc2#2")
    stream.deploy(1)
    run(config)
    found = known(config)
    assert found.texts == collection.texts()
    assert found.deploys == ("bootstrap", "d1")
    assert found.verdicts[1] == "pass"
    assert len(collection.stub.sent) == asked, "the collection is read once"


def test_an_index_that_lags_and_a_scan_that_is_ahead_end_alike(stream: Stream, config: Path) -> None:
    """The topic says more than the collection holds, and the collection holds what the topic says later."""
    collection = stream.collection
    before = dict(collection.stub.points)
    collection.put("doc0#0", "word01 word02")
    collection.drop("doc1#1")
    collection.put("new#0", "word33 word34")
    stream.deploy(1)
    expected = collection.texts()
    collection.stub.points = before  # as if nothing of it were indexed yet
    with open_monitor(load(config, {})) as monitor:
        while not monitor.intake.positions:
            monitor.turn(0.05)
        monitor.run(until_end=True)
    found = known(config)
    assert found.texts == expected
    assert set(found.deploys) == {"bootstrap", "d1"}
    verdicts = dict(zip(found.deploys, found.verdicts, strict=True))
    assert verdicts["d1"] == "unknown", "it ends within the bootstrap"


@pytest.mark.parametrize("turns", [1, 3, 5])
def test_a_killed_bootstrap_keeps_the_offsets_that_it_took(stream: Stream, config: Path, turns: int) -> None:
    config.write_text(config.read_text().replace('start = "earliest"', 'start = "latest"'))
    with open_monitor(load(config, {})) as monitor:
        while turns:
            turns -= monitor.turn(0.05)
    collection = stream.collection
    gone = np.random.default_rng(3).choice(sorted(collection.texts()), 3, replace=False).tolist()
    for name in gone:
        collection.drop(name)
    collection.put("doc9#1", "word20 word21")
    stream.tell()  # while nobody ran: behind the offsets taken, so it has to be read
    run(config)
    found = known(config)
    assert found.texts == collection.texts()
    assert found.deploys == ("bootstrap",)


def test_a_topic_that_a_state_knows_already_needs_no_scan(stream: Stream, config: Path) -> None:
    text = config.read_text()
    begin, end = text.index("[source.kafka.bootstrap]"), text.index("[source.fields]")
    stream.collection.put("doc0#0", "word01 word02")
    stream.tell()
    config.write_text(text[:begin] + text[end:])
    run(config)
    config.write_text(text)
    run(config)
    assert known(config).texts == {"doc0#0": "word01 word02"}
    assert not stream.collection.stub.sent


def test_an_empty_collection_is_said_and_the_topic_is_not_read(stream: Stream, config: Path) -> None:
    stream.collection.put("doc0#0", "word01 word02")
    stream.tell()
    stream.collection.stub.points.clear()
    with pytest.raises(UnreachableError, match="holds no points: nothing to compare with"):
        run(config)
    assert known(config).texts == {}


def test_the_stream_begins_a_little_before_now_unless_it_is_said() -> None:
    section = {"bootstrap_servers": ["x:1"], "topics": ["t"], "bootstrap": {"url": "http://x", "collection": "c"}}
    assert KafkaSection.model_validate(section).start == "earliest"
    assert _start(KafkaSection.model_validate(section)).startswith("20")
    assert _start(KafkaSection.model_validate({**section, "start": "latest"})) == "latest"
