"""What is known of the corpus beyond its lists: what blame and cause are read from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution import StatisticsCheckpoint, StatisticsTrajectory
from monitor.core.attribution.attribution import ChangedPart, PartsOf
from monitor.core.attribution.changed_parts import changed_parts
from monitor.core.attribution.statistics import AumannShapleyAttributor
from monitor.core.index.baseline import Judged, Snapshot, vector_digest
from monitor.core.index.chunk_status import chunk_statuses
from monitor.core.index.corpus import NO_SLOT, Corpus
from monitor.core.index.lexical.sources import TermOccurrences
from monitor.core.index.maintained import MaintainedState
from monitor.core.index.since_baseline import ChangesSinceBaseline


@dataclass(frozen=True, slots=True, eq=False)
class CorpusView:
    """The corpus and the engine as they are now, read during one evaluation; nothing of it is kept.

    Args:
        corpus: the chunk table.
        engine: the maintained state of both legs.
        ledger: deploys judged so far, oldest first.
        served: content hash by chunk key as the real index says, where it does.
        names: chunk id by chunk key of what the real index serves.
        nameless: points without a chunk id in its lists.
        milestones: the BM25 statistics at the barriers since a baseline; None where nobody knows them.
    """

    corpus: Corpus
    engine: MaintainedState
    ledger: Sequence[Judged] = ()
    served: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    nameless: Sequence[str] = ()
    milestones: Callable[[Snapshot], Sequence[StatisticsCheckpoint]] | None = None
    _changes: dict[int, ChangesSinceBaseline] = field(default_factory=dict, init=False)
    """By identity of the baseline: what changed is looked up once, whoever asks."""

    def changes(self, baseline: Snapshot) -> ChangesSinceBaseline:
        """What changed since a baseline."""
        engine, made = self.engine, self._changes.get(id(baseline))
        if made is None:
            status = chunk_statuses(baseline, engine.statistics, engine.anchors.filters)
            vector = partial(_vector, self.corpus)  # not a method: a view that knows itself waits for the collector
            made = ChangesSinceBaseline(baseline, self.corpus, vector, status, engine.duplicates)
            self._changes[id(baseline)] = made
        return made

    def changed_parts(self, baseline: Snapshot) -> PartsOf:
        """The documents of each source that changed since a baseline; a pass over all chunks when first asked."""
        made: list[PartsOf] = []

        def parts(source: str) -> tuple[ChangedPart, ...]:
            if not made:
                made.append(changed_parts(self.corpus.changed(baseline.positions)))
            return made[0](source)

        return parts

    def weigher(self, baseline: Snapshot, deploy: str) -> "Callable[[], AumannShapleyAttributor | None]":
        """Made when it is first needed: the sums by source cost a pass over the corpus.

        Args:
            baseline: the snapshot compared with.
            deploy: who has what came behind the last barrier.
        """
        made: list[AumannShapleyAttributor | None] = []

        def weigher() -> AumannShapleyAttributor | None:
            if not made:
                made.append(self._weigher(baseline, deploy))
            return made[0]

        return weigher

    def _weigher(self, baseline: Snapshot, deploy: str) -> AumannShapleyAttributor | None:
        now, lexical = self.engine.by_source(), self.engine.lexical
        if now is None or lexical is None or baseline.statistics is None:
            return None
        path = None
        if self.milestones is not None:
            steps = (*self.milestones(baseline), StatisticsCheckpoint(deploy, now.totals()))
            path = StatisticsTrajectory(lexical.bm25, baseline.statistics.totals(), steps)
        return AumannShapleyAttributor(lexical.bm25, baseline.statistics, now, self._occurrences, path=path)

    def _occurrences(self, row: int, keys: NDArray[np.int64]) -> TermOccurrences | None:
        slots, lexical = self.corpus.slots(keys.tolist()), self.engine.lexical
        return None if lexical is None or (slots == NO_SLOT).any() else lexical.occurrences(row, slots)


def _vector(corpus: Corpus, key: int) -> str:
    """Digest of a live chunk's vector, "" where there is none."""
    row = corpus.row(key)
    return "" if row is None or not row.live else vector_digest(corpus.vectors[row.slot])
