"""A small corpus on both legs with sources, documents and deploys: what changed can be taken back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution import Attribution, Event, Statistics, StatisticsCheckpoint
from monitor.core.attribution.culprits import AttributionContext, DriftAttribution, find
from monitor.core.attribution.known import CorpusView
from monitor.core.index.baseline import AnchorMark, Judged, ListLeg, Member, Snapshot, vector_digest
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.measures.comparison.alignment import Alignment, align
from monitor.core.measures.comparison.facts import CorpusFacts, member_shingles
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, Delete, Located, Position, Upsert, text_hash
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, prepare
from tests.fingerprints import EXACT

SOURCES = ("red", "green", "blue", "gold", "grey")
D, K, TOPICS, ANCHORS = 16, 5, 8, 32
VERSION = "v"
PRINT = EXACT
WORDS = [[f"w{topic}x{at}" for at in range(10)] for topic in range(TOPICS)]
COMMON = [f"common{at}" for at in range(6)]
_PROJECTION = np.random.default_rng(99).standard_normal((TOPICS * 10 + 6, D))
_NUMBER = {word: at for at, word in enumerate([word for topic in WORDS for word in topic] + COMMON)}


@dataclass(frozen=True)
class Said:
    """What a chunk says, and where it belongs; `jitter` makes vectors of one text differ by much."""

    text: str
    source: str
    document: str
    jitter: int = 0

    def vector(self) -> NDArray[np.float32]:
        own = int.from_bytes(blake2b(self.text.encode(), digest_size=4).digest(), "big")
        made = sum(_PROJECTION[_NUMBER[word]] for word in self.text.split()) + np.zeros(D)
        made = made + 0.02 * np.random.default_rng(own).standard_normal(D)  # no ties by the same words in other order
        if self.jitter:
            made = made + 0.8 * np.random.default_rng(self.jitter).standard_normal(D)
        ready: NDArray[np.float32] = prepare(made[None].astype(np.float32), Distance.COSINE)[0]
        return ready


State = Mapping[str, Said]
Changed = Mapping[str, Said | None]


def sentence(rng: np.random.Generator, topic: int, words: int = 9) -> str:
    own = rng.choice(WORDS[topic], words)
    return " ".join([*own.tolist(), *rng.choice(COMMON, 2).tolist()])


def initial(rng: np.random.Generator, chunks: int = 160) -> dict[str, Said]:
    """Chunks of all topics and sources, four to a document."""
    made = {}
    for at in range(chunks):
        source = SOURCES[at // 4 % len(SOURCES)]
        made[f"c{at}"] = Said(sentence(rng, int(rng.integers(TOPICS))), source, f"{source}/{at // 4}")
    return made


def questions(rng: np.random.Generator) -> AnchorSet:
    """Anchors of three words of one topic."""
    texts = [" ".join(rng.choice(WORDS[at % TOPICS], 3, replace=False).tolist()) for at in range(ANCHORS)]
    vectors = np.stack([Said(text, "", "").vector() for text in texts])
    anchors = [
        Anchor(f"a{at}", text, vector, (("language", "de" if at % 2 else "en"),), embedding_version=VERSION)
        for at, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    return AnchorSet(anchors, vectors, np.ones(ANCHORS), [()] * ANCHORS)


def members_of(corpus: Corpus, lists: Iterable[RankedLists]) -> dict[int, Member]:
    """What a snapshot remembers of the chunks in these lists."""
    return {
        key: Member(
            row.chunk_id,
            row.doc_id,
            dict(row.segment)["source"],
            row.content_hash,
            row.segment,
            vector_digest(corpus.vectors[row.slot]),
        )
        for key, row in corpus.listed(lists)
    }


class World:
    """Both legs over a corpus that starts as `state`; every event has the next offset of partition t/0."""

    def __init__(self, state: State, anchors: AnchorSet) -> None:
        self.anchors, self.state = anchors, dict(state)
        self.corpus = Corpus(D)
        depths = Depths(K, dense=True, lexical=True)
        self.engine = Engine(anchors, self.corpus, depths, Distance.COSINE, Bm25Config(), bands=MinHashBands())
        self.offset = 0
        self.ledger: list[Judged] = []
        self.milestones: list[tuple[int, StatisticsCheckpoint]] = []
        self.apply(state)

    def apply(self, changed: Changed) -> None:
        """Chunks now say this, or are gone (None); one batch."""
        located = []
        for name, said in changed.items():
            located.append(Located(Position("t", 0, self.offset), self._event(name, said)))
            self.offset += 1
            if said is None:
                self.state.pop(name, None)
            else:
                self.state[name] = said
        self.engine.apply(self.corpus.delta(self.corpus.apply(located).changes))

    def _event(self, name: str, said: Said | None) -> Upsert | Delete:
        if said is None:
            return Delete(name, 1)
        segment = (("language", "de"), ("source", said.source))
        chunk = Chunk(name, said.document, 0, said.text, said.vector(), VERSION, segment, 1, text_hash(said.text))
        return Upsert(chunk)

    def deploy(self, name: str) -> None:
        found = self.engine.by_source()
        self.milestones.append((self.offset, StatisticsCheckpoint(name, None if found is None else found.totals())))
        self.ledger.append(Judged(name, 1, "pass", {"t/0": self.offset}))

    def lists(self) -> dict[ListLeg, RankedLists]:
        """An exact index serves what is maintained."""
        made = dict(self.engine.lists())
        return {"dense": made["exact"], **made}

    def snapshot(self) -> Snapshot:
        lists = self.lists()
        members = members_of(self.corpus, lists.values())
        marks = {anchor.id: AnchorMark(anchor_digest(anchor), anchor.segment) for anchor in self.anchors.anchors}
        statistics = self.engine.statistics
        profile = statistics.at(None, (0, 0), cap=9).profile(statistics.population())
        return Snapshot(
            "b", "", 0, PRINT, marks, lists, members, {}, {"t/0": self.offset}, statistics=self.engine.by_source(),
            profile=profile, shingles=member_shingles(members, CorpusFacts(self.corpus, self.engine.duplicates)),
        )  # fmt: skip

    def align(self, baseline: Snapshot) -> Alignment:
        return align(self.anchors, baseline, ("language",), cap=9, min_anchors=1)

    def path(self, baseline: Snapshot) -> list[StatisticsCheckpoint]:
        """The barriers behind a baseline."""
        return [one for at, one in self.milestones if at > baseline.positions["t/0"]]

    def blame(self, baseline: Snapshot, deploy: str = "") -> DriftAttribution:
        known = CorpusView(self.corpus, self.engine, tuple(self.ledger), milestones=self.path)
        around = AttributionContext(K, 1e-6, frozenset({VERSION}), frozenset(), deploy)
        return find(baseline, self.align(baseline), self.lists(), known, around)


def leg_of(culprits: DriftAttribution, leg: str) -> Attribution:
    return next(one for one in culprits.attributions if one.leg == leg)


def blamed_chunks(attributions: Iterable[Attribution], changed: Changed, before: State) -> set[str]:
    """Chunks whose events are blamed; of sources whose statistics are blamed all that changed."""
    names: set[str] = set()
    for one in attributions:
        for number in {at for at in one.cause.tolist() if at >= 0}:
            cause = one.causes[number]
            if isinstance(cause, Event):
                names.add(cause.chunk_id)
            elif isinstance(cause, Statistics):
                names |= {name for name in changed if cause.name in _sources(name, changed, before)}
    return names


def _sources(name: str, changed: Changed, before: State) -> set[str]:
    both = (changed[name], before.get(name))
    return {said.source for said in both if said is not None}


def contents(world: World, lists: RankedLists) -> list[frozenset[str]]:
    """What each list says, as a set."""
    made = []
    for row in lists.keys.tolist():
        rows = [world.corpus.row(key) for key in row if key >= 0]
        made.append(frozenset(row.content_hash for row in rows if row is not None))
    return made


def plant(rng: np.random.Generator, world: World, sources: Sequence[str], *, near: int = 6) -> dict[str, Said | None]:
    """Changes that move lists: each source gains chunks about anchors, rewrites some and loses some."""
    made: dict[str, Said | None] = {}
    for source in sources:
        own = sorted(name for name, said in world.state.items() if said.source == source)
        for at in range(near):
            topic = int(rng.integers(TOPICS))
            said = Said(sentence(rng, topic, 5), source, f"{source}/planted{at % 2}")
            made[f"new-{source}-{world.offset}-{at}"] = said
        for name in rng.choice(own, min(4, len(own)), replace=False).tolist():
            old = world.state[name]
            made[name] = (
                None if rng.random() < 0.5 else Said(sentence(rng, int(rng.integers(TOPICS))), source, old.document)
            )
    return made
