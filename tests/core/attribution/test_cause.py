"""The classes of cause, in the order in which a person should look at them."""

import numpy as np
import pytest

from monitor.core.attribution import Attribution, Event, Statistics
from monitor.core.attribution.cause import _sums, causes
from monitor.core.model.events import Position
from monitor.core.model.report import CauseEvidence

NEW = Event(Position("t", 0, 3), "upsert", "c", "d", "s", (), "v")
SAME_TEXT = Event(Position("t", 0, 4), "reencode", "e", "d", "s", (), "v")
TUNED = CauseEvidence("LEXICAL STATISTICS", "the fingerprint differs from the baseline's: bm25")


def slots(corpus: int, statistics: int, encoder: int = 0) -> Attribution:
    """A leg of which so many slots are explained by each."""
    cause = np.repeat([0, 1, 2], [corpus, statistics, encoder])
    rows = np.arange(len(cause))
    return Attribution(
        "lexical", (NEW, Statistics("s"), SAME_TEXT), rows, rows, rows >= 0, cause, np.ones(len(cause))
    )


@pytest.mark.parametrize(
    ("of", "evidence", "wanted"),
    [
        (slots(1, 9), (), ["CORPUS", "LEXICAL STATISTICS"]),  # statistics move because content does
        (slots(9, 1), (), ["CORPUS", "LEXICAL STATISTICS"]),
        (slots(0, 9), (), ["LEXICAL STATISTICS"]),
        (slots(1, 9, 4), (), ["ENCODER", "CORPUS", "LEXICAL STATISTICS"]),
        (slots(0, 9, 4), (), ["LEXICAL STATISTICS", "ENCODER"]),  # no content to stand behind
        (slots(1, 9), (TUNED,), ["LEXICAL STATISTICS", "CORPUS"]),  # somebody changed how they are counted
        (slots(0, 0), (), []),
    ],
)
def test_statistics_stand_behind_the_content_that_moved_them(
    of: Attribution, evidence: tuple[CauseEvidence, ...], wanted: list[str]
) -> None:
    found = causes([of], frozenset({"v"}), evidence)
    assert [one.cause for one in found] == wanted
    assert sum(one.slots for one in found) == len(of.row)


@pytest.mark.parametrize("seed", range(20))
def test_parts_of_each_cause_are_summed_as_if_alone(seed: int) -> None:
    """To the bit, also where a cause has more entries than numpy adds in one go."""
    generator = np.random.default_rng(seed)
    counts = np.concatenate((generator.integers(1, 12, 50), generator.integers(100, 700, 5)))
    generator.shuffle(counts)
    parts, starts = 1.0 / generator.integers(1, 40, counts.sum()), np.cumsum(counts) - counts
    alone = [parts[start : start + count].sum() for start, count in zip(starts, counts, strict=True)]
    assert _sums(parts, starts, counts).tolist() == alone
    assert _sums(parts[:0], starts[:0], counts[:0]).tolist() == []
