"""Copies of one text are one culprit, however many documents they stand in."""

from collections.abc import Mapping

import numpy as np
import pytest

from monitor.core.attribution import blamed
from monitor.core.attribution.changed_parts import changed_parts
from monitor.core.attribution.fold import by_document, folded
from monitor.core.model.report import Share
from tests.core.attribution.world import Said, World, initial, leg_of, questions

COPIES = 6


def copied(seed: int) -> tuple[World, World, Mapping[str, Said | None]]:
    """A world, and the same after texts of its lists were written again, each into many documents of its own."""
    rng = np.random.default_rng(seed)
    state, anchors = initial(rng), questions(rng)
    of, after = World(state, anchors), World(state, anchors)
    named = [row.chunk_id for row in [of.corpus.row(int(key)) for key in of.lists()["dense"].keys[0]] if row]
    changed: dict[str, Said | None] = {
        f"{name}~{at}": Said(after.state[name].text, "grey", f"grey/{name}/copy{at}")
        for name in named[:2]
        for at in range(COPIES)
    }
    after.apply(changed)
    return of, after, changed


def shares(of: World, before: World, level: str) -> list[Share]:
    found = of.blame(before.snapshot())
    return [
        one
        for leg in ("dense", "lexical")
        for one in blamed(leg_of(found, leg), found.deploys, since=found.since)
        if one.level == level
    ]


@pytest.mark.parametrize("seed", range(6))
def test_copies_of_one_text_have_one_name_and_all_of_their_blame(seed: int) -> None:
    before, after, changed = copied(seed)
    dense = [one for one in shares(after, before, "document") if one.leg == "dense"]
    assert dense
    assert {one.name for one in dense} <= {said.document for name, said in changed.items() if said and "~0" in name}
    assert sum(one.share for one in dense) == pytest.approx(1.0)
    alone = folded(leg_of(after.blame(before.snapshot()), "dense"), "document", by_document)
    assert dense[0].share > 2 * alone[0].share, "each of them alone has a small part of it"
    assert {one.name for one in shares(after, before, "source") if one.leg == "dense"} == {"grey"}


def test_changed_documents_count_copies_under_the_first_that_came() -> None:
    before, after, changed = copied(1)
    baseline = before.snapshot()
    parts = changed_parts(after.corpus.changed(baseline.positions))("grey")
    assert {part.doc_id for part in parts} == {
        said.document for name, said in changed.items() if said and "~0" in name
    }
    assert [part.share for part in parts] == [0.5, 0.5]
    first = next(name for name in changed if "~0" in name)
    after.apply({first: None})  # what went is nobody's copy; the next one stands for the rest
    again = {part.doc_id: part.share for part in changed_parts(after.corpus.changed(baseline.positions))("grey")}
    assert again[after.state[first.replace("~0", "~1")].document] == pytest.approx((COPIES - 1) / (2 * COPIES))
