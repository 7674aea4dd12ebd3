"""Blame: shares add up, planted culprits are found, and reverting the blamed changes restores the lists."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.attribution import (
    STATISTICS,
    UNEXPLAINED,
    Attribution,
    ChangesSinceBaseline,
    Event,
    attribute,
    folded,
)
from monitor.core.attribution.fold import by_source, whose
from monitor.core.index.baseline import Snapshot, vector_digest
from monitor.core.index.corpus import Corpus
from monitor.core.index.dense.topk import DenseTopK
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, Delete, Located, Position, Upsert
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import Leg
from monitor.core.model.scoring import Distance, prepare
from tests.core.attribution.world import members_of
from tests.fingerprints import EXACT

SOURCES = ("red", "green", "blue", "gold")
D, K = 8, 5
PRINT = EXACT


class World:
    """A dense corpus of a few sources with maintained lists, and a snapshot of it."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.corpus = Corpus(D)
        vectors = prepare(self.rng.standard_normal((30, D)).astype(np.float32), Distance.COSINE)
        self.anchor_vectors = vectors
        anchors = [Anchor(f"a{at}", "", vector) for at, vector in enumerate(vectors)]
        self.engine = DenseTopK(
            AnchorSet(anchors, vectors, np.ones(30), [()] * 30), self.corpus, k=K, distance=Distance.COSINE
        )
        self.offset = 0
        self.put([(f"c{at}", SOURCES[at % 4]) for at in range(120)])

    def apply(self, events: list[Upsert | Delete]) -> None:
        located = []
        for event in events:
            located.append(Located(Position("t", 0, self.offset), event))
            self.offset += 1
        self.engine.apply(self.corpus.delta(self.corpus.apply(located).changes))

    def put(self, named: list[tuple[str, str]], near: NDArray[np.float32] | None = None) -> None:
        events: list[Upsert | Delete] = []
        for chunk_id, source in named:
            raw = self.rng.standard_normal((1, D)).astype(np.float32)
            if near is not None:
                raw = near[self.rng.integers(len(near))][None] + 0.05 * raw
            vector = prepare(raw.astype(np.float32), Distance.COSINE)[0]
            text = f"{chunk_id} at {self.offset}"
            chunk = Chunk(chunk_id, f"{source}/doc", 0, text, vector, "v", (("source", source),), 1, text)
            events.append(Upsert(chunk))
        self.apply(events)

    def lists(self) -> RankedLists:
        return self.engine.lists()

    def snapshot(self) -> Snapshot:
        lists = self.lists()
        members = members_of(self.corpus, [lists])
        return Snapshot("b", "", 0, PRINT, {}, {"dense": lists}, members, positions={"t/0": self.offset})


def attributed(world: World, before: Snapshot, leg: Leg = "dense") -> Attribution:
    def vector(key: int) -> str:
        row = world.corpus.row(key)
        return "" if row is None or not row.live else vector_digest(world.corpus.vectors[row.slot])

    changes = ChangesSinceBaseline(before, world.corpus, vector)
    return attribute(leg, (before.lists["dense"], world.lists()), np.arange(30), changes)


def shares_of(world: World, before: Snapshot, leg: Leg = "dense") -> dict[str, float]:
    made = attributed(world, before, leg)
    return {one.name: one.share for one in folded(made, "source", by_source, statistics=whose)}


def test_no_churn_blames_nobody() -> None:
    world = World(0)
    assert shares_of(world, world.snapshot()) == {}


@pytest.mark.parametrize("seed", range(40))
def test_a_single_culprit_has_all_the_blame(seed: int) -> None:
    world = World(seed)
    before = world.snapshot()
    culprit = SOURCES[seed % 4]
    if seed % 2:
        world.put([(f"new{at}", culprit) for at in range(20)], near=world.anchor_vectors)
    else:
        world.apply([Delete(f"c{at}") for at in range(120) if SOURCES[at % 4] == culprit])
    shares = shares_of(world, before)
    assert shares == {culprit: pytest.approx(1.0)}


@pytest.mark.parametrize("seed", range(40))
def test_shares_add_up_and_name_both_culprits(seed: int) -> None:
    world = World(100 + seed)
    before = world.snapshot()
    world.put([(f"new{at}", "gold") for at in range(10)], near=world.anchor_vectors)
    world.apply([Delete(f"c{at}") for at in range(0, 60, 4)])
    shares = shares_of(world, before)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert set(shares) == {"gold", "red"}


