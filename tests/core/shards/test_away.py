"""A shard that does not answer for a while: the same call again ends in the bits of a run that nobody disturbed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from monitor.core.index.engine import Bm25Config
from monitor.core.session import Session
from monitor.core.shards.local import LocalShards
from monitor.core.shards.messages import EpochSpan, ShardAwayError, ShardLists, StageSums
from monitor.core.shards.shard import ShardConfig
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState
from tests.core.shards.streams import D, Feed, anchor, anchor_set, config, drift_of, single, upsert
from tests.core.shards.test_exact import DAY, same_lists, whole

BM25 = Bm25Config("okapi")
ANCHORS = anchor_set([anchor(0, "w1 w2", 0), anchor(1, "w3 the", 1), anchor(2, "w4", 4)], [(), (), ()])
CALLS = ("stage", "rank", "rest", "look")


class LeavingShards(LocalShards):
    """Answers a call that was taken only when it is made again, as a network does; each call once at most."""

    def __init__(self, config: ShardConfig, leaving: Sequence[str]) -> None:
        super().__init__(config, ANCHORS)
        self.leaving, self.left = list(leaving), 0
        self._taken: dict[str, tuple[int, Any]] = {}

    def _answered(self, call: str, epoch: int, made: Any) -> Any:
        if call in self.leaving:
            self.leaving.remove(call)
            self.left += 1
            self._taken[call] = (epoch, made)
            message = "shard 1 of 3: away"
            raise ShardAwayError(message)
        return made

    def _again(self, call: str, epoch: int) -> Any:
        taken = self._taken.get(call)
        return taken[1] if taken is not None and taken[0] == epoch else None

    def stage(self, span: EpochSpan, events: Any) -> list[StageSums]:
        made = self._again("stage", span.epoch) or super().stage(span, events)
        self._taken["stage"] = (span.epoch, made)
        return self._answered("stage", span.epoch, made)  # type: ignore[no-any-return]  # as made

    def rank(self, span: EpochSpan, totals: Any, cuts: Any) -> list[ShardLists]:
        made = self._again("rank", span.epoch) or super().rank(span, totals, cuts)
        self._taken["rank"] = (span.epoch, made)
        return self._answered("rank", span.epoch, made)  # type: ignore[no-any-return]  # as made

    def rest(self, epoch: int, rows: Mapping[Any, Any]) -> list[ShardLists]:
        return self._answered("rest", epoch, super().rest(epoch, rows))  # type: ignore[no-any-return]  # as made

    def look(self, epoch: int, keys: Sequence[int]) -> Any:
        return self._answered("look", epoch, super().look(epoch, keys))


def insisted(session: Session, events: Sequence[Any]) -> int:
    for tried in range(9):
        try:
            session.apply(events)
        except ShardAwayError:
            continue
        return tried
    pytest.fail("never answered")


@pytest.mark.parametrize("call", CALLS)
def test_the_same_call_again_is_a_step_like_any_other(call: str) -> None:
    generator, feed = np.random.default_rng(3), Feed()
    chosen = config(3, 2, BM25)
    shards = LeavingShards(chosen, ())
    corpus = ShardedCorpus(D, shards)
    state = ShardedState(chosen, ANCHORS, shards, corpus)
    session = Session.of(corpus, state, drift_of(ANCHORS, BM25, 2), index=False)
    one, tried = single(config(1, 2, BM25), ANCHORS), 0
    for turn in range(12):
        numbers = generator.integers(0, 18, 7).tolist()
        words = [f"w{number % 5} the w{turn % 4}" for number in numbers]
        events = [
            feed.place(number, upsert(number, text, number % 6, number % 4, (), DAY))
            for number, text in zip(numbers, words, strict=True)
        ]
        shards.leaving = [call, call]
        tried += insisted(session, events)
        shards.leaving = []
        one.apply(events)
        same_lists(session.engine.lists(), one.engine.lists())
        assert whole(session.engine.by_source()) == whole(one.engine.by_source())
        assert session.counters == one.counters
    assert tried == shards.left > 3
    assert whole(session.report()) == whole(one.report())
