"""What must be equal for a comparison to mean anything."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from monitor.core.model.anchors import Anchor
from monitor.core.model.fingerprint import Difference, Fingerprint, SearchMode, anchor_digest
from tests.core.snapshots import FINGERPRINT
from tests.fingerprints import APPROXIMATE, EXACT, wired


@pytest.mark.parametrize("name", [of.name for of in fields(Fingerprint) if of.name not in ("search", "others")])
def test_every_field_counts(name: str) -> None:
    was = FINGERPRINT.shown()[name]
    other = Fingerprint.of({**asdict(FINGERPRINT), name: "another"})
    assert other.digest() != FINGERPRINT.digest()
    assert FINGERPRINT.differences(other) == (Difference(name, "another", was),)
    assert [str(of) for of in other.differences(FINGERPRINT)] == [f"{name}: baseline {was!r}, now 'another'"]


def test_how_the_index_is_searched_counts() -> None:
    assert APPROXIMATE.differences(EXACT) == (
        Difference("search", "embedded:exact", "embedded:hnsw:m=16:ef=default"),
    )
    assert APPROXIMATE.digest() != EXACT.digest()
    wider = wired(exact=False, hnsw_ef=64)
    assert wider.differences(APPROXIMATE) == (
        Difference("search", "embedded:hnsw:m=16:ef=default", "embedded:hnsw:m=16:ef=64"),
    )


@pytest.mark.parametrize(
    ("dense", "mode"),
    [
        ({}, SearchMode.EXACT),
        ({"exact": True}, SearchMode.EXACT),
        ({"exact": False}, SearchMode.APPROXIMATE),
        ({"engine": "server", "url": "http://localhost:6333", "collection": "c"}, SearchMode.APPROXIMATE),
        ({"engine": "server", "url": "http://localhost:6333", "collection": "c", "exact": True}, SearchMode.EXACT),
    ],
)
def test_the_wiring_says_whether_the_index_is_exact(dense: dict[str, object], mode: SearchMode) -> None:
    assert wired(**dense).search.mode is mode


@pytest.mark.parametrize("of", [EXACT, APPROXIMATE, wired(exact=False, hnsw_ef=64)], ids=str)
def test_what_was_stored_before_fields_had_types_is_the_same_fingerprint(of: Fingerprint) -> None:
    """States of version 0.1.0 keep the search as text; their digests stay what people noted down."""
    old = {name: value for name, value in asdict(of).items() if name != "others"}
    made = Fingerprint.of({**old, "search": str(of.search)})
    assert made == of
    assert made.digest() == of.digest()


def test_digests_are_those_of_version_0_1_0() -> None:
    """People compare them by eye, and dashboards show them: they outlive the types of the fields."""
    assert (EXACT.digest(), APPROXIMATE.digest()) == ("c07e5e95eba07a8a", "fa1d194643c62591")


def test_equal_ones_do_not_differ() -> None:
    assert FINGERPRINT.differences(replace(FINGERPRINT)) == ()
    assert FINGERPRINT.digest() == replace(FINGERPRINT).digest()
    assert len(FINGERPRINT.digest()) == 16


def test_swapped_values_are_another_fingerprint() -> None:
    left, right = replace(FINGERPRINT, k="a", bm25="b"), replace(FINGERPRINT, k="b", bm25="a")
    assert left.digest() != right.digest()


def test_stored_fields_come_back_equal() -> None:
    assert Fingerprint.of(asdict(FINGERPRINT)) == FINGERPRINT


def test_a_field_that_was_not_stored_differs() -> None:
    stored = {name: value for name, value in asdict(FINGERPRINT).items() if name != "tokenizer"}
    assert FINGERPRINT.differences(Fingerprint.of(stored)) == (Difference("tokenizer", "absent", EXACT.tokenizer),)


def test_a_field_that_only_a_newer_version_knows_differs() -> None:
    newer = Fingerprint.of({**asdict(FINGERPRINT), "stemmer": "porter"})
    assert newer != FINGERPRINT
    assert FINGERPRINT.differences(newer) == (Difference("stemmer", "porter", "absent"),)
    assert Fingerprint.of(asdict(newer)) == newer, "and is stored again as it was"


def anchor(text: str = "q", vector: list[float] | None = None, version: str = "e") -> Anchor:
    return Anchor("id", text, None if vector is None else np.array(vector, np.float32), embedding_version=version)


def test_a_question_is_its_text_vector_and_encoder() -> None:
    digest = anchor_digest(anchor("q", [1.0, 2.0]))
    assert len(digest) == 32
    assert digest == anchor_digest(anchor("q", [1.0, 2.0]))
    others = [
        anchor("r", [1.0, 2.0]),
        anchor("q", [1.0, 2.5]),
        anchor("q", [1.0]),
        anchor("q"),
        anchor("q", [1.0, 2.0], "f"),
        anchor("qe", [1.0, 2.0], ""),
        anchor("", [1.0, 2.0], "qe"),
    ]
    digests = [anchor_digest(other) for other in others]
    assert len({digest, *digests}) == 1 + len(others)


def test_what_is_no_part_of_the_question_does_not_count() -> None:
    same = replace(anchor("q", [1.0]), id="other", weight=9.0, segment=(("language", "de"),), rewrites=("r",))
    assert anchor_digest(same) == anchor_digest(anchor("q", [1.0]))


def test_a_vector_is_its_numbers_wherever_they_lie() -> None:
    wide = np.array([1.0, 9.0, 2.0, 9.0], np.float32)[::2]
    assert anchor_digest(replace(anchor("q"), vector=wide)) == anchor_digest(anchor("q", [1.0, 2.0]))
