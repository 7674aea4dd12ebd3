"""Planted culprits are found; `python -m tests.core.attribution.planted` prints precision and recall of many."""

import pytest

from tests.core.attribution.planted import CASES, scored

SEEDS = range(1_000, 1_008)


@pytest.mark.parametrize("case", CASES)
def test_planted_culprits_are_named_and_nobody_else(case: str) -> None:
    for leg, score in scored(case, SEEDS).items():
        assert score.cases >= len(SEEDS) * 2 // 3, "the planted changes moved too little to tell"
        assert score.precision >= (0.95 if leg == "dense" else 0.7), (leg, score)
        assert score.found == score.planted, (leg, score)
