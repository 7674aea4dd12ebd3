"""What is kept of a summary is what a summary made from nothing says, and of what did not move the very objects."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.core.measures.comparison.alignment import Alignment, Grouping
from monitor.core.measures.comparison.summary import Summaries, SummaryTable
from monitor.core.measures.formulas.columns import NOT_REPLAYED, Name

ANCHORS = 40
NAMES = (Name("swaps", 3), Name("top1_score", 0), Name("top1_score", 0, own=True), Name("jaccard_ratio", 3))
LIMITS = {"swaps": 1.0}


def aligned(random: np.random.Generator) -> Alignment:
    every, codes = np.arange(ANCHORS), random.integers(0, 3, ANCHORS)
    groupings = (
        Grouping("all", ("all",), np.zeros(ANCHORS, np.int64)),
        Grouping("language", ("de", "en", "fr", "nobody"), codes),
    )
    return Alignment(every, every, random.random(ANCHORS) + 0.1, groupings, (), 0)


def table(random: np.random.Generator) -> SummaryTable:
    values = np.round(random.random((len(NAMES), ANCHORS)) * 3, 1)
    return SummaryTable("dense", NAMES, values, ("",) * len(NAMES))


def other(random: np.random.Generator, of: SummaryTable) -> SummaryTable:
    """The next moment: values of a few anchors, reasons, a note, or nothing at all."""
    values, reasons = of.values.copy(), of.reasons
    for _ in range(random.integers(0, 4)):
        values[random.integers(0, len(NAMES)), random.integers(0, ANCHORS)] = random.choice([np.nan, 0.0, 0.5, 2.0])
    what = random.integers(0, 6)
    if what == 0:
        reasons = tuple(random.choice(["", NOT_REPLAYED, "too_few_results"], len(NAMES)).tolist())
    return replace(of, values=values, reasons=reasons, note="part of it" if what == 1 else of.note)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_kept_says_what_one_made_from_nothing_says(seed: int) -> None:
    random = np.random.default_rng(seed)
    alignments = [aligned(random), aligned(random)]
    kept, now, failures = Summaries(LIMITS), table(random), {}
    for _ in range(30):
        now, alignment = other(random, now), alignments[int(random.random() < 0.1)]
        if random.random() < 0.2:
            failures = dict.fromkeys(
                random.integers(0, ANCHORS, 3).tolist(), str(random.choice(["timeout", "settling"]))
            )
        alone = bool(random.random() < 0.1)
        said = kept.of(now, alignment, failures, only_all=alone)
        afresh = Summaries(LIMITS).of(now, alignment, failures, only_all=alone)
        assert repr(said) == repr(afresh)


def test_a_value_that_moves_says_its_own_segments_anew_and_nothing_else() -> None:
    random = np.random.default_rng(0)
    alignment, now, kept = aligned(random), table(random), Summaries()
    before = kept.of(now, alignment, {})
    assert kept.of(replace(now, values=now.values.copy()), alignment, {}) == before
    values = now.values.copy()
    values[3, 0] = 2.9
    after = kept.of(replace(now, values=values), alignment, {})
    moved = {(one.metric, one.segment) for one, was in zip(after, before, strict=True) if one is not was}
    home = alignment.groupings[1].segments[alignment.groupings[1].codes[0]]
    assert moved <= {("jaccard_ratio", "all"), ("jaccard_ratio", home)}
    assert ("jaccard_ratio", "all") in moved
