"""The stage: a story in a topic of the broker, its anchors and configuration, and what each record must count as."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from monitor.adapters.anchors_file import write as write_anchors
from monitor.app.deploy_judging import AT_DEPLOY
from monitor.app.migration import TARGET_EVENTS
from monitor.core.model.events import Partition
from monitor.core.model.plausibility import DOUBTFUL
from tests.app.migrating import SECTION, asked
from tests.corpora import DIMENSION, VERSION, Shape, anchors
from tests.kafka_mock import API_VERSION, MockCluster, Row, record_batch
from tests.kill.story import Plot, Story, write

CLASSES = {
    "duplicate": "repeat",
    "complete": "marker",
    "interleaved": "crossed",
    "malformed": "malformed",
    "ignored": "ignored",
}
"""The class of the story that an outcome stands for; `crossed` is a deploy without its last marker."""
AGAIN = ("said", DOUBTFUL, AT_DEPLOY, f"{TARGET_EVENTS} vectors")
"""Counters that count once more what others count: upserts by what they said, what was odd, what was at a deploy."""
AT_ONCE = 200
"""Records per produced batch."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A story and what the program is configured with while it is told.

    Args:
        seed: of the story.
        plot: how much happens in it.
        mode: how the baseline advances.
        variant: of BM25.
        quarantine_rows: rows the quarantine keeps.
        dead_letters: whether what is set aside goes to a topic as well.
        dense: whether there is an index, which the monitor fills.
    """

    seed: int
    plot: Plot = field(default_factory=Plot)
    mode: Literal["pinned", "previous-deploy", "rolling"] = "pinned"
    variant: Literal["okapi", "lucene"] = "lucene"
    quarantine_rows: int = 10_000
    dead_letters: bool = False
    dense: bool = True
    shards: int = 1
    """In how many parts the corpus lies."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A story in a topic, and a folder for its runs."""

    story: Story
    setting: Setting
    folder: Path
    bootstrap: str
    topic: str
    dead_letters: str = ""

    @classmethod
    def offline(cls, folder: Path, setting: Setting) -> "Stage":
        """Write the story and its anchors; no broker knows of it."""
        folder.mkdir(parents=True, exist_ok=True)
        shape = Shape(anchors=setting.plot.anchors)
        made = asked(setting.seed, shape) if setting.plot.migrates else anchors(setting.seed, shape)
        write_anchors(folder / "anchors.jsonl", made)
        return cls(write(setting.seed, setting.plot), setting, folder, "127.0.0.1:1", "events")

    @classmethod
    def build(cls, cluster: MockCluster, folder: Path, setting: Setting) -> "Stage":
        """The same with the story in a fresh topic."""
        topic, made = cluster.fresh(setting.plot.partitions), cls.offline(folder, setting)
        for place, items in enumerate(made.story.partitions):
            rows: list[Row] = [(item.stamp, item.key, item.value, []) for item in items]
            for at in range(0, len(rows), AT_ONCE):
                cluster.append(topic, place, bytes(record_batch(rows[at : at + AT_ONCE])))
        letters = cluster.fresh(1) if setting.dead_letters else ""
        return replace(made, bootstrap=cluster.bootstrap, topic=topic, dead_letters=letters)

    def configuration(self, batch: int) -> str:
        """The configuration; only `batch` may differ between lives."""
        migration = SECTION if self.setting.plot.migrates else ""
        if not self.setting.dense:
            migration += f'[dense]\nengine = "none"\n[shards]\ncount = {self.setting.shards}\n'
        servers = json.dumps(self.bootstrap.split(","))
        return f"""[corpus]
name = "killed"
dimension = {DIMENSION}
embedding_version = "{VERSION}"
[segments]
dimensions = ["source", "language"]
min_anchors = 4
[source]
max_refused_ratio = 1.0
batch = {batch}
[source.kafka]
bootstrap_servers = {servers}
topics = ["{self.topic}"]
dead_letter_topic = "{self.dead_letters}"
api_version = {list(API_VERSION)}
[anchors]
path = "../anchors.jsonl"
[http]
port = 0
[baseline]
bootstrap = "first-deploy"
mode = "{self.setting.mode}"
[lexical]
variant = "{self.setting.variant}"
[state]
quarantine_rows = {self.setting.quarantine_rows}
{migration}"""


def unaccounted(stage: Stage, parts: Mapping[str, str]) -> list[str]:
    """Where the counters of a committed state do not say what the stream holds up to its positions.

    Holds at every commit, not only at barriers: nothing is lost and nothing is counted twice.
    """
    counted: Counter[str] = Counter()
    places: dict[Partition, int] = {}
    for name, value in parts.items():
        section, _, rest = name.partition("/")
        if section == "position":
            topic, _, number = rest.partition("/")
            places[Partition(topic, int(number))] = int(value)
        elif section == "counter" and not rest.startswith(AGAIN):
            counted[_class(*rest.split(" "))] += int(value)
        elif section == "quarantine":
            counted["rows"] += 1
    expected = stage.story.expected(places)
    partitions = len(stage.story.partitions)
    counted["marker"] = partitions * counted["marker"] + (partitions - 1) * counted.pop("crossed", 0)
    expected["quarantined"] = expected["malformed"] + expected["refused"]
    if stage.setting.quarantine_rows // partitions >= expected["quarantined"]:
        expected["rows"] = expected["quarantined"]
    else:  # some partition's share may be full
        del counted["rows"]
    del expected["heartbeat"]
    return [
        f"at {places}: {counted[kind]} records counted as {kind}, {expected[kind]} in the stream"
        for kind in sorted({*expected, *counted})
        if counted[kind] != expected[kind]
    ]


def _class(name: str, kind: str = "", outcome: str = "") -> str:
    """The class of the story that a counter counts."""
    if name == "quarantined":
        return name
    if name == TARGET_EVENTS:
        return "embed"
    if kind in ("upsert", "delete"):
        return "refused" if outcome == "refused" else "applied"
    return CLASSES[outcome]
