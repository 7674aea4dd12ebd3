"""The hash table and the groups on it, against dictionaries of sets."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monitor.core.index.duplicates.buckets import Buckets
from monitor.core.index.duplicates.groups import NO_GROUP, Groups

TAGS = st.sampled_from([0, 1, 2, 1024, 2048, 1025, 2**32 - 1])


class BucketsMachine(RuleBasedStateMachine):
    """Few tags that share buckets, so that chains are long and neighbours leave together."""

    @initialize(width=st.integers(1, 3))
    def start(self, width: int) -> None:
        self.table, self.width = Buckets(width, shelves=2), width
        self.held: dict[int, list[int]] = {}
        self.partition: dict[int, int] = {}

    @rule(data=st.data(), handles=st.sets(st.integers(0, 40), max_size=20), partition=st.integers(0, 1))
    def add(self, data: st.DataObject, handles: set[int], partition: int) -> None:
        fresh = sorted(handles - set(self.held))
        rows = [data.draw(st.lists(TAGS, min_size=self.width, max_size=self.width)) for _ in fresh]
        tags = np.array(rows, np.uint32).reshape(-1, self.width)
        self.table.add(np.array(fresh, np.int64), tags, partition=partition)
        self.held.update(zip(fresh, rows, strict=True))
        self.partition.update(dict.fromkeys(fresh, partition))

    @rule(handles=st.sets(st.integers(0, 40), max_size=30))
    def remove(self, handles: set[int]) -> None:
        leaving = sorted(handles & set(self.held))
        self.table.remove(np.array(leaving, np.int64))
        for handle in leaving:
            del self.held[handle]

    @rule(handles=st.sets(st.integers(0, 40), max_size=30), partition=st.integers(0, 1))
    def move(self, handles: set[int], partition: int) -> None:
        moving = sorted(handles & set(self.held))
        self.table.move(np.array(moving, np.int64), partition)
        self.partition.update(dict.fromkeys(moving, partition))

    @rule()
    def grow(self) -> None:
        self.table._rebuild()

    @invariant()
    def matches_are_those_of_the_tags(self) -> None:
        if not hasattr(self, "table"):
            return
        asked = np.repeat(
            np.array([0, 1, 2, 1024, 2048, 1025, 2**32 - 1, 77], np.uint32)[:, None], self.width, axis=1
        )
        for partition in (0, 1):
            found: set[tuple[int, int]] = set()
            for at, handles in self.table.matches(asked, partition=partition):
                found |= set(zip(asked[at, 0].tolist(), handles.tolist(), strict=True))
            expected = {
                (tag, handle)
                for handle in self.held
                if self.partition[handle] == partition
                for tag in self.held[handle]
            }
            assert found == expected
        assert len(self.table) == len(self.held)
        handles = np.array(sorted(self.held), np.int64)
        assert self.table.tags(handles).tolist() == [self.held[handle] for handle in sorted(self.held)]


TestBuckets = BucketsMachine.TestCase
TestBuckets.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


class GroupsMachine(RuleBasedStateMachine):
    """Slots join and leave; keys agree in the half that the table sees."""

    def __init__(self) -> None:
        super().__init__()
        self.groups = Groups()
        self.key_of: dict[int, int] = {}

    @rule(data=st.data(), slots=st.sets(st.integers(0, 30), max_size=12))
    def join(self, data: st.DataObject, slots: set[int]) -> None:
        joining = sorted(slots - set(self.key_of))
        keys = [data.draw(st.sampled_from([1, 2, 3, 5 << 32, 6 << 32])) for _ in joining]
        known = set(self.key_of.values())
        joined = self.groups.join(np.array(joining, np.int64), np.array(keys, np.uint64))
        assert {keys[at] for at in joined.first.tolist()} == set(keys) - known
        lone = {slot for slot, key in self.key_of.items() if list(self.key_of.values()).count(key) == 1}
        assert set(joined.lone.tolist()) == {slot for slot in lone if self.key_of[slot] in keys}
        self.key_of.update(zip(joining, keys, strict=True))

    @rule(slots=st.sets(st.integers(0, 40), max_size=20))
    def leave(self, slots: set[int]) -> None:
        left = self.groups.leave(np.array(sorted(slots), np.int64))
        for slot in slots:
            self.key_of.pop(slot, None)
        self.groups.release(left[self.groups.sizes[left] == 0])

    @invariant()
    def groups_are_those_of_the_keys(self) -> None:
        assert len(self.groups) == len(set(self.key_of.values()))
        by_group: dict[int, list[int]] = {}
        for slot, group in enumerate(self.groups.of.tolist()):
            assert (group == NO_GROUP) == (slot not in self.key_of)
            if group != NO_GROUP:
                by_group.setdefault(group, []).append(slot)
        by_key: dict[int, list[int]] = {}
        for slot in sorted(self.key_of):
            by_key.setdefault(self.key_of[slot], []).append(slot)
        assert sorted(by_group.values()) == sorted(by_key.values())
        for group, slots in by_group.items():
            assert self.groups.sizes[group] == len(slots)
            assert self.groups.sums[group] == sum(slots)


TestGroups = GroupsMachine.TestCase
TestGroups.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


def test_a_long_run_of_one_chain_leaves_at_once() -> None:
    table = Buckets(2)
    table.add(np.arange(3000), np.full((3000, 2), 7, np.uint32))
    table.remove(np.arange(10, 2990))
    handles = {handle for _, found in table.matches(np.full((1, 2), 7, np.uint32)) for handle in found.tolist()}
    assert handles == {*range(10), *range(2990, 3000)}


def test_random_tags_over_several_growths() -> None:
    generator = np.random.default_rng(5)
    table, held = Buckets(4), dict[int, set[int]]()
    for step in range(20):
        fresh = np.arange(step * 300, step * 300 + 300)
        tags = generator.integers(0, 3000, size=(300, 4)).astype(np.uint32)
        table.add(fresh, tags)
        held.update(zip(fresh.tolist(), map(set, tags.tolist()), strict=True))
        leaving = generator.choice(sorted(held), 120, replace=False)
        table.remove(leaving)
        for handle in leaving.tolist():
            del held[handle]
    asked = np.arange(3000, dtype=np.uint32)[:, None].repeat(4, axis=1)
    found = {pair for at, handles in table.matches(asked) for pair in zip(at.tolist(), handles.tolist(), strict=True)}
    assert found == {(tag, handle) for handle, tags in held.items() for tag in tags}
