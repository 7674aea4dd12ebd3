"""Small seeded corpora as files: events with deploys, anchors and a configuration that runs as it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.native_form import native
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Deploy, Heartbeat, Segment, Upsert, text_hash

DIMENSION = 8
VERSION = "enc:words:mean:l2:8:cosine"
START = 1_780_000_000_000_000
MINUTE = 60_000_000
TOPICS = 6
WORDS_PER_TOPIC = 12
SOURCES = ("guide", "api", "blog")


@dataclass(frozen=True)
class Shape:
    """What a corpus is made of.

    Args:
        chunks: live chunks after the first deploy.
        deploys: deploy markers, the first one behind the initial load.
        anchors: queries, `chunks` permitting.
        churn: share of the chunks that an ordinary deploy touches.
        incident: whether the last deploy replaces most of the content.
        dense: whether chunks and anchors carry vectors.
        defaults: whether the default policy judges; else two rules that so small a corpus can pass: results exchanged
            and first results changed, by content.
    """

    chunks: int = 60
    deploys: int = 3
    anchors: int = 24
    churn: float = 0.05
    incident: bool = False
    dense: bool = True
    defaults: bool = False


@dataclass
class World:
    """A corpus in the making: what is live, the clock, and the words' vectors that make those of texts."""

    generator: Generator
    shape: Shape
    live: dict[str, Chunk] = field(default_factory=dict)
    made: list[CorpusEvent] = field(default_factory=list)
    version: int = 0

    def __post_init__(self) -> None:
        self._words = self.generator.standard_normal((TOPICS * WORDS_PER_TOPIC, DIMENSION))

    @property
    def now(self) -> int:
        return START + len(self.made) * MINUTE

    def text(self, topic: int, words: int = 14) -> str:
        """Mostly the topic's words, some of any."""
        own = self.generator.zipf(1.4, words) % WORDS_PER_TOPIC + topic * WORDS_PER_TOPIC
        other = self.generator.integers(0, TOPICS * WORDS_PER_TOPIC, words)
        return " ".join(f"word{at:02}" for at in np.where(self.generator.random(words) < 0.8, own, other).tolist())

    def vector(self, text: str) -> NDArray[np.float32] | None:
        """The mean of the words' vectors, so that like texts have like vectors."""
        if not self.shape.dense:
            return None
        mean: NDArray[np.float32] = (
            self._words[[int(word[4:]) for word in text.split()]].mean(axis=0).astype(np.float32)
        )
        return mean

    def upsert(self, chunk_id: str, text: str, source: str) -> None:
        document, _, place = chunk_id.partition("#")
        before = self.live.get(chunk_id)
        language = "en" if len(self.made) % 3 else "de"
        segment: Segment = (("language", language), ("source", source)) if before is None else before.segment
        self.live[chunk_id] = Chunk(
            chunk_id, document, int(place or 0), text, self.vector(text), VERSION, segment, self.now, text_hash(text)
        )
        self.version += 1
        self.made.append(Upsert(self.live[chunk_id], self.version))

    def delete(self, chunk_id: str) -> None:
        del self.live[chunk_id]
        self.version += 1
        self.made.append(Delete(chunk_id, self.now, self.version))

    def again(self, chunk_id: str) -> None:
        """The same content once more, a little later."""
        self.live[chunk_id] = replace(self.live[chunk_id], event_time=self.now)
        self.version += 1
        self.made.append(Upsert(self.live[chunk_id], self.version))

    def deploy(self, number: int) -> None:
        self.made.append(Deploy(f"d{number}", self.now, {}))


def events(seed: int, shape: Shape) -> list[CorpusEvent]:
    """The stream: an initial load, then updates, each closed by a deploy marker `d0`, `d1`, ..."""
    return _world(seed, shape).made


