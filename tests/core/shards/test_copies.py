"""Steps of copies: what cancels is not sent, what does not follow is refused, and a flood stays linear."""

import numpy as np
import pytest

from monitor.core.arrays.mixing import mix
from monitor.core.index.corpus import ChunkRow, Delta
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.duplicates.shingles import THRESHOLD
from monitor.core.model.events import Delete, Position, Segment
from monitor.core.shards.copies import CopyJournal, CopySteps, CopyTally, HashSteps
from monitor.core.shards.near_copies import BandOwner, SetOwner
from monitor.core.shards.owners import message_bytes
from monitor.core.shards.routing import delivered, owners
from tests.core.index.statistics.streams import put
from tests.core.shards.parts import Cluster, located

DE: Segment = (("language", "de"),)
EN: Segment = (("language", "en"),)


def steps(*of: tuple[int, Segment, int]) -> HashSteps:
    return HashSteps.of({(hashed, segment): step for hashed, segment, step in of})


def test_a_chunk_has_a_copy_where_another_shard_says_the_same() -> None:
    tally = CopyTally()
    assert tally.take([steps((7, DE, 1), (8, DE, 1)), steps((7, EN, 2))]) == ([7, 8], [])
    assert tally.copies == {DE: 1, EN: 2}
    tally.mark(8, marked=True)
    assert tally.copies == {DE: 2, EN: 2}
    assert tally.take([steps((7, EN, -2)), steps((8, DE, -1))]) == ([], [8])
    assert tally.copies == {}
    assert 7 in tally
    assert len(tally) == 1


def test_what_moves_from_shard_to_shard_within_an_epoch_never_looks_gone() -> None:
    tally = CopyTally()
    tally.take([steps((7, DE, 1))])
    assert tally.take([steps((7, DE, -1)), steps((7, DE, 1))]) == ([], [])


def test_steps_that_do_not_follow_are_refused() -> None:
    tally = CopyTally()
    tally.take([steps((7, DE, 1))])
    with pytest.raises(ValueError, match="hash 0000000000000007: fewer than no chunks"):
        tally.take([steps((7, DE, -2))])


def test_only_what_changed_is_said() -> None:
    cluster = Cluster(1, MinHashBands())
    journal = cluster.journals()[0].copies
    cluster.feed(located([put("c1", "a b c d"), put("c2", "a b c d"), put("c3", "")], 0))
    (first,) = journal.sent(1)
    assert (len(first.texts.hashes), len(first.fresh), len(first.shingles)) == (1, 1, 2)
    assert first.texts.steps.tolist() == [2]
    cluster.feed(located([put("c1", "a b c d", event_time=5), put("c4", "a b c d"), Delete("c2", 0)], 3))
    (second,) = journal.sent(1)
    assert message_bytes(second) == 0, "one came where one left, and a set that was there is known"


@pytest.mark.parametrize("variants", [1, 3000])
def test_a_flood_of_copies_over_shards_stays_linear(variants: int) -> None:
    """3,000 chunks of one text, then of one template with a word of its own each: all copies, then none."""
    hashes = mix(np.arange(1, 6000, dtype=np.uint64))
    row = ChunkRow(0, "c", "d", 0, (), "v", 0, "", None, Position("t", 0, 0), 0)
    none, empty = np.zeros(0, np.int64), np.zeros((500, 0), np.float32)
    shards = [Duplicates(MinHashBands()) for _ in range(2)]
    journals = [CopyJournal(shard) for shard in shards]
    sets = [SetOwner(MinHashBands()) for _ in range(2)]
    bands = [BandOwner(THRESHOLD) for _ in range(2)]

    def settle() -> tuple[int, int]:
        inboxes: list[list[CopySteps]] = delivered([journal.sent(2) for journal in journals])
        entries = delivered([owner.take(inbox, 2) for owner, inbox in zip(sets, inboxes, strict=True)])
        wanted = delivered([owner.take(inbox, 2) for owner, inbox in zip(bands, entries, strict=True)])
        found = [[owner.fetched(one) for one in inbox] for owner, inbox in zip(sets, wanted, strict=True)]
        fetched = delivered(found)
        matches = delivered([owner.settle(inbox, 2) for owner, inbox in zip(bands, fetched, strict=True)])
        for owner, inbox in zip(sets, matches, strict=True):
            owner.matched(inbox)
        exact, near = (
            sum(of[at] for of in counted)
            for at in (0, 1)
            for counted in [[(owner.sums.exact.get((), 0), owner.sums.near.get((), 0)) for owner in sets]]
        )
        return exact, near

    for at in range(0, 3000, 1000):
        for number, shard in enumerate(shards):
            slots = np.arange(at // 2, at // 2 + 500)
            texts = [np.array([*range(100), 200 + (2 * slot + number) % variants], np.int32) for slot in slots]
            delta = Delta(none, slots, [row] * 500, [""] * 500, empty, none)
            journals[number].leaving(delta)
            shard.apply(delta, texts, hashes)
            journals[number].came(delta)
        assert settle() == (at + 1000 if variants == 1 else 0, at + 1000)
    for at in range(0, 3000, 1000):
        for number, shard in enumerate(shards):
            slots = np.arange(at // 2, at // 2 + 500)
            delta = Delta(slots, none, [], [], empty[:0], slots)
            journals[number].leaving(delta)
            shard.apply(delta, [], hashes)
            journals[number].came(delta)
        assert settle() == (2000 - at if variants == 1 else 0, 2000 - at)
    assert [len(owner.sets) for owner in sets] == [len(owner) for owner in bands] == [0, 0]


def test_every_hash_has_one_owner_and_all_owners_have_some() -> None:
    hashes = mix(np.arange(4_000, dtype=np.uint64))
    for count in (1, 2, 3, 8):
        assert np.bincount(owners(hashes, count), minlength=count).min() > 4_000 / count * 0.8


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_near_copies_that_come_one_after_the_other_find_each_other(count: int) -> None:
    """Witnesses of every kind: who waits, who is matched, who comes along, and who loses its witness."""
    words = [f"w{at}" for at in range(60)]
    texts = [" ".join([*words[:at], "other", *words[at + 1 :]]) for at in range(6)]
    cluster, near = Cluster(count, MinHashBands()), []
    for at, text in enumerate(texts):
        cluster.feed(located([put(f"c{at}", text)], at))
        cluster.settle()
        near.append(cluster.copies.near)
    assert near == [0, 2, 3, 4, 5, 6]
    for at in range(6):
        cluster.feed(located([Delete(f"c{at}", 0)], 10 + at))
        cluster.settle()
        near.append(cluster.copies.near)
    assert near[6:] == [5, 4, 3, 2, 0, 0]
