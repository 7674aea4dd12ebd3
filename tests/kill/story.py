"""A seeded stream in several partitions that holds everything that may happen, and what each record must count as."""

import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.random import Generator

from monitor.adapters.native_form import DEPLOY_KEY, native
from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Deploy,
    Embed,
    Heartbeat,
    MigrationMarker,
    Partition,
    Upsert,
    text_hash,
)
from tests.app.migrating import MIGRATION, NEW, second
from tests.corpora import SOURCES, START, TOPICS, VERSION, WORDS_PER_TOPIC, Shape, World

MINUTE = 60_000_000
DAY = 1_440 * MINUTE
NO_STAMP = -1

Class = Literal["applied", "malformed", "refused", "heartbeat", "marker", "repeat", "ignored", "embed"]
"""What a record must count as, whatever else happens: `applied` is every well-formed upsert and delete that its
chunk's history does not contradict, `refused` one that it does; `repeat` is a further copy of a judged marker."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record, its Kafka time in milliseconds (NO_STAMP: none), and what it must count as."""

    key: bytes
    value: bytes | None
    stamp: int
    kind: Class


@dataclass(frozen=True, slots=True)
class Plot:
    """How much happens.

    Args:
        partitions: of the topic.
        deploys: markers in each partition.
        chunks: of the initial load.
        events: between two deploys.
        tail: events behind the last marker.
        anchors: of the case.
        lost: the deploy whose last marker is missing, 0 for none; the next one, so not the last, crosses its barrier.
        migrates: whether a migration begins behind the first deploy: some chunks are then written twice, and a
            backfill writes others, now and then of a text from before or of a chunk that is gone.
    """

    partitions: int = 3
    deploys: int = 4
    chunks: int = 120
    events: int = 90
    tail: int = 12
    anchors: int = 30
    lost: int = 0
    migrates: bool = False


@dataclass(slots=True)
class Story:
    """The stream in the making. A chunk's records stand in one partition, chosen by its id; markers in each."""

    seed: int
    plot: Plot
    partitions: list[list[Item]] = field(default_factory=list)

    def expected(self, positions: Mapping[Partition, int]) -> Counter[str]:
        """How many records of each class lie below the positions (next offset of each partition)."""
        kinds = (item.kind for part, at in positions.items() for item in self.partitions[part.partition][:at])
        return Counter(kinds)


