"""The statistics of a corpus that lies in parts: integers of shards and owners add up by name, then all is as before.

Nothing here depends on how the corpus is cut: counters, histograms and sums of features are integers, and caps,
quantiles and means are taken of their sums; samples are the least hashes of all samples; populations are joined.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import mix
from monitor.core.index.lexical.statistics import LexicalStatistics
from monitor.core.index.statistics import ages
from monitor.core.index.statistics.cells import VERSION
from monitor.core.index.statistics.counters import (
    DOCUMENTS,
    DOCUMENTS_DELETED,
    DOCUMENTS_MODIFIED,
    DOCUMENTS_NEW,
    SIZES,
    Counters,
    SegmentCounters,
)
from monitor.core.index.statistics.features import Features
from monitor.core.index.statistics.integrity_look import IntegrityLook
from monitor.core.index.statistics.kept import StatisticsAccumulator
from monitor.core.index.statistics.measured import Cache, Measurable
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Profile
from monitor.core.index.statistics.sample import SIZE, BottomKSample
from monitor.core.index.statistics.view import StatisticsView
from monitor.core.model.report import ALL
from monitor.core.shards.documents import DocumentOwner, RowName

Ints = NDArray[np.int64]
Vectors32 = NDArray[np.float32]
_OWNED = (DOCUMENTS, DOCUMENTS_NEW, DOCUMENTS_MODIFIED, DOCUMENTS_DELETED)
"""Columns, beside `SIZES`, that only who sees whole documents can count."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentSteps:
    """What moved in the counters of a shard, or of an owner, since the last time.

    Args:
        names: segments that changed, by dimension and value.
        counts: (r, _) int64 steps of their counters.
        sums: (r, _) int64 steps of their sums; no columns where the sender has none.
        came, gone: segments that the sender uses now, or no longer.
        cells: steps of live chunks, by the value in each dimension.
    """

    names: tuple[RowName, ...]
    counts: Ints
    sums: Ints
    came: tuple[RowName, ...] = ()
    gone: tuple[RowName, ...] = ()
    cells: Mapping[tuple[str, ...], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SampledChunks:
    """The least chunks of a shard by the hash of their keys.

    Args:
        keys: (s,) int64.
        vectors: (s, d) float32.
    """

    keys: Ints
    vectors: Vectors32


@dataclass(frozen=True, slots=True, eq=False)
class ShardSums:
    """What a shard says of its statistics once per epoch, to be added to what the others say.

    Args:
        steps: of its counters.
        lent: what is to be added for baseline's chunks that other shards count too.
        live, changed: samples; None where they are as they were.
    """

    steps: SegmentSteps
    lent: SegmentSteps
    live: SampledChunks | None
    changed: SampledChunks | None


class _Sent:
    """The counters as they were sent last."""

    def __init__(self) -> None:
        self.rows: dict[RowName, SegmentCounters] = {}
        self.cells: Counter[tuple[str, ...]] = Counter()

    def steps(
        self, now: Mapping[RowName, SegmentCounters], cells: Counter[tuple[str, ...]], *, named: bool
    ) -> SegmentSteps:
        """What moved since."""
        gone = tuple(name for name in self.rows if name not in now)
        came = tuple(name for name in now if name not in self.rows)
        moved = [name for name, row in now.items() if self.rows.get(name) is not row]
        names = (*moved, *gone)
        counts, sums = [], []
        for name in names:
            before, after = self.rows.get(name), now.get(name)
            counts.append(_less(after, before, "counts"))
            sums.append(_less(after, before, "sums"))
        self.rows = dict(now)
        steps = {value: cells[value] - self.cells[value] for value in {*cells, *self.cells}}
        self.cells = cells
        return SegmentSteps(
            names,
            np.stack(counts) if names else np.zeros((0, 0), np.int64),
            np.stack(sums) if names else np.zeros((0, 0), np.int64),
            came if named else (),
            gone if named else (),
            {value: step for value, step in steps.items() if step},
        )


def _less(after: SegmentCounters | None, before: SegmentCounters | None, name: Literal["counts", "sums"]) -> Ints:
    now, then = (0 if of is None else getattr(of, name) for of in (after, before))
    made: Ints = np.subtract(now, then, dtype=np.int64)
    return made


class StatisticsJournal:
    """What a shard tells the coordinator of its statistics.

    Args:
        kept: the shard's, of documents that are not whole.
    """

    def __init__(self, kept: StatisticsAccumulator) -> None:
        self._kept, self._sent = kept, _Sent()
        self._samples_sent = False
        self._lent: Counter[tuple[RowName, int]] = Counter()
        self._lent_sent: Counter[tuple[RowName, int]] = Counter()

    def forget(self) -> None:
        """Say everything anew: the coordinator knows nothing of this shard."""
        self._sent, self._samples_sent = _Sent(), False
        self._lent_sent = Counter()

    def lend(self, columns: Counter[tuple[RowName, int]]) -> None:
        """What others count of the baseline's chunks too, by segment and column: it is taken away here."""
        self._lent = columns

    def sums(self, now: int) -> ShardSums:
        """What moved since the last time.

        Args:
            now: newest event time of the whole corpus, microseconds: ages are counted from there.
        """
        kept = self._kept
        kept.advance(now)
        names = dict(kept.cells.names)
        frozen = kept.counters.frozen(list(names))
        filled = np.flatnonzero(kept.counts)
        cells = Counter({kept.cells.values[at]: int(kept.counts[at]) for at in filled.tolist()})
        steps = self._sent.steps({names[row]: of for row, of in frozen.items()}, cells, named=True)
        if len(steps.counts):
            steps.counts[:, [*_OWNED]] = 0
            steps.counts[:, SIZES] = 0
        samples = self._sample(kept.live), self._sample(kept.changed)
        self._samples_sent = True
        return ShardSums(steps, self._lending(), *samples)

    def _lending(self) -> SegmentSteps:
        moved = {key: self._lent_sent[key] - self._lent[key] for key in {*self._lent, *self._lent_sent}}
        self._lent_sent = self._lent
        names = {name: at for at, name in enumerate(dict.fromkeys(name for (name, _), step in moved.items() if step))}
        counts = np.zeros((len(names), self._kept.counters.counts.shape[1]), np.int64)
        for (name, column), step in moved.items():
            if step:
                counts[names[name], column] = step
        return SegmentSteps(tuple(names), counts, np.zeros((len(names), 0), np.int64))

    def _sample(self, sample: BottomKSample) -> SampledChunks | None:
        if self._samples_sent and not sample.stale:
            return None
        slots = sample.take()
        return SampledChunks(self._kept.corpus.keys[slots], self._kept.corpus.vectors[slots])


class DocumentSums:
    """What an owner of documents tells the coordinator.

    Args:
        owner: the owner.
    """

    def __init__(self, owner: DocumentOwner) -> None:
        self._owner, self._sent = owner, _Sent()

    def steps(self) -> SegmentSteps:
        """What moved since the last time."""
        names = dict(self._owner.names)
        frozen = self._owner.counters.frozen(list(names))
        return self._sent.steps({names[row]: of for row, of in frozen.items()}, Counter(), named=False)


class WholeStatistics:
    """The statistics of the whole corpus at the coordinator: as `CorpusStatistics` of one process, to the bit.

    Args:
        dimensions: the configured ones.
        dimension: of the vectors, 0 when the dense leg is off.
        population: asks all shards for their chunks and joins them (`populations.joined`); where a baseline knows its
            chunks, and when a snapshot that may become one is taken.
        tell: tells every shard its part of a baseline's chunks (`populations.split`), lets the epoch's talk take
            place, and calls `take`.
    """

    def __init__(
        self,
        dimensions: Sequence[str],
        dimension: int,
        population: Callable[[], Population],
        tell: Callable[[Population | None], object],
    ) -> None:
        self.dimensions: tuple[str, ...] = (ALL, *dimensions, VERSION)
        self.population, self._tell = population, tell
        self._features = Features(dimension) if dimension else None
        self._cache, self._looked = Cache(), IntegrityLook(self.dimensions)
        self._then: Profile | None = None
        empty = Counters(dimension)
        self._zero = SegmentCounters(
            np.zeros(empty.counts.shape[1], np.int64), np.zeros(empty.sums.shape[1], np.int64)
        )
        self._batches = self._now = 0
        self.forget()

    def forget(self) -> None:
        """Nothing is known of shards and owners: they say everything anew. What it is compared with stays."""
        self._totals: dict[RowName, SegmentCounters] = {(0, ALL): self._zero}
        self._users: Counter[RowName] = Counter([(0, ALL)])
        self._cells: Counter[tuple[str, ...]] = Counter()
        self._parts: dict[str, dict[int, SampledChunks]] = {"live": {}, "changed": {}}
        self._samples: dict[str, Vectors32] = {}

    def take(self, now: int, shards: Mapping[int, ShardSums], owners: Sequence[SegmentSteps]) -> None:
        """Take in what was said of an epoch.

        Args:
            now: newest event time of the whole corpus, microseconds, as the shards were told.
            shards: by their number.
            owners: of documents.
        """
        self._now = now
        self._batches += 1
        for steps in (*(one.steps for one in shards.values()), *(one.lent for one in shards.values()), *owners):
            self._add(steps)
        for shard, one in shards.items():
            for name, sample in (("live", one.live), ("changed", one.changed)):
                if sample is not None:
                    self._parts[name][shard] = sample
                    self._samples.pop(name, None)
        for unused in [of for of, users in self._users.items() if not users]:
            del self._users[unused]
            self._totals.pop(unused, None)

    def rebase(self, profile: Profile | None, pinned: Profile | None = None) -> None:
        """Compare with this profile from here on, and with that of a pinned baseline beside it."""
        self._then = profile
        self._looked.rebase(profile, pinned)
        self._tell(None if profile is None else profile.population)

    def at(
        self, lexical: LexicalStatistics | None, upserts: tuple[int, int], *, cap: int, brief: bool = False
    ) -> Measurable:
        """The corpus as it is now, to be measured when somebody looks.

        Args:
            lexical: what BM25 rests on, None when that leg is off.
            upserts: upserts applied so far by all shards, and those of them that repeated the content.
            cap: the most segments of a dimension.
            brief: whether integrity may be shown as it was last looked at.
        """
        rows = {name: row for row, name in enumerate(sorted(self._users))}
        cells = list(self._cells)
        placed = [[rows[at, value] for at, value in enumerate(values)] for values in cells]
        view = StatisticsView(
            now=self._now,
            reference=ages.reference(self._now),
            dimensions=self.dimensions,
            rows={row: self._totals.get(name, self._zero) for name, row in rows.items()},
            names={row: name for name, row in rows.items()},
            cells=(
                np.array([self._cells[values] for values in cells], np.int64),
                np.array(placed, np.int64).reshape(-1, len(self.dimensions)),
            ),
            compared=self._then is not None and self._then.population is not None,
            live=self._sample("live"),
            changed=self._sample("changed"),
            lexical=lexical,
            upserts=upserts,
        )
        looked = self._looked.at(self._batches, self.population, brief=brief)
        return Measurable(view, self._then, cap, self._features, self._cache, *looked)

    def _add(self, steps: SegmentSteps) -> None:
        for name in steps.came:
            self._users[name] += 1
        for name in steps.gone:
            self._users[name] -= 1
        for name, counts, sums in zip(steps.names, steps.counts, steps.sums, strict=True):
            held = self._totals.get(name, self._zero)
            # replaced, never changed: whoever was shown the earlier ones keeps them
            self._totals[name] = SegmentCounters(held.counts + counts, held.sums + sums if len(sums) else held.sums)
        for values, step in steps.cells.items():
            self._cells[values] += step
            if not self._cells[values]:
                del self._cells[values]

    def _sample(self, name: str) -> Vectors32:
        """Vectors of the least hashes of all shards; the very array of the last time unless one of them differs."""
        if name not in self._samples:
            parts = [self._parts[name][shard] for shard in sorted(self._parts[name])]
            width = 0 if self._features is None else self._features.dimension
            keys = np.concatenate([np.zeros(0, np.int64), *(part.keys for part in parts)])
            vectors = np.concatenate([np.zeros((0, width), np.float32), *(part.vectors for part in parts)])
            self._samples[name] = vectors[np.argsort(mix(keys.astype(np.uint64)), kind="stable")[:SIZE]]
        return self._samples[name]
