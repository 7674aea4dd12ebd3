"""The incident card as text: whatever the names are made of, its columns stand and nothing that is short is cut."""

import pytest
from rich.cells import cell_len

from monitor.app.card_text import explain_card
from tests.adapters.cards import anchor, card, result

NAMES = {
    "short": "guide.md#tokens",
    "long": "docs/" + "a-long-name/" * 20 + "end",
    "wide": "授權" * 40 + "#終",
    "emoji": "👍" * 40,
    "marks": "ก็" * 60,
    "none": "",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_ranks_causes_and_scores_stand_beside_any_name(name: str) -> None:
    one = result(10, name, "rewritten", score=123.456, snippet=name)
    made = {**anchor(text="q"), "before": [one] * 10, "after": [one] * 10}
    lines = explain_card(card(anchors=[made])).splitlines()
    (row,) = (line for line in lines if line.startswith("10 "))
    assert " * " in row
    assert "123.456" in row
    assert name[-8:] in row, "the end of a name says most"
    assert max(cell_len(line) for line in lines if not line.startswith("    ")) <= 120


def test_the_signs_are_said_once() -> None:
    text = explain_card(card(anchors=[anchor("a"), anchor("b")]))
    assert text.count("~ moved, + entered, - left, * rewritten, = renamed") == 1
    assert "most shaken" not in explain_card(card(anchors=[]))
