"""Whether there is anything to judge: each reason, where it begins and where it does not hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.lists import RankedLists
from monitor.core.reporting.substance import Substance, results, wordless

FINE = Substance(chunks=10, depth=10, listed=1, anchors=20, wordless=1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"chunks": 0}, "the corpus is empty"),
        ({"listed": 0}, "no anchor finds anything in 10 chunk(s)"),
        (
            {"chunks": 9},
            "the corpus has 9 chunk(s), and lists of 10 hold all of them whatever changes; expected at least 10",
        ),
        ({"chunks": 9, "depth": 0}, ""),
        ({"chunks": 1, "depth": 1}, ""),
        (
            {"wordless": 2},
            "2 of 20 anchors hold no word, so their lexical lists are always empty; expected at most 5%",
        ),
        ({"silent": True}, "production answers every anchor with nothing"),
    ],
)
def test_what_makes_lists_say_nothing(changed: dict[str, Any], said: str) -> None:
    found = replace(FINE, **changed).problems()
    assert len(found) == bool(said)
    assert not said or found[0].text.startswith(said)


def test_results_of_unknown_and_empty_lists_are_none() -> None:
    assert results({"lexical": RankedLists.unknown(3, 10)}) == 0


def test_anchors_without_a_word() -> None:
    texts = ["windy harbour", "the", "???", "\U0001f600", ""]
    anchors = [Anchor(str(at), text) for at, text in enumerate(texts)]
    made = AnchorSet(anchors, np.zeros((5, 0), np.float32), np.ones(5), [()] * 5)
    assert wordless(made) == 3