def test_churn_without_a_change_is_unexplained_or_statistics() -> None:
    world = World(7)
    before = world.snapshot()
    shuffled = before.lists["dense"].keys.copy()
    shuffled[:, -1] = world.lists().keys[::-1, 0]
    then = replace(before, lists={"dense": replace(before.lists["dense"], keys=shuffled)})
    assert shares_of(world, then) == {UNEXPLAINED.name: pytest.approx(1.0)}
    assert shares_of(world, then, "lexical") == {STATISTICS.name: pytest.approx(1.0)}


def test_the_same_content_under_another_id_blames_nobody() -> None:
    world = World(3)
    before = world.snapshot()
    rows = [row for _, row in world.corpus.listed([world.lists()])]
    renamed: list[Upsert | Delete] = []
    for row in rows:
        vector = world.corpus.vectors[row.slot].copy()
        renamed.append(Delete(row.chunk_id))
        said = row.content_hash
        renamed.append(
            Upsert(Chunk(f"moved/{row.chunk_id}", "moved", 0, said, vector, "v", row.segment, 1, said)),
        )
    world.apply(renamed)
    assert not np.array_equal(world.lists().keys, before.lists["dense"].keys)
    assert shares_of(world, before) == {}


@pytest.mark.parametrize("seed", range(20))
def test_reverting_the_blamed_source_restores_the_lists(seed: int) -> None:
    """The counterfactual: without the blamed source's changes there is no churn left."""
    world = World(200 + seed)
    before = world.snapshot()
    world.put([(f"new{at}", "blue") for at in range(15)], near=world.anchor_vectors)
    shares = shares_of(world, before)
    assert set(shares) == {"blue"}
    world.apply([Delete(f"new{at}") for at in range(15)])
    assert np.array_equal(world.lists().keys, before.lists["dense"].keys)
    assert shares_of(world, before) == {}


def test_an_event_is_the_last_that_changed_the_chunk() -> None:
    """Saying it again moves the chunk's position, not who is to blame."""
    world = World(5)
    before = world.snapshot()
    world.put([("new", "blue")], near=world.anchor_vectors)
    changed = world.offset - 1
    row = next(row for row in world.corpus.rows() if row.chunk_id == "new")
    vector = world.corpus.vectors[row.slot].copy()
    again = Chunk("new", row.doc_id, 0, row.content_hash, vector, "v", row.segment, 9, row.content_hash)
    world.apply([Upsert(again), Upsert(again)])
    made = attributed(world, before)
    (event,) = {made.causes[at] for at in made.cause.tolist()}
    assert isinstance(event, Event)
    assert (event.kind, event.position) == ("upsert", Position("t", 0, changed))


def test_a_chunk_that_changed_and_changed_back_is_what_it_was() -> None:
    world = World(6)
    before = world.snapshot()
    rows = [row for row in world.corpus.rows() if row.doc_id == "red/doc"]
    kept = [(row, world.corpus.vectors[row.slot].copy()) for row in rows]
    world.put([(row.chunk_id, "red") for row in rows])
    assert set(shares_of(world, before)) == {"red"}
    world.apply(
        [
            Upsert(
                Chunk(row.chunk_id, row.doc_id, 0, row.content_hash, vector, "v", row.segment, 1, row.content_hash)
            )
            for row, vector in kept
        ]
    )
    assert shares_of(world, before) == {}


def test_a_new_vector_under_the_same_text_is_an_event_of_its_own_kind() -> None:
    world = World(8)
    before = world.snapshot()
    rows = [row for row in world.corpus.rows() if row.doc_id == "gold/doc"]
    for row in rows:
        vector = prepare(world.rng.standard_normal((1, D)).astype(np.float32), Distance.COSINE)[0]
        said = row.content_hash
        world.apply([Upsert(Chunk(row.chunk_id, row.doc_id, 0, said, vector, "v", row.segment, 1, said))])
    assert shares_of(world, before) == {"gold": pytest.approx(1.0)}
    made = attributed(world, before)
    used = {made.causes[at] for at in made.cause.tolist()}
    assert {cause.kind for cause in used if isinstance(cause, Event)} == {"reencode"}
