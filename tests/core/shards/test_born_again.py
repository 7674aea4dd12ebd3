"""Shards and owners that were born again say everything: the coordinator must not add that to what it was told."""

from dataclasses import replace

import numpy as np

from monitor.core.session import Session
from monitor.core.shards.local import LocalShards
from monitor.core.shards.messages import SettledSums
from monitor.core.shards.owners import ContentOwner
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState
from tests.adapters.stores.sqlite.test_stored_shards import ANCHORS, BM25, batch
from tests.core.shards.streams import D, Feed, config, drift_of, single
from tests.core.shards.test_exact import same_snapshot, whole


class RebornShards(LocalShards):
    """Where told so, all that they told owners and coordinator is forgotten before they settle."""

    reborn = False

    def settle(self, epoch: int, now: int) -> SettledSums:
        if self.reborn:
            self._owners = [ContentOwner(self.shards[0]._config.bands) for _ in self.shards]
            for shard in self.shards:
                shard.journals.everything()
        made, self.reborn = replace(super().settle(epoch, now), anew=self.reborn), False
        return made


def test_what_is_said_anew_is_not_added() -> None:
    chosen, feed, generator = replace(config(1, 2, BM25), shards=3), Feed(), np.random.default_rng(9)
    shards = RebornShards(chosen, ANCHORS)
    corpus = ShardedCorpus(D, shards)
    many = Session.of(corpus, ShardedState(chosen, ANCHORS, shards, corpus), drift_of(ANCHORS, BM25, 2), index=False)
    one = single(config(1, 2, BM25), ANCHORS)
    for turn in range(9):
        events = batch(feed, generator)
        for session in (many, one):
            session.apply(events)
            if turn == 3:
                session.compare_with(session.snapshot("main"))
        shards.reborn = turn in {2, 5, 6}
        assert whole(many.report()) == whole(one.report())
        assert not shards.reborn
    same_snapshot(many.snapshot("now"), one.snapshot("now"))
