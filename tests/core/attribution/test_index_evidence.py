"""What the served lists say of the index: a fall of the recall, above what an approximate index does by itself."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.core.attribution.index_evidence import recall_evidence
from monitor.core.measures.comparison.alignment import align
from monitor.core.model.lists import RankedLists
from tests.core.snapshots import FINGERPRINT, anchor_set, ranked, snapshot
from tests.fingerprints import APPROXIMATE

ANCHORS = anchor_set([()] * 60)
LETTERS = "abcdefghij"


def exact() -> RankedLists:
    return ranked([[(letter, 1.0 - at / 100) for at, letter in enumerate(LETTERS)]] * 60, 10)


def served(missing: np.ndarray) -> RankedLists:
    """The exact lists, of which so many of the last results are others."""
    rows = []
    for count in missing.tolist():
        kept = list(LETTERS[: 10 - count]) + [f"far{at}" for at in range(count)]
        rows.append([(name, 1.0 - at / 100 if at < 10 - count else 0.1) for at, name in enumerate(kept)])
    return ranked(rows, 10)


def said(then: np.ndarray, now: np.ndarray, *, approximate: bool) -> list[str]:
    before = snapshot(ANCHORS, {"dense": served(then), "exact": exact()})
    before = replace(before, fingerprint=APPROXIMATE if approximate else FINGERPRINT)
    alignment = align(ANCHORS, before, (), cap=9, min_anchors=1)
    lists = {"dense": served(now), "exact": exact()}
    return [one.said for one in recall_evidence(before, lists, alignment, k=10, eps=1e-6)]  # type: ignore[arg-type]  # two legs


NONE = np.zeros(60, np.int64)


def test_an_exact_index_may_miss_nothing() -> None:
    one = NONE.copy()
    one[7] = 1
    assert said(NONE, NONE, approximate=False) == []
    assert said(NONE, one, approximate=False) == ["recall of the served lists is 0.998, was 1.000 in the baseline"]
    assert said(one, NONE, approximate=False) == [], "it became better"


@pytest.mark.parametrize("seed", range(10))
def test_an_approximate_index_that_misses_as_much_elsewhere_is_no_fault(seed: int) -> None:
    rng = np.random.default_rng(seed)
    then, now = rng.binomial(10, 0.05, 60), rng.binomial(10, 0.05, 60)
    assert said(then, now, approximate=True) == []


@pytest.mark.parametrize("seed", range(10))
def test_an_approximate_index_that_misses_much_more_is_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert len(said(rng.binomial(10, 0.05, 60), rng.binomial(10, 0.25, 60), approximate=True)) == 1


def test_nothing_is_said_without_lists_on_both_sides() -> None:
    before = snapshot(ANCHORS, {"dense": RankedLists.unknown(60, 10), "exact": exact()})
    alignment = align(ANCHORS, before, (), cap=9, min_anchors=1)
    lists = {"dense": served(NONE + 3), "exact": exact()}
    assert list(recall_evidence(before, lists, alignment, k=10, eps=1e-6)) == []  # type: ignore[arg-type]  # two legs
    del lists["exact"]
    assert list(recall_evidence(before, lists, alignment, k=10, eps=1e-6)) == []  # type: ignore[arg-type]  # one leg
