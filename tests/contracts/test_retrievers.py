"""One contract over every dense retriever: brute force, the embedded engine, a server (over the stub), pgvector."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.adapters.retrieval.pgvector.store import PgvectorTable
from monitor.adapters.retrieval.pgvector.table import TableSettings
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
from monitor.adapters.retrieval.qdrant.server import ServerRetriever
from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Segment
from monitor.core.model.scoring import Distance
from monitor.kinds import RetrieverContext
from monitor.ports import OwnedIndex, Retriever
from tests.contracts.retrievers import BruteForce, Library, anchor_set, same_lists
from tests.contracts.toys import TOY_STORE, WITH_TOYS, every_case
from tests.postgres import PASSWORD, filled_table, postgres
from tests.qdrant_stub import QdrantStub
from tests.stack import need

Make = Callable[[Library, ExitStack], Retriever]
D = 8
DISTANCES = list(Distance)


def embedded(*, exact: bool) -> Make:
    def make(library: Library, stack: ExitStack) -> OwnedIndex:
        index = EmbeddedIndex(EmbeddedSettings(library.corpus.dimension, library.distance, exact=exact))
        index.start()
        stack.callback(index.close)
        index.reconcile(library.live, library.corpus.vectors)
        return index

    return make


def server(library: Library, stack: ExitStack) -> Retriever:
    """A named vector, the chunk id and its hash nested in the payload, attributes under a prefix.

    The server is handed raw vectors, as by a pipeline that knows nothing of the monitor, and normalises them itself.
    """
    stub = QdrantStub(library.distance, library.corpus.dimension, vector_name="text")
    for row in library.live:
        payload = {"meta": {"id": row.chunk_id, "hash": row.content_hash}, "attributes": dict(row.segment)}
        stub.put(str(uuid5(NAMESPACE_URL, row.chunk_id)), library.raw[row.chunk_id], payload)
    url = stub.start()
    stack.callback(stub.stop)
    settings = ServerSettings(
        url,
        stub.collection,
        library.corpus.dimension,
        library.distance,
        vector_name="text",
        chunk_id_field="meta.id",
        content_hash_field="meta.hash",
        payload_prefix="attributes.",
    )
    retriever = ServerRetriever(settings, known=library.known)
    retriever.start()
    stack.callback(retriever.close)
    return retriever


def pgvector(library: Library, stack: ExitStack) -> Retriever:
    """A table that a pipeline filled with raw vectors, attributes in jsonb, and a graph that is not to be used."""
    url = filled_table(library, need(postgres(), stack))
    settings = TableSettings(
        url,
        "chunks",
        library.corpus.dimension,
        library.distance,
        password=PASSWORD,
        chunk_id="chunk_id",
        content_hash="meta.hash",
        attribute_prefix="meta.attributes.",
        exact=True,
    )
    retriever = PgvectorTable(settings)
    stack.callback(retriever.close)
    retriever.start()
    return retriever


def brute_force(library: Library, stack: ExitStack) -> Retriever:
    return BruteForce(library)


def toy(library: Library, stack: ExitStack) -> Retriever:
    """Built as the wiring builds it: of its section."""
    context = RetrieverContext(
        Path, library.corpus.dimension, library.distance, 10, 30.0, "state.db", known=library.known
    )
    index = TOY_STORE.build(TOY_STORE.section(), context).owned
    assert index is not None
    index.reconcile(library.live, library.corpus.vectors)
    return index


STORES: Mapping[str, Mapping[str, Make]] = {
    "embedded": {"embedded exact": embedded(exact=True), "embedded, graph not built": embedded(exact=False)},
    "server": {"server": server},
    "pgvector": {"pgvector exact": pgvector},
    "toy": {"toy": toy},
}
"""By registered kind, the stores over which its contract is run."""
KINDS: dict[str, Make] = {
    "brute force": brute_force,
    **every_case(WITH_TOYS.retrievers, STORES, "STORES of tests/contracts/test_retrievers.py"),
}


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Iterator[Callable[[Library], Retriever]]:
    with ExitStack() as stack:
        yield lambda library: KINDS[request.param](library, stack)


def filled(distance: Distance, vectors: NDArray[np.float32], segments: Sequence[Segment] | None = None) -> Library:
    library = Library(vectors.shape[1], distance)
    segments = segments or [()] * len(vectors)
    library.upsert(
        [
            (f"c{at:04}", vector, segment)
            for at, (vector, segment) in enumerate(zip(vectors.tolist(), segments, strict=True))
        ]
    )
    return library


def check(retriever: Retriever, library: Library, anchors: AnchorSet, k: int) -> None:
    rows = np.arange(len(anchors))
    same_lists(
        retriever.replay(anchors, rows, k=k, deadline=30.0),
        BruteForce(library).replay(anchors, rows, k=k, deadline=30.0),
    )


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("k", [1, 10, 200])
def test_equals_brute_force(make: Callable[[Library], Retriever], distance: Distance, k: int) -> None:
    rng = np.random.default_rng(7)
    library = filled(distance, 3 * rng.standard_normal((150, D), np.float32))
    anchors = anchor_set(rng.standard_normal((20, D), np.float32), distance)
    check(make(library), library, anchors, k)


@pytest.mark.parametrize("distance", DISTANCES)
def test_massive_ties_duplicates_and_zero_vectors(make: Callable[[Library], Retriever], distance: Distance) -> None:
    rng = np.random.default_rng(8)
    few = np.concatenate([rng.integers(-1, 2, (5, D)), np.zeros((1, D))]).astype(np.float32)
    library = filled(distance, few[rng.integers(0, len(few), 300)])
    anchors = anchor_set(np.concatenate([few, rng.standard_normal((6, D), np.float32)]), distance)
    check(make(library), library, anchors, 10)


@pytest.mark.parametrize("distance", DISTANCES)
def test_near_ties_below_the_resolution_of_float32(make: Callable[[Library], Retriever], distance: Distance) -> None:
    rng = np.random.default_rng(9)
    near = np.ones((200, D), np.float32) + rng.integers(-3, 4, (200, D)).astype(np.float32) * np.float32(2**-22)
    library = filled(distance, near)
    check(make(library), library, anchor_set(rng.standard_normal((20, D), np.float32), distance), 7)


@pytest.mark.parametrize("distance", DISTANCES)
def test_filters(make: Callable[[Library], Retriever], distance: Distance) -> None:
    rng = np.random.default_rng(10)
    segments: list[Segment] = [(("la.ng[0]", f"l{at % 3}"), ("source", f"s{at % 7}")) for at in range(200)]
    library = filled(distance, rng.standard_normal((200, D), np.float32), segments)
    wanted: list[Segment] = [
        (),
        (("la.ng[0]", "l1"),),
        (("la.ng[0]", "l1"), ("source", "s2")),
        (("source", "gone"),),
        (("sou", "rce=s2"),),
    ]
    anchors = anchor_set(rng.standard_normal((len(wanted), D), np.float32), distance, wanted)
    check(make(library), library, anchors, 10)


def test_empty_corpus(make: Callable[[Library], Retriever]) -> None:
    library = Library(D, Distance.COSINE)
    retriever = make(library)
    check(retriever, library, anchor_set(np.ones((3, D), np.float32), Distance.COSINE), 10)
    assert retriever.count() == 0


def test_no_anchors_asked(make: Callable[[Library], Retriever]) -> None:
    library = filled(Distance.DOT, np.ones((3, D), np.float32))
    anchors = anchor_set(np.ones((3, D), np.float32), Distance.DOT)
    made = make(library).replay(anchors, np.zeros(0, np.int64), k=5, deadline=1.0)
    assert made.lists.keys.shape == (0, 5)
    assert not made.failures


def test_some_rows_in_the_order_asked(make: Callable[[Library], Retriever]) -> None:
    rng = np.random.default_rng(11)
    library = filled(Distance.COSINE, rng.standard_normal((50, D), np.float32))
    anchors = anchor_set(rng.standard_normal((9, D), np.float32), Distance.COSINE)
    rows = np.array([7, 2, 5])
    same_lists(
        make(library).replay(anchors, rows, k=4, deadline=30.0),
        BruteForce(library).replay(anchors, rows, k=4, deadline=30.0),
    )


def test_anchors_that_cannot_be_asked(make: Callable[[Library], Retriever]) -> None:
    library = filled(Distance.DOT, np.eye(D, dtype=np.float32))
    vectors = np.ones((3, D), np.float32)
    vectors[1], vectors[2, 0] = 0.0, np.nan
    anchors = AnchorSet(
        [Anchor("a", "", vectors[0]), Anchor("b", "", None), Anchor("c", "", vectors[2])],
        vectors,
        np.ones(3),
        [()] * 3,
    )
    made = make(library).replay(anchors, np.arange(3), k=3, deadline=30.0)
    assert dict(made.failures) == {1: "no_vector", 2: "not_finite"}
    assert made.lists.known.tolist() == [True, False, False]


def test_no_time_at_all_is_a_failure_with_a_name(make: Callable[[Library], Retriever]) -> None:
    library = filled(Distance.COSINE, np.eye(D, dtype=np.float32))
    made = make(library).replay(
        anchor_set(np.eye(D, dtype=np.float32), Distance.COSINE), np.arange(D), k=3, deadline=0.0
    )
    assert dict(made.failures) == dict.fromkeys(range(D), "deadline")
    assert not made.lists.known.any()


def test_count(make: Callable[[Library], Retriever]) -> None:
    assert make(filled(Distance.EUCLID, np.eye(D, dtype=np.float32))).count() == D


def test_what_is_stated_of_chunks_by_id(make: Callable[[Library], Retriever]) -> None:
    library = filled(Distance.COSINE, np.eye(D, dtype=np.float32))
    held = {row.chunk_id: row.content_hash for row in library.live}
    retriever, names = make(library), sorted(held)
    assert retriever.content_hashes([*names[:3], "never written"], deadline=5.0) == {
        name: held[name] for name in names[:3]
    }
    assert retriever.content_hashes([], deadline=5.0) == {}
    assert retriever.content_hashes(["never written"], deadline=5.0) == {}
