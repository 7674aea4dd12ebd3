"""Kept statistics equal the ones rebuilt from what is live, to the last integer, after any events in any batches."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.core.index.statistics.population import Population
from monitor.core.model.events import CorpusEvent, Delete
from tests.core.index.statistics.streams import Stream, counted, events


class KeptMachine(RuleBasedStateMachine):
    """Events in batches, baselines that come and go, restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = Stream()
        self.population: Population | None = None

    @rule(batch=st.lists(events(), max_size=10))
    def apply(self, batch: Sequence[CorpusEvent]) -> None:
        self.stream.feed(batch)

    @rule()
    def capture(self) -> None:
        self.population = self.stream.kept.population()
        self.stream.kept.rebase(self.population)

    @rule()
    def without_baseline(self) -> None:
        self.population = None
        self.stream.kept.rebase(None)

    @rule()
    def restart(self) -> None:
        again = self.stream.restarted(self.population)
        mine, other = self.stream.kept.population(), again.kept.population()
        assert other.same(mine)
        assert said(other) == said(mine)
        self.stream = again

    @rule()
    def restart_from_an_image(self) -> None:
        mine, counts = self.stream.kept.population(), counted(self.stream)
        again = self.stream.from_image(self.population)
        assert again.kept.population().same(mine)
        assert said(again.kept.population()) == said(mine)
        assert counted(again) == counts
        assert again.duplicates.counts("language") == self.stream.duplicates.counts("language")
        self.stream = again

    @rule()
    def drain(self) -> None:
        self.stream.feed([Delete(row.chunk_id, 0) for row in self.stream.rows()])
        kept = self.stream.kept
        if self.population is None:
            assert not kept.counters.counts.any()
            assert not kept.counters.sums.any()
            assert len(kept.cells.names) == 1
            assert kept._neighbours is not None
            assert len(kept.documents) == len(kept._neighbours) == 0

    @invariant()
    def equals_what_is_rebuilt(self) -> None:
        again = self.stream.restarted(self.population)
        assert counted(again) == counted(self.stream)
        for mine, other in ((self.stream.kept.live, again.kept.live), (self.stream.kept.changed, again.kept.changed)):
            keys = [self.stream.corpus.keys[mine.take()].tolist(), again.corpus.keys[other.take()].tolist()]
            assert keys[0] == keys[1]


def said(population: Population) -> list[object]:
    """What the chunks say, as plain values."""
    contents = population.contents
    assert contents is not None
    values = [getattr(contents, field.name) for field in fields(contents)]
    return [of.tolist() if isinstance(of, np.ndarray) else of for of in values]


TestKept = KeptMachine.TestCase
TestKept.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
