"""A team that migrates: two indexes that are written for real, and the partitions of what it says about that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from monitor.core.model.events import Chunk, CorpusEvent, Delete, Embed, Located, Position, Upsert, text_hash

NEW = "enc-new"
D_OLD, D_NEW = 4, 3
SECOND = 1_000_000
START = 1_700_000_000 * SECOND
SOURCES = ("docs", "wiki")


def vector(text: str, dimension: int) -> np.ndarray:
    """A vector that is the same for the same text."""
    rng = np.random.default_rng(int(text_hash(text)[:12], 16))
    return rng.standard_normal(dimension).astype(np.float32)


@dataclass
class Team:
    """Its two indexes, and what it said, by partition: chunks of even ids in the first, odd in the second, vectors of
    the new version in a third.
    """

    rng: Generator
    now: int = START
    source: dict[str, str] = field(default_factory=dict)
    """The index in production: chunk id -> content hash."""
    target: dict[str, str] = field(default_factory=dict)
    """The new index likewise."""
    ever: set[str] = field(default_factory=set)
    said: list[list[CorpusEvent]] = field(default_factory=lambda: [[], [], []])
    read: list[tuple[str, str]] = field(default_factory=list)
    """What the backfill has read and not written yet: chunk id and text."""

    def tick(self) -> int:
        self.now += int(self.rng.integers(1, 5)) * SECOND
        return self.now

    def upsert(self, number: int, text: str, *, twice: bool) -> None:
        """A chunk is written; `twice`: to both indexes at once, as those do that write twice."""
        name, time = f"c{number}", self.tick()
        self.source[name] = text_hash(text)
        self.ever.add(name)
        vectors = {NEW: vector(text, D_NEW)} if twice else None
        if twice:
            self.target[name] = text_hash(text)
        segment = (("source", SOURCES[number % len(SOURCES)]),)
        chunk = Chunk(name, name, 0, text, vector(text, D_OLD), "old", segment, time, text_hash(text), vectors)
        self.said[number % 2].append(Upsert(chunk))

    def delete(self, number: int) -> None:
        name, time = f"c{number}", self.tick()
        self.source.pop(name, None)
        self.target.pop(name, None)
        self.ever.add(name)
        self.said[number % 2].append(Delete(name, time))

    def embed(self, name: str, text: str) -> None:
        """A vector is written to the new index alone."""
        self.target[name] = text_hash(text)
        self.said[2].append(Embed(name, text_hash(text), NEW, vector(text, D_NEW), self.tick()))

    def act(self, chunks: int) -> None:
        """Something happens."""
        number, text = int(self.rng.integers(chunks)), f"text {self.rng.integers(4)}"
        what = self.rng.random()
        live = sorted(self.source)
        if what < 0.35:
            self.upsert(number, text, twice=bool(self.rng.random() < 0.3))
        elif what < 0.5:
            self.delete(number)
        elif what < 0.65 and live:  # the backfill reads a chunk ...
            name = live[int(self.rng.integers(len(live)))]
            self.read.append((name, self.text_of(name)))
        elif what < 0.85 and self.read:  # ... and writes it later, whatever came of it meanwhile
            self.embed(*self.read.pop(int(self.rng.integers(len(self.read)))))
        elif what < 0.88:
            self.embed(f"stranger{self.rng.integers(3)}", "nobody's text")
        elif live:
            name = live[int(self.rng.integers(len(live)))]
            self.embed(name, self.text_of(name))

    def text_of(self, name: str) -> str:
        return next(text for text in (f"text {n}" for n in range(4)) if text_hash(text) == self.source[name])

    def delivered(self) -> Iterator[Located]:
        """All that was said, each partition in order, the partitions anyhow."""
        at = [0, 0, 0]
        while any(here < len(said) for here, said in zip(at, self.said, strict=True)):
            part = int(self.rng.integers(3))
            for _ in range(int(self.rng.integers(1, 6))):
                if at[part] < len(self.said[part]):
                    topic = "vectors" if part == 2 else "chunks"
                    yield Located(Position(topic, part % 2, at[part]), self.said[part][at[part]])
                    at[part] += 1

    def batches(self) -> Iterator[Sequence[Located]]:
        batch: list[Located] = []
        for located in self.delivered():
            batch.append(located)
            if self.rng.random() < 0.15:
                yield batch
                batch = []
        yield batch


@dataclass(frozen=True)
class Truth:
    """Set algebra on the two dumps, sorted."""

    covered: list[str]
    missing: list[str]
    stale: list[str]
    resurrected: list[str]
    foreign: list[str]


def truth(team: Team) -> Truth:
    """What differs between the indexes as they are."""
    live, points = set(team.source), set(team.target)
    same = {name for name in live & points if team.source[name] == team.target[name]}
    gone = points - live
    return Truth(
        sorted(same), sorted(live - points), sorted((live & points) - same),
        sorted(gone & team.ever), sorted(gone - team.ever),
    )  # fmt: skip
