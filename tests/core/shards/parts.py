"""A corpus in one process beside the same corpus in N parts, under one stream of drawn events."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
from hypothesis import strategies as st

from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.duplicates.duplicates import Bands, Duplicates
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.index.statistics.corpus_statistics import CorpusStatistics
from monitor.core.index.statistics.measured import Measurable
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Profile
from monitor.core.model.events import CorpusEvent, Delete, Heartbeat, Located, Position, Upsert, chunk_key
from monitor.core.model.report import ALL
from monitor.core.shards.copies import CopyCounts
from monitor.core.shards.owners import ContentOwner, ShardJournals, settle
from monitor.core.shards.populations import BaselinePart, PopulationPart, joined, split
from monitor.core.shards.statistics import WholeStatistics
from tests.core.index.statistics.streams import DIMENSIONS, SEGMENTS, START, TIMES, D, put

COUNTS = (1, 2, 4, 8)
CAP = 2


class Part:
    """A corpus, its copies and its statistics."""

    def __init__(self, bands: Bands, *, whole: bool) -> None:
        self.corpus, self.vocabulary, self.duplicates = Corpus(D), Vocabulary(), Duplicates(bands)
        self.statistics = CorpusStatistics(self.corpus, self.duplicates, DIMENSIONS, whole=whole)
        self.journals = None if whole else ShardJournals(self.corpus, self.duplicates, self.statistics.kept)
        self.texts: dict[int, str] = {}

    def feed(self, batch: Sequence[Located]) -> None:
        delta = self.corpus.delta(self.corpus.apply(batch).changes)
        self.texts.update({row.key: text for row, text in zip(delta.rows, delta.texts, strict=True)})
        self.take(delta)

    def take(self, delta: Delta) -> None:
        if self.journals is not None:
            self.journals.leaving(delta)
        tokens = self.vocabulary.encode(delta.texts)
        self.duplicates.apply(delta, tokens, self.vocabulary.hashes)
        self.statistics.apply(delta, tokens, self.vocabulary.hashes)
        if self.journals is not None:
            self.journals.came(delta)

    def restarted(self, bands: Bands) -> "Part":
        """The same shard from its rows, in key order."""
        made = Part(bands, whole=False)
        rows = sorted(self.corpus.rows(), key=lambda row: row.key)
        kept = made.corpus.restore(rows, [self.corpus.vectors[row.slot] if row.live else None for row in rows])
        live = [row for row in kept if row.live]
        slots, none = np.array([row.slot for row in live], np.int64), np.zeros(0, np.int64)
        texts = [self.texts[row.key] for row in live]
        made.take(Delta(none, slots, live, texts, made.corpus.vectors[slots], none))
        made.corpus.newest_event_time, made.texts = self.corpus.newest_event_time, dict(self.texts)
        return made


def home(event: CorpusEvent, count: int) -> int:
    """Where an event goes: by its chunk's id, as a producer's partitioner has it."""
    if isinstance(event, Upsert | Delete):
        return chunk_key(event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id) % count
    return 0


class Cluster:
    """N parts and N owners, and the coordinator's statistics."""

    def __init__(self, count: int, bands: Bands) -> None:
        self.count, self.bands = count, bands
        self.parts = [Part(bands, whole=False) for _ in range(count)]
        self.baselines: list[BaselinePart | None] = [None] * count
        self.profiles: tuple[Profile | None, Profile | None] = (None, None)
        self.begin()

    def begin(self) -> None:
        """Owners and coordinator without any state."""
        self.owners = [ContentOwner(self.bands) for _ in range(self.count)]
        self.whole = WholeStatistics(DIMENSIONS, D, lambda: self.population()[0], self.tell)

    def journals(self) -> list[ShardJournals]:
        return [part.journals for part in self.parts if part.journals is not None]

    def feed(self, batch: Sequence[Located]) -> None:
        for at, part in enumerate(self.parts):
            part.feed([one for one in batch if home(one.event, self.count) == at])

    def settle(self) -> None:
        """One epoch's talk."""
        settle(self.journals(), self.owners)
        self.now = max(part.corpus.newest_event_time for part in self.parts)
        sums = [owner.sums() for owner in self.owners]
        shards = {at: journals.sums(self.now) for at, journals in enumerate(self.journals())}
        self.whole.take(self.now, shards, [steps for _, steps in sums])
        self.copies = CopyCounts([*(of for of, _ in sums), *(one.copy_sums() for one in self.journals())])

    def population(self) -> tuple[Population, np.ndarray]:
        return joined([PopulationPart.of(part.statistics.kept) for part in self.parts])

    def rebase(self, profile: Profile | None, pinned: Profile | None = None) -> None:
        self.profiles = profile, pinned
        self.whole.rebase(profile, pinned)

    def tell(self, population: Population | None) -> None:
        """Each shard its part of a baseline; of every third chunk nobody knows any more where it was."""
        self.baselines = [None] * self.count
        if population is not None:
            keys = population.keys
            homes = np.where(keys // 7 % 3 == 0, -1, keys % self.count)
            self.baselines = [*split(population, homes, self.count)]
        for journals, part in zip(self.journals(), self.baselines, strict=True):
            journals.rebase(part)
        self.settle()

    def reborn(self) -> None:
        """Every shard from its rows, owners and coordinator from what the shards say."""
        self.parts = [part.restarted(self.bands) for part in self.parts]
        self.begin()
        for journals in self.journals():
            journals.everything()
        self.whole.rebase(*self.profiles)

    def at(self) -> Measurable:
        return self.whole.at(None, (0, 0), cap=CAP)


def plain(value: object) -> object:
    """Any of our values as what compares to the bit: arrays by type, shape and bytes."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.generic | float):
        return repr(value)
    if hasattr(value, "__dataclass_fields__"):
        return type(value).__name__, {one.name: plain(getattr(value, one.name)) for one in fields(value)}  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value


def copied(copies: CopyCounts | Duplicates) -> object:
    """All counts of copies."""
    return copies.exact, copies.near, [dict(copies.counts(of)) for of in (ALL, *DIMENSIONS, "source")]


def located(events: Sequence[CorpusEvent], first: int) -> list[Located]:
    return [Located(Position("t", 0, first + at), event) for at, event in enumerate(events)]


BASES = [list("abcdefghijklmnopqrstuvwxyz"), list("zyxwvutsrqponmlkjihgfedcba"), list("aabbccddeeffgghhiijj")]
TEXTS = st.one_of(
    st.tuples(st.sampled_from(BASES), st.integers(0, 2), st.integers(0, 3)).map(
        lambda drawn: " ".join(drawn[0][drawn[1] :] + ["extra", "words", "more"][: drawn[2]])
    ),
    st.lists(st.sampled_from("abcdefg"), max_size=6).map(" ".join),
)


@st.composite
def events(draw: st.DrawFn) -> CorpusEvent:
    """Upserts of few chunks over few documents, texts that are often copies, deletes, heartbeats."""
    kind = draw(st.integers(0, 11))
    name = f"c{draw(st.integers(0, 19))}"
    if kind == 0:
        return Heartbeat(START + draw(st.sampled_from([0, 100, 5_000, 10_000_000])) * 1_000_000)
    if kind <= 3:
        return Delete(name, START)
    return put(
        name,
        draw(TEXTS),
        doc_id=f"d{draw(st.integers(0, 4))}",
        ordinal=draw(st.integers(0, 3)),
        segment=draw(st.sampled_from(SEGMENTS)),
        embedding_version=draw(st.sampled_from(["v", "w"])),
        event_time=draw(st.one_of(TIMES, st.just(0))),  # of 1970: a shard may hold nothing else
        seed=draw(st.integers(0, 3)),
    )