def write(seed: int, plot: Plot) -> Story:
    """The same seed and plot give the same bytes. The second deploy is a calm one, that its gate may pass."""
    author = _Author(seed, plot)
    for _ in range(plot.chunks):
        author.new()
    author.deploy(0, plot.partitions)
    if plot.migrates:
        author.migrate()
    for number in range(1, plot.deploys):
        author.advance()
        author.go_on(plot.events // 8 if number == 1 else plot.events)
        author.deploy(number, plot.partitions - (number == plot.lost))
    author.go_on(plot.tail)
    return Story(seed, plot, author.partitions)


class _Author:
    """Knows every chunk's history, so as to continue, repeat, contradict and resurrect it."""

    def __init__(self, seed: int, plot: Plot) -> None:
        self._world = World(np.random.default_rng(seed), Shape())
        self._generator: Generator = self._world.generator
        self.partitions: list[list[Item]] = [[] for _ in range(plot.partitions)]
        self._live: dict[str, Chunk] = {}
        self._gone: dict[str, Chunk] = {}
        self._versions: dict[str, int | None] = {}
        """Of every chunk ever made; None where it has no versions."""
        self._told: list[Item] = []
        self._made = self._version = 0
        self._now = START
        self._judged: list[str] = []
        self._migrating = False
        self._before: dict[str, Chunk] = {}
        """What chunks said before."""
        self._turns: tuple[tuple[Callable[[], None], float], ...] = (
            (self.new, 14), (self._modify, 24), (self._again, 8), (self._copy, 5), (self._near, 8), (self._delete, 9),
            (self._tombstone, 5), (self._unstamped, 2), (self._redeliver, 7), (self._late, 6), (self._resurrect, 4),
            (self._malformed, 5), (self._contradict, 4), (self._heartbeat, 2), (self._repeat, 2), (self._ignored, 2),
        )  # fmt: skip

    def go_on(self, events: int) -> None:
        weights = np.array([weight for _, weight in self._turns])
        for at in self._generator.choice(len(self._turns), events, p=weights / weights.sum()).tolist():
            self._turns[at][0]()

    def migrate(self) -> None:
        """A begin marker in each partition; from here on vectors of the second version are written."""
        self._migrating = True
        for place in range(len(self.partitions)):
            self._tell(MigrationMarker(MIGRATION, "begin", VERSION, NEW, self._tick(), {}), "marker", place)
        self._turns = (*self._turns, (self._embed, 40))

    def _embed(self) -> None:
        """A vector of what a chunk says or said, of a deleted one, or of one that nobody knows."""
        pool = self._gone if self._gone and self._draw(8) == 0 else self._live
        name = sorted(pool)[self._draw(len(pool))]
        chunk = self._before.get(name, pool[name]) if self._draw(6) == 0 else pool[name]
        told = name if self._draw(12) else f"stranger{self._draw(3)}#0"
        self._tell(Embed(told, chunk.content_hash, NEW, second(chunk.vector), self._tick()), "embed")

    def advance(self) -> None:
        """Between deploys lies more than a week, so that delete marks grow old."""
        self._now += 11 * DAY

    def deploy(self, number: int, copies: int) -> None:
        """A marker in each of the first `copies` partitions."""
        deploy_id = f"d{number}"
        for place in range(copies):
            self._tell(Deploy(deploy_id, self._tick(), {}), "marker", place)
        if copies == len(self.partitions):  # a repeat of one that lacks a copy would be that copy
            self._judged.append(deploy_id)

    def new(self) -> None:
        self._made += 1
        name = f"doc{self._made // 3}#{self._made % 3}"
        self._versions[name] = 0 if self._generator.random() < 0.6 else None
        self._next(name)
        self._say(name, self._chunk(name, self._world.text(self._draw(TOPICS))))

    def _modify(self) -> None:
        name = self._any()
        self._next(name)
        self._say(name, self._chunk(name, self._world.text(self._draw(TOPICS))))

    def _again(self) -> None:
        """The same content once more: only time and version move."""
        name = self._any()
        self._next(name)
        self._say(name, replace(self._live[name], event_time=self._tick()))

    def _copy(self) -> None:
        """The words of another chunk: every score ties."""
        name, other = self._any(), self._any()
        self._next(name)
        self._say(name, self._chunk(name, self._live[other].text))

    def _near(self) -> None:
        """Another chunk's words but for the first or the last one: near copies, in chains that are not transitive."""
        name, words = self._any(), self._live[self._any()].text.split()
        self._next(name)
        words[-self._draw(2)] = f"word{self._draw(TOPICS * WORDS_PER_TOPIC):02}"
        self._say(name, self._chunk(name, " ".join(words)))

    def _delete(self) -> None:
        name = self._any()
        self._next(name)
        self._forget(name)
        self._tell(Delete(name, self._tick(), self._versions[name]), "applied")

    def _tombstone(self) -> None:
        name = self._any()
        self._forget(name)
        self._add(self._place(name), Item(name.encode(), None, self._tick() // 1000, "applied"))

    def _unstamped(self) -> None:
        """A tombstone without any time, of a chunk that may never have been there."""
        name = self._any() if self._draw(2) else f"never{self._draw(1000)}#0"
        self._forget(name)
        self._add(self._place(name), Item(name.encode(), None, NO_STAMP, "applied"))

    def _resurrect(self) -> None:
        """A deleted chunk comes back, its versions going on."""
        if not self._gone:
            return
        name = sorted(self._gone)[self._draw(len(self._gone))]
        self._next(name)
        self._say(name, self._chunk(name, self._world.text(self._draw(TOPICS))))

    def _redeliver(self) -> None:
        """An earlier record once more, as it was; of versioned chunks only, for others it would be news."""
        self._add_again(self._told[-1 - self._draw(min(len(self._told), 60))])

    def _late(self) -> None:
        """A record from long ago."""
        self._add_again(self._told[self._draw(len(self._told))])

    def _malformed(self) -> None:
        name = self._any()
        good = native(Upsert(self._live[name], 1))[1]
        longer = good.replace(b'"vector_b64":"', b'"vector_b64":"AAAA')
        unknown, without = good.replace(b'"upsert"', b'"upsurt"'), good.replace(b'"text"', b'"taxt"')
        bad = (b"", b"{", good[:-1], unknown, without, longer, b"[1]", b'{"op":"delete"}', b"\xff" + good)
        value = bad[self._draw(len(bad))]
        self._add(self._place(name), Item(name.encode(), value, self._tick() // 1000, "malformed"))

    def _contradict(self) -> None:
        """A live chunk that had versions comes without, or the other way round."""
        name = self._any()
        version = 1 if self._versions[name] is None else None
        self._tell(Upsert(self._chunk(name, "word01 word02"), version), "refused")

    def _heartbeat(self) -> None:
        self._tell(Heartbeat(self._tick()), "heartbeat", self._draw(len(self.partitions)))

    def _repeat(self) -> None:
        """One more copy of an old deploy's marker."""
        if self._judged:
            marker = Deploy(self._judged[self._draw(len(self._judged))], self._tick(), {})
            self._tell(marker, "repeat", self._draw(len(self.partitions)))

    def _ignored(self) -> None:
        """Compaction's tombstone of a marker is none of our business."""
        item = Item(f"{DEPLOY_KEY}old".encode(), None, self._tick() // 1000, "ignored")
        self._add(self._draw(len(self.partitions)), item)

    def _chunk(self, name: str, text: str) -> Chunk:
        document, _, place = name.partition("#")
        before = self._live.get(name, self._gone.get(name))
        source = SOURCES[self._draw(len(SOURCES))]
        segment = (("language", "de" if self._made % 3 else "en"), ("source", source))
        kept = segment if before is None else before.segment
        vector = self._world.vector(text)
        return Chunk(name, document, int(place), text, vector, VERSION, kept, self._tick(), text_hash(text))

    def _say(self, name: str, chunk: Chunk) -> None:
        self._gone.pop(name, None)
        if name in self._live:
            self._before[name] = self._live[name]
        if self._migrating and self._draw(3) == 0:
            chunk = replace(chunk, vectors={NEW: second(chunk.vector)})
        self._live[name] = chunk
        item = self._tell(Upsert(chunk, self._versions[name]), "applied")
        if self._versions[name] is not None:
            self._told.append(item)

    def _forget(self, name: str) -> None:
        if name in self._live:
            self._gone[name] = self._live.pop(name)

    def _next(self, name: str) -> None:
        self._version += 1
        if self._versions[name] is not None:
            self._versions[name] = self._version

    def _any(self) -> str:
        return sorted(self._live)[self._draw(len(self._live))]

    def _draw(self, bound: int) -> int:
        return int(self._generator.integers(bound))

    def _tick(self) -> int:
        self._now += MINUTE
        return self._now

    def _place(self, name: str) -> int:
        return zlib.crc32(name.encode()) % len(self.partitions)

    def _tell(self, event: CorpusEvent, kind: Class, place: int | None = None) -> Item:
        key, value = native(event)
        item = Item(key, value, self._now // 1000, kind)
        self._add(self._place(key.decode()) if place is None else place, item)
        return item

    def _add_again(self, item: Item) -> None:
        self._add(self._place(item.key.decode()), item)

    def _add(self, place: int, item: Item) -> None:
        self.partitions[place].append(item)
