"""Chunk ids as collections hold them: numbers in payloads, spellings of point ids, and ids that name no point."""

import numpy as np
import pytest

from monitor.core.model.scoring import Distance
from tests.adapters.qdrant_serving import ask, served
from tests.qdrant_stub import QdrantStub

UUID = "550e8400-e29b-41d4-a716-446655440000"
NOBODY = ["007", str(2**64), "9" * 40, "", "guide.md#1", "-1", "٧", UUID[:-1]]
"""Ids that no point of these collections has, and no request may be refused for."""


def numbered() -> QdrantStub:
    """Numbers and texts in the payload: 7 and "007" are two chunks."""
    made = QdrantStub(Distance.COSINE, 4)
    names: list[int | str] = [7, 8, 2**62, -3, "007", "text"]
    for at, (name, vector) in enumerate(zip(names, np.eye(6, 4, dtype=np.float32) + 1, strict=True)):
        made.put(at, vector, {"chunk_id": name, "hash": f"h{at}"})
    return made


def test_numbers_in_a_payload_are_found_like_texts() -> None:
    with served(numbered(), content_hash_field="hash") as retriever:
        wanted = ["7", "8", str(2**62), "-3", "007", "text"]
        assert retriever.content_hashes([*wanted, *NOBODY[1:]], deadline=5.0) == {
            name: f"h{at}" for at, name in enumerate(wanted)
        }
        assert sorted(retriever.vectors([*wanted, *NOBODY[1:]], deadline=5.0)) == sorted(wanted)
        assert set(ask(retriever).names.values()) <= set(wanted)


def by_point() -> QdrantStub:
    made = QdrantStub(Distance.COSINE, 4)
    for at in (0, 7, 12):
        made.put(at, np.eye(4, dtype=np.float32)[at % 4] + 1, {"hash": f"h{at}"})
    return made


def test_one_id_that_names_no_point_never_sinks_the_others() -> None:
    with served(by_point(), chunk_id_field="", content_hash_field="hash") as retriever:
        assert retriever.content_hashes(["0", *NOBODY, "7"], deadline=5.0) == {"0": "h0", "7": "h7"}
        assert sorted(retriever.vectors([*NOBODY, "12"], deadline=5.0)) == ["12"]
        assert retriever.content_hashes(NOBODY, deadline=5.0) == {}


@pytest.mark.parametrize("spelt", [UUID, UUID.upper(), UUID.replace("-", ""), f"urn:uuid:{UUID}"])
def test_a_uuid_is_asked_for_as_the_server_spells_it_and_answered_as_it_was_asked(spelt: str) -> None:
    stub = QdrantStub(Distance.COSINE, 4)
    stub.put(UUID, np.ones(4, np.float32), {"hash": "h"})
    with served(stub, chunk_id_field="", content_hash_field="hash") as retriever:
        assert retriever.content_hashes([spelt, "7"], deadline=5.0) == {spelt: "h"}
        assert list(retriever.vectors([spelt], deadline=5.0)) == [spelt]
        assert set(ask(retriever).names.values()) == {UUID}
