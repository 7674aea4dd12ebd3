"""The statistics of the corpus as the engine keeps them and the loop reads them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image
from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.lexical.statistics import LexicalStatistics
from monitor.core.index.statistics.integrity_look import IntegrityLook
from monitor.core.index.statistics.kept import StatisticsAccumulator
from monitor.core.index.statistics.measured import Cache, Measurable
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Profile
from monitor.core.index.statistics.sample import BottomKSample
from monitor.core.index.statistics.view import StatisticsView


class CorpusStatistics:
    """Feeds and freezes the statistics, and knows the baseline's.

    Args:
        corpus: the chunk table.
        duplicates: of the same corpus; takes each delta first.
        dimensions: the configured ones.
        whole: whether all chunks of each document are in this corpus, see `StatisticsAccumulator`.
    """

    def __init__(
        self, corpus: Corpus, duplicates: Duplicates, dimensions: Sequence[str], *, whole: bool = True
    ) -> None:
        self.kept = StatisticsAccumulator(corpus, duplicates, dimensions, whole=whole)
        self._corpus, self._cache = corpus, Cache()
        self._then: Profile | None = None
        self._samples: dict[str, NDArray[np.float32]] = {}
        self._looked = IntegrityLook(self.kept.cells.dimensions)

    def apply(self, delta: Delta, tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64]) -> None:
        """Take in one batch; `tokens` are the token ids of each added text, `hashes` the words' by id."""
        self.kept.apply(delta, tokens, hashes)

    def population(self) -> Population:
        """The chunks as they are now, for a later comparison."""
        return self.kept.population()

    def described(self, slot: int) -> tuple[int, tuple[str, ...]]:
        """Digest of a live chunk's content and vector, and its value in each dimension, the version's last."""
        columns = self.kept.columns
        return int(columns.digests[slot]), self.kept.cells.values[int(columns.cells[slot])]

    def image(self) -> Image:
        """See `image`: without a baseline, which this forgets."""
        self.rebase(None)
        return self.kept.image()

    def resume(self, image: Image) -> None:
        """Take up what was there, where nothing is yet."""
        self.kept.resume(image)

    def rebase(self, profile: Profile | None, pinned: Profile | None = None) -> None:
        """Compare with this profile from here on, and with that of a pinned baseline beside it."""
        self._then = profile
        self.kept.rebase(None if profile is None else profile.population)
        self._samples.pop("changed", None)
        self._looked.rebase(profile, pinned)

    def at(
        self, lexical: LexicalStatistics | None, upserts: tuple[int, int], *, cap: int, brief: bool = False
    ) -> Measurable:
        """The corpus as it is now, to be measured when somebody looks.

        Args:
            lexical: what BM25 rests on, None when that leg is off.
            upserts: upserts applied so far, and those of them that repeated the content.
            cap: the most segments of a dimension.
            brief: whether integrity may be shown as it was last looked at: that takes a pass over the corpus.
        """
        kept, now = self.kept, self._corpus.newest_event_time
        kept.advance(now)
        names = dict(kept.cells.names)
        view = StatisticsView(
            now=now,
            reference=kept.reference,
            dimensions=kept.cells.dimensions,
            rows=kept.counters.frozen(list(names)),
            names=names,
            cells=(kept.counts.copy(), kept.cells.rows.copy()),
            compared=kept.baseline is not None,
            live=self._sample("live", kept.live),
            changed=self._sample("changed", kept.changed),
            lexical=lexical,
            upserts=upserts,
        )
        looked = self._looked.at(kept.batches, kept.population, brief=brief)
        return Measurable(view, self._then, cap, kept.features, self._cache, *looked)

    def _sample(self, name: str, sample: BottomKSample) -> NDArray[np.float32]:
        """Vectors of a sample; the very array of the last time unless it may differ."""
        if sample.stale or name not in self._samples:
            self._samples[name] = self._corpus.vectors[sample.take()]
        return self._samples[name]
