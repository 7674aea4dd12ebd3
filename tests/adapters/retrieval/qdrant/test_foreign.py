"""Points of others in the same collection, without a chunk id: counted, named, the list goes on without them."""

import numpy as np
import pytest

from monitor.app.replay import NAMED, Served
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK
from monitor.core.model.scoring import Distance
from monitor.ports import Replay
from tests.adapters.qdrant_serving import QUERY, served
from tests.contracts.retrievers import anchor_set
from tests.qdrant_stub import QdrantStub

K = 3


def shelf(foreign: dict[int, float], own: int = 8) -> QdrantStub:
    """Own chunks c0, c1, ... with the scores 1, 2, ... and foreign points with the scores told."""
    made = QdrantStub(Distance.DOT, 2)
    for at in range(own):
        made.put(at, np.array([at + 1, 0], np.float32), {"chunk_id": f"c{at}"})
    for point, score in foreign.items():
        made.put(point, np.array([score, 0], np.float32), {"id": "elsewhere"})
    return made


def asked(stub: QdrantStub) -> Replay:
    anchors = anchor_set(np.array([[1, 0]], np.float32), Distance.DOT)
    with served(stub) as retriever:
        return retriever.replay(anchors, np.array([0]), k=K, deadline=20.0)


def names(made: Replay) -> list[str]:
    return [made.names[key] for key in made.lists.keys[0].tolist() if key != NO_CHUNK]


@pytest.mark.parametrize(
    ("foreign", "counted"),
    [
        ({}, ()),
        ({100: 7.5}, ("100",)),  # second of the three places
        ({100: 0.5}, ()),  # served to nobody
        ({100: 99.0, 101: 98.0, 102: 97.0}, ("100", "101", "102")),
        ({100: 99.0, 101: 6.5}, ("100",)),
    ],
)
def test_the_list_goes_on_without_them(foreign: dict[int, float], counted: tuple[str, ...]) -> None:
    made = asked(shelf(foreign))
    assert names(made) == ["c7", "c6", "c5"]
    assert made.lists.scores[0].tolist() == [8.0, 7.0, 6.0]
    assert dict(made.foreign) == ({0: counted} if counted else {})


def test_the_index_is_asked_for_more_until_the_list_is_full() -> None:
    stub = shelf({100 + at: 50.0 + at for at in range(40)})
    made = asked(stub)
    assert names(made) == ["c7", "c6", "c5"]
    limits = [query["limit"] for one in stub.sent if one.path.endswith(QUERY) for query in one.body["searches"]]
    assert limits == [6, 12, 24, 48]


def test_more_of_them_than_can_be_asked_for_is_a_failure_with_a_name() -> None:
    made = asked(shelf({100 + at: 50.0 for at in range(1_100)}))
    assert dict(made.failures) == {0: "no_chunk_id"}


def test_a_collection_without_any_chunk_id_is_no_empty_list() -> None:
    made = asked(shelf({100: 1.0}, own=0))
    assert dict(made.failures) == {0: "no_chunk_id"}
    assert not made.lists.known.any()


def test_few_chunks_among_them_are_a_short_list() -> None:
    assert names(asked(shelf({100: 50.0}, own=2))) == ["c1", "c0"]


def test_they_are_counted_named_and_gone_when_they_are_gone() -> None:
    stub = shelf({100 + at: 50.0 + at for at in range(2 * NAMED)})
    anchors = anchor_set(np.array([[1, 0], [0, 1]], np.float32), Distance.DOT)
    with served(stub) as retriever:
        lists = Served(retriever, anchors, k=2 * NAMED, deadline=20.0)
        assert list(lists.evidence()) == []
        lists.refresh(np.arange(2), 0.0, full=True)
        assert lists.foreign_places >= 2 * NAMED
        (found,) = lists.evidence()
        assert found.cause == "INDEX"
        assert "held by points without a chunk id, left out: 100, 101, 102, 103, 104 and 5 more" in found.said
        assert any(found.said == said for said in lists.remarks())
        for point in [point for point in stub.points if isinstance(point, int) and point >= 100]:
            del stub.points[point]
        lists.refresh(np.arange(2), 1.0, full=True)
        assert lists.foreign_places == 0
        assert list(lists.evidence()) == []
    assert chunk_key("c7") in lists.lists.keys
