"""Counts of exact and near copies against all pairs, after every batch."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

from monitor.core.arrays.mixing import mix
from monitor.core.index.corpus import NO_SLOT, ChunkRow, Corpus, Delta
from monitor.core.index.duplicates.duplicates import Bands, Copies, Duplicates
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.duplicates.shingles import jaccard, shingle
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Located, Position, Segment, Upsert, chunk_key
from monitor.core.model.lists import NO_CHUNK

HASHES = mix(np.arange(1, 100, dtype=np.uint64))
SEGMENTS: list[Segment] = [(), (("language", "de"),), (("language", "en"), ("source", "wiki"))]


class FewBands:
    """Bands by a simple rule: the smallest and the largest shingle modulo a small number."""

    width = 2

    def __init__(self, modulus: int) -> None:
        self.modulus = modulus

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        ends = np.cumsum(counts)
        least, most = shingles[ends - counts] % self.modulus, shingles[ends - 1] % self.modulus
        return np.stack((least, most + self.modulus), axis=1).astype(np.uint32)

    def rule(self, left: NDArray[np.uint32], right: NDArray[np.uint32]) -> bool:
        return bool(
            left.min() % self.modulus == right.min() % self.modulus
            or left.max() % self.modulus == right.max() % self.modulus
        )


def words(text: str) -> NDArray[np.int32]:
    return np.array([int(word) for word in text.split()], np.int32)


class Stream:
    """A corpus of number texts, and its duplicates."""

    def __init__(self, bands: Bands) -> None:
        self.corpus, self.offset = Corpus(0), 0
        self.duplicates = Duplicates(bands)
        self.texts: dict[str, str] = {}

    def feed(self, events: Sequence[CorpusEvent]) -> None:
        batch = [Located(Position("t", 0, self.offset + at), event) for at, event in enumerate(events)]
        self.offset += len(events)
        delta = self.corpus.delta(self.corpus.apply(batch).changes)
        self.duplicates.apply(delta, [words(text) for text in delta.texts], HASHES)
        for event in events:
            if isinstance(event, Upsert):
                self.texts[event.chunk.chunk_id] = event.chunk.text

    def rows(self) -> list[ChunkRow]:
        return [row for row in self.corpus.rows() if row.live]

    def restarted(self, bands: Bands) -> Duplicates:
        rows = sorted(self.rows(), key=lambda row: row.key)
        slots = np.arange(len(rows))
        none = np.zeros(0, np.int64)
        delta = Delta(none, slots, rows, [""] * len(rows), np.zeros((len(rows), 0), np.float32), none)
        made = Duplicates(bands)
        made.apply(delta, [words(self.texts[row.chunk_id]) for row in rows], HASHES)
        return made


def put(chunk_id: str, text: str, segment: Segment = ()) -> Upsert:
    return Upsert(Chunk(chunk_id, "doc", 0, text, None, "v", segment, 0, text))


def expected(stream: Stream, like: FewBands) -> dict[Segment, Copies]:
    """All pairs, text by text."""
    rows = stream.rows()
    texts = [words(stream.texts[row.chunk_id]) for row in rows]
    sets = [shingle([text], HASHES, [""]).shingles for text in texts]
    made: dict[Segment, Copies] = {}
    for at, row in enumerate(rows):
        others = [other for other in range(len(rows)) if other != at and len(texts[other]) and len(texts[at])]
        exact = any(np.array_equal(texts[at], texts[other]) for other in others)
        near = any(like.rule(sets[at], sets[other]) and jaccard(sets[at], sets[other]) >= 0.8 for other in others)
        held = made.get(row.segment, Copies(0, 0, 0))
        made[row.segment] = Copies(held.chunks + 1, held.exact + exact, held.near + near)
    return made


def by_segment(duplicates: Duplicates) -> dict[Segment, Copies]:
    languages = duplicates.counts("language")
    names: dict[str, Segment] = {"unset": SEGMENTS[0], "de": SEGMENTS[1], "en": SEGMENTS[2]}
    assert sum(copies.exact for copies in languages.values()) == duplicates.exact
    assert sum(copies.near for copies in languages.values()) == duplicates.near
    return {names[name]: copies for name, copies in languages.items()}


BASES = [list(range(start, start + 30)) for start in (0, 2, 4, 40, 60)]
IDS = st.integers(0, 24).map(lambda number: f"c{number}")
TEXTS = st.one_of(
    st.tuples(st.sampled_from(BASES), st.integers(0, 3), st.integers(0, 29)).map(
        lambda drawn: " ".join(str(word) for word in drawn[0][drawn[1] :] + drawn[0][: drawn[2] // 10])
    ),
    st.lists(st.integers(0, 3), max_size=4).map(lambda few: " ".join(str(word) for word in few)),
)
EVENTS = st.one_of(
    st.tuples(IDS, TEXTS, st.sampled_from(SEGMENTS)).map(lambda drawn: put(*drawn)),
    IDS.map(lambda chunk_id: Delete(chunk_id, 0)),
)


class DuplicatesMachine(RuleBasedStateMachine):
    """Upserts, updates, deletes and floods; the rule is either all pairs or a third of them."""

    @initialize(modulus=st.sampled_from([1, 3]))
    def start(self, modulus: int) -> None:
        self.modulus = modulus
        self.stream = Stream(FewBands(modulus))

    @rule(batch=st.lists(EVENTS, max_size=12))
    def apply(self, batch: Sequence[CorpusEvent]) -> None:
        self.stream.feed(batch)

    @rule(text=TEXTS, first=st.integers(0, 24), count=st.integers(1, 20), segment=st.sampled_from(SEGMENTS))
    def flood(self, text: str, first: int, count: int, segment: Segment) -> None:
        self.stream.feed([put(f"c{(first + at) % 25}", text, segment) for at in range(count)])

    @rule()
    def restart(self) -> None:
        made = self.stream.restarted(FewBands(self.modulus))
        assert by_segment(made) == by_segment(self.stream.duplicates)

    @rule()
    def drain_and_leave_no_trace(self) -> None:
        self.stream.feed([Delete(row.chunk_id, 0) for row in self.stream.rows()])
        duplicates = self.stream.duplicates
        assert (duplicates.exact, duplicates.near, duplicates.counts("language")) == (0, 0, {})
        assert len(duplicates._copies) == len(duplicates._copies._clients) == 0
        assert len(duplicates._sets) == len(duplicates._texts) == duplicates._copies.slab._held == 0

    @invariant()
    def counts_are_those_of_all_pairs(self) -> None:
        if hasattr(self, "stream"):
            found = by_segment(self.stream.duplicates)
            assert found == expected(self.stream, FewBands(self.modulus))


TestDuplicates = DuplicatesMachine.TestCase
TestDuplicates.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)


def test_pairs_and_clusters_of_live_slots() -> None:
    stream = Stream(FewBands(1))
    base = list(range(30))
    texts = {"a": base, "b": [*base, 31], "c": base, "d": [90, 91], "e": []}
    stream.feed([put(name, " ".join(map(str, ids))) for name, ids in texts.items()])
    slot = {row.chunk_id: row.slot for row in stream.rows()}
    duplicates = stream.duplicates
    assert (duplicates.exact, duplicates.near) == (2, 3)
    assert duplicates.jaccard(slot["a"], slot["b"]) == 28 / 29
    assert duplicates.jaccard(slot["e"], slot["e"]) == 0.0
    assert duplicates.shingles(slot["e"]).tolist() == []
    np.testing.assert_array_equal(duplicates.shingles(slot["a"]), duplicates.shingles(slot["c"]))
    assert duplicates.clusters([slot[name] for name in "adcbe"]).tolist() == [0, 1, 0, 0, 4]
    assert duplicates.counts("source") == {"unset": Copies(5, 2, 3)}


def test_a_combination_of_attributes_is_a_dimension() -> None:
    stream = Stream(FewBands(1))
    stream.feed([put("a", "1 2 3", SEGMENTS[2]), put("b", "1 2 3", SEGMENTS[1]), put("c", "4 5 6", SEGMENTS[1])])
    assert stream.duplicates.counts("language+source") == {"en+wiki": Copies(1, 1, 1), "de+unset": Copies(2, 1, 1)}


@pytest.mark.parametrize("variants", [1, 5000])
def test_a_flood_of_copies_stays_linear(variants: int) -> None:
    """5,000 chunks of one text, then of one template with a word of its own each: all copies, then none."""
    hashes = mix(np.arange(1, 6000, dtype=np.uint64))
    duplicates = Duplicates(MinHashBands())
    texts = [np.array([*range(100), 200 + at % variants], np.int32) for at in range(5000)]
    row = ChunkRow(0, "c", "d", 0, (), "v", 0, "", None, Position("t", 0, 0), 0)
    none, empty = np.zeros(0, np.int64), np.zeros((1000, 0), np.float32)
    for at in range(0, 5000, 1000):
        slots = np.arange(at, at + 1000)
        delta = Delta(none, slots, [row] * 1000, [""] * 1000, empty, none)
        duplicates.apply(delta, texts[at : at + 1000], hashes)
        assert duplicates.near == at + 1000
        assert duplicates.exact == (at + 1000 if variants == 1 else 0)
    for at in range(0, 5000, 1000):
        slots = np.arange(at, at + 1000)
        duplicates.apply(Delta(slots, none, [], [], empty[:0], slots), [], hashes)
        assert duplicates.near == 4000 - at
    assert duplicates.counts("language") == {}


def test_a_text_that_is_gone_is_found_again_exactly_or_nearly() -> None:
    stream = Stream(MinHashBands())
    texts = {"a": list(range(1, 60)), "b": list(range(40, 99)), "c": [7, 8, 9], "d": []}
    stream.feed([put(name, " ".join(map(str, text))) for name, text in texts.items()])
    near = [*texts["a"][:58], 3]
    far = [*texts["a"][:25], *texts["b"][30:]]
    asked = [texts["a"], near, far, texts["c"], [9, 8, 7], [], texts["b"]]
    sets = [shingle([np.array(text, np.int32)], HASHES, [""]).shingles for text in asked]
    live = [shingle([np.array(text, np.int32)], HASHES, [""]).shingles for text in texts.values()]
    wanted = [any(jaccard(one, other) >= 0.8 for other in live) for one in sets]
    assert wanted == [True, True, False, True, False, False, True]
    assert stream.duplicates.holds(sets).tolist() == wanted
    assert stream.duplicates.holds([]).tolist() == []
    stream.feed([Delete("a", 0), Delete("c", 0)])
    assert stream.duplicates.holds(sets).tolist() == [False, False, False, False, False, False, True]


@pytest.mark.parametrize("bands", [FewBands(7), MinHashBands()])
@pytest.mark.parametrize("room", [0, 1 << 14])
def test_what_is_asked_again_and_again_is_what_is_looked_for(
    bands: Bands, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts come, go and come back, whatever was asked before and of how many of the sets."""
    monkeypatch.setattr("monitor.core.index.duplicates.near._CAME", room)
    rng, stream = np.random.default_rng(5), Stream(bands)
    texts = [" ".join(map(str, rng.integers(1, 99, int(size)))) for size in rng.integers(0, 30, 24)]
    texts += [f"{text} 7" for text in texts if text]
    sets = [shingle([words(text)], HASHES, [text]).shingles for text in texts]
    asked = stream.duplicates.asking(sets)
    found = 0
    for _ in range(120):
        chosen = rng.integers(0, 12, int(rng.integers(0, 4))).tolist()
        stream.feed(
            [put(f"c{at}", rng.choice(texts)) if rng.random() < 0.5 else Delete(f"c{at}", 0) for at in chosen]
        )
        if rng.random() < 0.2:
            assert stream.duplicates.has(stream.duplicates.asking(sets[:3]), np.arange(3)).shape == (3,)
        places = rng.integers(0, len(sets), int(rng.integers(0, 30)))
        wanted = stream.duplicates.holds([sets[at] for at in places.tolist()])
        assert stream.duplicates.has(asked, places).tolist() == wanted.tolist()
        found += int(wanted.sum())
    assert found


