"""One session of one process, and sessions over shards beside it that are fed the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, Delete, Located, Position, Segment, Upsert, Version, text_hash
from monitor.core.model.fingerprint import Fingerprint, SearchConfig, SearchMode
from monitor.core.model.scoring import Distance, prepare
from monitor.core.reporting.drift import Drift, SegmentScope
from monitor.core.session import Session
from monitor.core.shards.local import LocalShards
from monitor.core.shards.messages import ShardPosition
from monitor.core.shards.shard import ShardConfig
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState

D = 4
PARTITIONS = 5
DIMENSIONS = ("source", "language")
WORDS = [f"w{number}" for number in range(10)] + ["the", "the", "the", "straße"]


def vector(number: int) -> NDArray[np.float32]:
    """One of six; 4 and 5 all but tie."""
    made = np.random.default_rng(min(number, 4)).standard_normal((1, D)).astype(np.float32)
    made[0, 0] += np.float32(number // 5 * 1e-7)
    return prepare(made, Distance.COSINE).reshape(D)


def anchor(at: int, text: str, number: int, rewrites: Sequence[str] = ()) -> Anchor:
    return Anchor(f"a{at}", text, vector(number), (("language", "de" if at % 2 else "en"),), rewrites=tuple(rewrites))


def anchor_set(anchors: Sequence[Anchor], filters: Sequence[Segment]) -> AnchorSet:
    vectors = np.stack([of.vector for of in anchors if of.vector is not None])
    return AnchorSet(list(anchors), vectors, np.ones(len(anchors)), list(filters))


def upsert(
    number: int, text: str, of: int, doc: int, segment: Segment, time: int, version: Version | None = None
) -> Upsert:
    chunk = Chunk(f"c{number}", f"d{doc}", number % 3, text, vector(of), "v", segment, time, text_hash(text))
    return Upsert(chunk, version)


def partition_of(number: int) -> int:
    return number * 7 % PARTITIONS


class Feed:
    """Gives events their places: each chunk's in the partition of its number."""

    def __init__(self) -> None:
        self.next = [0] * PARTITIONS
        self.log: list[Located] = []

    def place(self, number: int, event: Upsert | Delete) -> Located:
        part = partition_of(number)
        self.next[part] += 1
        located = Located(Position("events", part, self.next[part] - 1), event)
        self.log.append(located)
        return located


def config(shards: int, k: int, bm25: Bm25Config, distance: Distance = Distance.COSINE) -> ShardConfig:
    depths = Depths(k, dense=True, lexical=True)
    return ShardConfig(shards, D, depths, distance, bm25, MinHashBands(), DIMENSIONS)


def drift_of(anchors: AnchorSet, bm25: Bm25Config, k: int) -> Drift:
    marked = Fingerprint(
        distance="cosine",
        embedding_version="v",
        quantization="none",
        search=SearchConfig("session", SearchMode.EXACT),
        tokenizer="t",
        bm25=bm25.shown(),
        k=str(k),
        filters="",
        segments="",
    )
    return Drift(anchors, marked, SegmentScope(DIMENSIONS, 3, 1), (k,), {})


def single(chosen: ShardConfig, anchors: AnchorSet) -> Session:
    corpus = Corpus(D)
    engine = Engine(
        anchors,
        corpus,
        chosen.depths,
        chosen.distance,
        chosen.bm25,
        bands=chosen.bands,
        dimensions=chosen.dimensions,
    )
    return Session.of(corpus, engine, drift_of(anchors, chosen.bm25, chosen.depths.k), index=False)


def sharded(chosen: ShardConfig, anchors: AnchorSet, shards: int) -> Session:
    chosen = replace(chosen, shards=shards)
    there = LocalShards(chosen, anchors)
    corpus = ShardedCorpus(D, there)
    state = ShardedState(chosen, anchors, there, corpus)
    return Session.of(corpus, state, drift_of(anchors, chosen.bm25, chosen.depths.k), index=False)


def restarted(session: Session, texts: Mapping[int, str]) -> Session:
    """The same from what its shards have, in key order; nothing else is handed on but what a store would keep."""
    state, corpus = session.engine, session.corpus
    assert isinstance(state, ShardedState)
    before = state.shards
    assert isinstance(before, LocalShards)
    at = ShardPosition(before.shards[0].epoch, state.positions, corpus.newest_event_time, corpus.barrier_time)
    there = LocalShards(state.config, state.anchors)
    loaded = []
    for old, new in zip(before.shards, there.shards, strict=True):
        rows = sorted(old.corpus.rows(), key=lambda row: row.key)
        stored = [
            (row, texts[row.key] if row.live else "", old.corpus.vectors[row.slot] if row.live else None)
            for row in rows
        ]
        loaded.append(new.load(at, [stored[: len(stored) // 2], stored[len(stored) // 2 :]]))
    table = ShardedCorpus(D, there)
    made = ShardedState(state.config, state.anchors, there, table)
    made.resume(at, loaded)
    again = Session.of(table, made, session.drift, index=False)
    again.counters.update(session.counters)
    again._places, again._index, again._served = session._places, session._index, session._served
    again.compare_with(session.baseline, session.pinned)
    return again
