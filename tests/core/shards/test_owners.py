"""N engines over disjoint parts say what one engine over the whole says, to the bit, after every batch."""

from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.index_sample import sampled
from monitor.core.index.statistics.measured import Measurable
from monitor.core.index.statistics.profile import Profile
from monitor.core.model.events import CorpusEvent, Delete
from tests.core.index.duplicates.test_duplicates import FewBands
from tests.core.index.statistics.streams import put
from tests.core.shards.parts import BASES, CAP, COUNTS, Cluster, Part, copied, events, located, plain


class PartsMachine(RuleBasedStateMachine):
    """Batches, baselines that come and go, shards and owners that are born again."""

    @initialize(count=st.sampled_from(COUNTS), bands=st.sampled_from([MinHashBands(), FewBands(1), FewBands(3)]))
    def start(self, count: int, bands: MinHashBands | FewBands) -> None:
        self.one, self.many = Part(bands, whole=True), Cluster(count, bands)
        self.offset = 0
        self.pinned: Profile | None = None
        self.settled()

    @rule(batches=st.lists(st.lists(events(), max_size=12), min_size=1, max_size=3))
    def an_epoch(self, batches: Sequence[Sequence[CorpusEvent]]) -> None:
        for batch in batches:
            self.feed(batch)
        self.settled()

    @rule(
        chunks=st.lists(
            st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 2), st.integers(0, 3)), min_size=4, max_size=8
        )
    )
    def near_copies_one_by_one(self, chunks: Sequence[tuple[int, bool, int, int]]) -> None:
        """Each an epoch of its own: what comes meets who waits and who is matched, and who leaves was a witness."""
        for number, stays, first, more in chunks:
            text = " ".join([*BASES[0][first:], *["extra", "words", "more"][:more]])
            self.feed([put(f"c{number}", text, ordinal=number) if stays else Delete(f"c{number}", 0)])
            self.settled()
            assert copied(self.many.copies) == copied(self.one.duplicates)

    @rule()
    def all_is_deleted(self) -> None:
        self.feed([Delete(row.chunk_id, 0) for row in self.one.corpus.rows() if row.live])
        self.settled()

    @rule(pin=st.booleans())
    def a_baseline(self, *, pin: bool) -> None:
        mine = self.measured().profile(self.one.statistics.population())
        theirs = self.many.at().profile(self.many.population()[0])
        assert plain(theirs) == plain(mine)
        if pin:
            self.pinned = mine
        self.one.statistics.rebase(mine, self.pinned)
        self.many.rebase(mine, self.pinned)
        self.settled()

    @rule()
    def no_baseline(self) -> None:
        self.one.statistics.rebase(None)
        self.many.rebase(None)
        self.settled()

    @rule()
    def everybody_is_born_again(self) -> None:
        self.many.reborn()
        self.settled()

    def feed(self, batch: Sequence[CorpusEvent]) -> None:
        arrived = located(batch, self.offset)
        self.offset += len(batch)
        self.one.feed(arrived)
        self.many.feed(arrived)

    def settled(self) -> None:
        self.many.settle()

    def measured(self) -> Measurable:
        return self.one.statistics.at(None, (0, 0), cap=CAP)

    @invariant()
    def all_is_the_same(self) -> None:
        if not hasattr(self, "one"):
            return
        assert copied(self.many.copies) == copied(self.one.duplicates)
        mine, theirs = self.measured(), self.many.at()
        assert plain(theirs.measurements()) == plain(mine.measurements())
        assert plain(theirs.concerns()) == plain(mine.concerns())
        assert plain(self.many.population()[0]) == plain(self.one.statistics.population())


TestParts = PartsMachine.TestCase
TestParts.settings = settings(
    max_examples=40, stateful_step_count=10, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(st.sets(st.integers(0, 2**62), max_size=40), st.data())
def test_a_sample_of_the_index_is_the_least_of_all_shards_samples(keys: set[int], data: st.DataObject) -> None:
    every = np.array(sorted(keys), np.int64)
    unsettled = np.array(
        sorted(data.draw(st.sets(st.sampled_from(sorted(keys)), max_size=5))) if keys else [], np.int64
    )
    salt, count = data.draw(st.integers(0, 2**63)), data.draw(st.integers(1, 12))
    parts = [sampled(every[every % 4 == part], unsettled, salt=salt, count=count) for part in range(4)]
    found = sampled(np.concatenate(parts), unsettled[:0], salt=salt, count=count)
    assert found.tolist() == sampled(every, unsettled, salt=salt, count=count).tolist()