def anchors(seed: int, shape: Shape) -> list[Anchor]:
    """Anchors about the topics, with vectors where the corpus has them; segments are those of the chunks."""
    world = World(np.random.default_rng(seed), shape)
    made = []
    for at in range(shape.anchors):
        text = world.text(at % TOPICS, words=4)
        segment = (("language", "de" if at % 3 == 0 else "en"), ("source", SOURCES[at % len(SOURCES)]))
        made.append(Anchor(f"q{at}", text, world.vector(text), segment, embedding_version=VERSION))
    return made


def _world(seed: int, shape: Shape) -> World:
    world = World(np.random.default_rng(seed), shape)
    for at in range(shape.chunks):
        world.upsert(f"doc{at // 4}#{at % 4}", world.text(at % TOPICS), SOURCES[at % len(SOURCES)])
    world.deploy(0)
    for number in range(1, shape.deploys):
        incident = shape.incident and number == shape.deploys - 1
        _update(world, number, 0.8 if incident else shape.churn)
        world.deploy(number)
    world.made.append(Heartbeat(world.now))
    return world


def _update(world: World, number: int, churn: float) -> None:
    ids = sorted(world.live)
    chosen = world.generator.choice(len(ids), max(1, int(len(ids) * churn)), replace=False)
    for turn, chunk_id in enumerate(ids[at] for at in chosen.tolist()):
        source = dict(world.live[chunk_id].segment)["source"]
        if turn % 3 == 1:
            world.delete(chunk_id)
        else:
            world.upsert(chunk_id, world.text(int(world.generator.integers(TOPICS))), source)
        if turn % 4 == 0 and chunk_id in world.live:
            world.again(chunk_id)
    world.upsert(f"new{number}#0", world.text(number % TOPICS), SOURCES[number % len(SOURCES)])


def written(made: Sequence[CorpusEvent]) -> bytes:
    """Events as native JSON Lines."""
    return b"".join(native(event)[1] + b"\n" for event in made)


def _rules(shape: Shape) -> str:
    """The rules of `Shape.defaults`."""
    made = ""
    for leg in ("dense", "lexical") if shape.dense else ("lexical",):
        for dimension in ("all", "source"):
            for name, metric, most in (
                ("swaps", "collapsed_swaps", 2.0),
                ("top1", "collapsed_top1_changed_ratio", 0.25),
            ):
                severity = "critical" if name == "swaps" or dimension == "all" else "warning"
                made += f"""[[policy.rule]]
name = "{name}-{leg}-{dimension}"
metric = "{metric}"
leg = "{leg}"
dimension = "{dimension}"
max = {most}
severity = "{severity}"
min_anchors = 4
"""
    return made


def configuration(shape: Shape, extra: str = "") -> str:
    """A configuration next to `events.jsonl` and `anchors.jsonl`; `extra` is appended as it is."""
    dense = f'dimension = {DIMENSION}\nembedding_version = "{VERSION}"' if shape.dense else ""
    engine = "embedded" if shape.dense else "none"
    policy = "" if shape.defaults else f"defaults = false\n{_rules(shape)}"
    return f"""[corpus]
name = "small"
{dense}
[segments]
dimensions = ["source"]
min_anchors = 4
[source.file]
path = "events.jsonl"
[dense]
engine = "{engine}"
[policy]
bounds = false
{policy}[anchors]
path = "anchors.jsonl"
[baseline]
bootstrap = "first-deploy"
[http]
port = 0
[state]
path = "state.db"
{extra}"""


def write_case(folder: Path, *, seed: int = 7, shape: Shape | None = None, extra: str = "") -> Path:
    """Write events, anchors and configuration to an existing folder; returns the configuration's path."""
    shape = shape or Shape()
    (folder / "events.jsonl").write_bytes(written(events(seed, shape)))
    write_anchors(folder / "anchors.jsonl", anchors(seed, shape))
    path = folder / "corpus-drift.toml"
    path.write_text(configuration(shape, extra), encoding="utf-8")
    return path
