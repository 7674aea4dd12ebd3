"""Dense against lexical: now, since the baseline, and who moved."""

import numpy as np
import pytest
from hypothesis import given

from monitor.core.measures.formulas.overlap import overlap
from monitor.core.model.lists import RankedLists
from tests.core.measures.formulas import oracles
from tests.core.measures.formulas.rows import keyed, pairs, plain
from tests.core.measures.formulas.singles import LegPairs, disagreement


def legs(baseline: tuple[RankedLists, RankedLists], now: tuple[RankedLists, RankedLists]) -> LegPairs:
    (dense_then, lexical_then), (dense, lexical) = baseline, now
    return LegPairs(
        overlap(dense, lexical),
        overlap(dense_then, lexical_then),
        overlap(dense_then, dense),
        overlap(lexical_then, lexical),
    )


def test_who_moved_by_hand() -> None:
    dense_then = keyed(["ab", "ab", "ab", "ab", None], 2)
    lexical_then = keyed(["ab", "ab", "xy", "ab", "ab"], 2)
    dense = keyed(["ab", "cd", "ab", "cd", "cd"], 2)
    lexical = keyed(["ab", "ab", "ab", "cd", "ab"], 2)
    found = disagreement(legs((dense_then, lexical_then), (dense, lexical)), 2)
    np.testing.assert_array_equal(found.rbo, [0, 1, 0, 0, 1])
    np.testing.assert_array_equal(found.jaccard, [0, 1, 0, 0, 1])
    np.testing.assert_array_equal(found.rbo_change, [0, 1, -1, 0, np.nan])
    np.testing.assert_array_equal(found.jaccard_change, [0, 1, -1, 0, np.nan])
    np.testing.assert_array_equal(found.dense_shift, [0, 1, 0, 1, np.nan])
    np.testing.assert_array_equal(found.lexical_shift, [0, 0, 1, 1, 0])


@given(pairs(same_depth=True, max_anchors=3), pairs(same_depth=True, max_anchors=3))
def test_equals_the_slow_versions(
    baseline: tuple[RankedLists, RankedLists], now: tuple[RankedLists, RankedLists]
) -> None:
    anchors = np.arange(min(len(baseline[0]), len(now[0])))
    depth = min(baseline[0].depth, now[0].depth)
    then, current = (tuple(leg.take(anchors).at(depth) for leg in sides) for sides in (baseline, now))
    found = disagreement(legs((then[0], then[1]), (current[0], current[1])), depth)
    for anchor in anchors.tolist():
        d, x = (plain(leg, anchor, depth) for leg in current)
        known = current[0].known[anchor] and current[1].known[anchor]
        expected = 1 - oracles.rbo_ext(d, x, 0.9) if known else np.nan
        assert found.rbo[anchor] == pytest.approx(expected, abs=1e-12, nan_ok=True)
        both = known and then[0].known[anchor] and then[1].known[anchor]
        before = oracles.jaccard(*(plain(leg, anchor, depth) for leg in then))
        change = before - oracles.jaccard(d, x) if both else np.nan
        assert found.jaccard_change[anchor] == pytest.approx(change, abs=1e-12, nan_ok=True)