def test_the_sets_of_many_slots_are_those_of_each() -> None:
    stream = Stream(MinHashBands())
    stream.feed([put(name, text) for name, text in zip("abcd", ("1 2 3 4", "", "5", "1 2"), strict=True)])
    slots = np.array([2, NO_SLOT, 0, 1, 3, 0])
    made = stream.duplicates.sets(slots)
    for slot, start, length in zip(slots.tolist(), made.starts.tolist(), made.lengths.tolist(), strict=True):
        wanted = [] if slot == NO_SLOT else stream.duplicates.shingles(slot).tolist()
        assert made.flat[start : start + length].tolist() == wanted
    assert Duplicates(MinHashBands()).sets(np.array([NO_SLOT])).lengths.tolist() == [0]


def test_lists_of_sets_lie_where_the_sets_are() -> None:
    stream = Stream(MinHashBands())
    texts = {"a": "1 2 3 4 5 6", "b": "", "c": "7 8 9"}
    stream.feed([put(name, text) for name, text in texts.items()])
    slots = stream.corpus.slots([chunk_key(name) for name in texts])
    listed = np.array([[slots[0], slots[1], NO_CHUNK], [-2, slots[2], NO_CHUNK]])
    sets, places = stream.duplicates.set_lists(listed)
    assert (places == NO_CHUNK).tolist() == (listed == NO_CHUNK).tolist()
    for slot, place in zip(listed[places >= 0].tolist(), places[places >= 0].tolist(), strict=True):
        said = sets.flat[sets.starts[place] : sets.starts[place] + sets.lengths[place]]
        expected = stream.duplicates.shingles(slot).tolist() if slot >= 0 else []
        assert said.tolist() == expected
