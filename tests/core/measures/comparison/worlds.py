"""A small corpus whose chunks come, go and change, and a slow look at what the lists hold."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from monitor.core.index.baseline import AnchorMark, ListLeg, Member, Snapshot
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.duplicates.shingles import clusters, jaccard
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.measures.comparison.content_hashes import ContentHashes
from monitor.core.measures.comparison.facts import CorpusFacts
from monitor.core.measures.comparison.seen import Observation
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Located, Position, Upsert, chunk_key
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import DriftReport, Measurement
from monitor.core.reporting.drift import Drift, SegmentScope
from tests.core.snapshots import FINGERPRINT, ranked, seen

NAMES = [f"c{at}" for at in range(12)]
SOURCES = ("docs", "wiki", "")
SENTENCE = " ".join(f"word{at}" for at in range(40))
"""One word exchanged leaves 35 of 41 shingles, a near copy; two leave 32 of 44."""
ANCHORS = 9
DEPTHS = (4, 2)
LEGS: tuple[ListLeg, ...] = ("dense", "lexical")


def document(name: str) -> str:
    return f"document {int(name[1:]) % 4}"


def anchors() -> AnchorSet:
    """Some with expected sources, some with judgements, some with neither."""
    made = [
        Anchor(
            f"a{at}",
            f"question {at}",
            None,
            (("language", ("de", "en")[at % 2]),),
            weight=1.0 + at % 3,
            expected_sources=(("docs", "wiki", "docs"), (), ("elsewhere",))[at % 3],
            relevant=({"c0": 1.0, "c1": 2.0, "c99": 1.0}, {}, {"c2": 0.0, "c3": 3.0})[at // 3],
        )
        for at in range(ANCHORS)
    ]
    weights = np.array([anchor.weight for anchor in made])
    return AnchorSet(made, np.zeros((len(made), 0), np.float32), weights, [()] * len(made))


class World:
    """A live corpus with its duplicates, and lists drawn at random, ghosts included."""

    def __init__(self, seed: int) -> None:
        self.generator: Generator = np.random.default_rng(seed)
        self.corpus, self.vocabulary, self.duplicates = Corpus(3), Vocabulary(), Duplicates(MinHashBands())
        self.offset = 0
        self.texts: dict[str, str] = {}
        self.served: dict[int, str] = {}
        self.changed = self.happen(10)
        self.lists: dict[ListLeg, RankedLists] = {leg: self.drawn(ANCHORS) for leg in LEGS}

    def write(self, name: str, text: str | None) -> None:
        """A chunk says this from now on; None: it is deleted."""
        event: CorpusEvent = Delete(name, 8)
        if text is not None:
            vector = np.ones(3, np.float32)
            event = Upsert(Chunk(name, document(name), 0, text, vector, "e1", (), 8, f"hash of {text}"), None)
        self._apply([event])

    def happen(self, count: int) -> list[str]:
        """Some chunks are written, rewritten, written again as they are, or deleted."""
        names = [str(name) for name in self.generator.permutation(NAMES)[:count]]
        self._apply([self.event(name) for name in names])
        return names

    def _apply(self, events: Sequence[CorpusEvent]) -> None:
        batch = [Located(Position("t", 0, self.offset + at), event) for at, event in enumerate(events)]
        self.offset += len(events)
        delta = self.corpus.delta(self.corpus.apply(batch).changes)
        self.duplicates.apply(delta, self.vocabulary.encode(delta.texts), self.vocabulary.hashes)
        self.vocabulary.recycle()

    def event(self, name: str) -> CorpusEvent:
        if self.generator.random() < 0.25:
            self.texts.pop(name, None)
            return Delete(name, 7)
        if name not in self.texts or self.generator.random() < 0.7:
            words = SENTENCE.split()
            words[int(self.generator.integers(len(words)))] = str(self.generator.integers(3))
            self.texts[name] = " ".join(words) if self.generator.random() < 0.7 else f"unlike all others {name}"
        text, source = self.texts[name], SOURCES[len(self.texts[name]) % 3]
        segment = (("source", source),) if source else ()
        vector = np.array([len(text), text.count("o"), 1.0], np.float32)
        return Upsert(Chunk(name, document(name), 0, text, vector, "e1", segment, 7, f"hash of {text}"), None)

    def drawn(self, count: int) -> RankedLists:
        rows: list[list[tuple[str, float]] | None] = []
        for _ in range(count):
            names = self.generator.permutation(NAMES)[: self.generator.integers(0, 5)].tolist()
            rows.append(
                None if self.generator.random() < 0.1 else [(name, 1.0 - at / 9) for at, name in enumerate(names)]
            )
        return ranked(rows, 4)

    def turn(self) -> Observation:
        """One batch, some moved lists, and an index that states old contents."""
        restated = self.generator.permutation(NAMES)[:2].tolist()
        for name in restated:
            self.served[chunk_key(name)] = f"hash of {self.texts.get(name, 'nothing')}"
        self.changed = [*self.happen(int(self.generator.integers(0, 3))), *restated]
        for leg in LEGS:
            rows = np.flatnonzero(self.generator.random(ANCHORS) < 0.3)
            self.lists[leg] = self.lists[leg].replaced(rows, self.drawn(len(rows)))
        return self.view()

    def view(self) -> Observation:
        return replace(
            seen(self.lists, settling=[1] if self.generator.random() < 0.3 else []),
            deploy_id="",
            hashes=ContentHashes(self.corpus),
            facts=CorpusFacts(self.corpus, self.duplicates),
            served=dict(self.served),
            changed=np.array([chunk_key(name) for name in self.changed], np.int64),
        )

    def snapshot(self) -> Snapshot:
        rows = list(self.corpus.listed(self.lists.values()))
        members = {
            key: Member(row.chunk_id, row.doc_id, dict(row.segment).get("source", ""), row.content_hash)
            for key, row in rows
        }
        shingles = {key: self.duplicates.shingles(row.slot).copy() for key, row in rows}
        marks = {anchor.id: AnchorMark(anchor_digest(anchor), anchor.segment) for anchor in anchors().anchors}
        positions = {"t/0": self.offset}
        lists = dict(self.lists)
        return Snapshot("main", "d0", 7, FINGERPRINT, marks, lists, members, {}, positions, shingles=shingles)


def drift(floor: float = 0.0) -> Drift:
    return Drift(anchors(), FINGERPRINT, SegmentScope(("language",), 9, 1), DEPTHS, {}, min_judged=floor)


def one(report: DriftReport, metric: str, leg: str, k: int, segment: str = "all", stat: str = "mean") -> Measurement:
    wanted = (metric, leg, k, segment, stat)
    found = [of for of in report.measurements if (of.metric, of.leg, of.k, of.segment, of.stat) == wanted]
    assert len(found) == 1, (metric, leg, k, segment, found)
    return found[0]


def weighted(values: list[float]) -> float:
    """The mean over the anchors that have a value."""
    pairs = [(value, 1.0 + at % 3) for at, value in enumerate(values) if not math.isnan(value)]
    return sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs) if pairs else math.nan


def listed(lists: RankedLists, row: int, k: int) -> list[str] | None:
    names = {chunk_key(name): name for name in NAMES}
    cut = lists.keys[row, : min(k, int(lists.lengths[row]))].tolist()
    return [names[key] for key in cut] if lists.known[row] else None


def ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


class Slow:
    """Each anchor by itself, from the words of the definitions."""

    def __init__(self, world: World, before: Snapshot, leg: ListLeg, k: int) -> None:
        self.world, self.before, self.k = world, before, k
        self.lists = [listed(world.lists[leg], row, k) for row in range(ANCHORS)]

    def source(self, name: str) -> str:
        row, member = self.world.corpus.row(chunk_key(name)), self.before.members.get(chunk_key(name))
        if row is None or not row.live:
            return member.source if member else ""
        return dict(row.segment).get("source", "")

    def belonged(self, name: str) -> str:
        return document(name) if chunk_key(name) in self.before.members else name

    def belongs(self, name: str) -> str:
        return document(name) if self.alive(name) else self.belonged(name)

    def alive(self, name: str) -> bool:
        row = self.world.corpus.row(chunk_key(name))
        return row is not None and row.live

    def diversity(self, names: list[str]) -> float:
        rows = [self.world.corpus.row(chunk_key(name)) for name in names if self.alive(name)]
        units = [self.world.corpus.vectors[row.slot].astype(np.float64) for row in rows if row]
        units = [unit / np.linalg.norm(unit) for unit in units]
        pairs = [float(left @ right) for at, left in enumerate(units) for right in units[:at]]
        return 1.0 - sum(pairs) / len(pairs) if pairs else math.nan

    def duplicates(self, names: list[str]) -> float:
        facts = CorpusFacts(self.world.corpus, self.world.duplicates)
        sets = {name: facts.shingles(chunk_key(name)) for name in names}
        copies = [
            name for name in names if any(jaccard(sets[name], sets[other]) >= 0.8 for other in names if other != name)
        ]
        return ratio(len(copies), len(names))

    def distinct(self, names: list[str]) -> float:
        return float(len({self.source(name) for name in names} - {""})) or math.nan

    def coverage(self, names: list[str], row: int) -> float:
        wanted = set(anchors().anchors[row].expected_sources)
        return ratio(len(wanted & {self.source(name) for name in names}), len(wanted))

    def changed(self, names: list[str]) -> float:
        return ratio(sum(self.is_changed(name) for name in names), len(names))

    def is_changed(self, name: str) -> bool:
        """What changed it last came after the baseline, and it is not what it was."""
        row, member = self.world.corpus.row(chunk_key(name)), self.before.members.get(chunk_key(name))
        if row is None or row.origin.offset < self.before.positions["t/0"]:
            return False
        return not (row.live and member is not None and member.content_hash == row.content_hash)

    def ghosts(self, names: list[str]) -> float:
        return ratio(sum(self.is_ghost(name) for name in names), len(names))

    def is_ghost(self, name: str) -> bool:
        row, stated = self.world.corpus.row(chunk_key(name)), self.world.served.get(chunk_key(name))
        return row is None or not row.live or (stated is not None and stated != row.content_hash)

    def exchanged(self, then: list[str], names: list[str]) -> float:
        """Swaps among clusters of what both lists say, all pairs compared."""
        facts, members = CorpusFacts(self.world.corpus, self.world.duplicates), self.before.members
        keys = [chunk_key(name) for name in (*then, *names)]
        hashes = [members[key].content_hash if key in members else f"unknown {key}" for key in keys[: len(then)]]
        rows = [self.world.corpus.row(key) for key in keys[len(then) :]]
        hashes += [
            of.content_hash if of and of.live else f"unknown {key}"
            for of, key in zip(rows, keys[len(then) :], strict=True)
        ]
        sets = [self.before.shingles.get(key, np.zeros(0, np.uint32)) for key in keys[: len(then)]]
        sets += [facts.shingles(key) for key in keys[len(then) :]]
        found = clusters(sets, hashes).tolist()
        before, after = set(found[: len(then)]), set(found[len(then) :])
        return float(max(len(before), len(after)) - len(before & after))

    def hub(self) -> float:
        held = [(names, 1.0 + at % 3) for at, names in enumerate(self.lists) if names is not None]
        whole = sum(weight for _, weight in held)
        return max(sum(weight for names, weight in held if name in names) for name in NAMES) / whole


def swapped(then: set[str], now: set[str]) -> float:
    return float(max(len(then), len(now)) - len(then & now))
