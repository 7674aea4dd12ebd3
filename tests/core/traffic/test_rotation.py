"""The rotating panel: groups that nothing moves, a replacement by hand, and eight months of it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Segment
from monitor.core.selection.selection import Candidate
from monitor.core.traffic.rotation import GROUPS, PanelMonth, PanelRotation, panel_group, rotated_in, rotation

MARCH = PanelMonth(2026, 3)
OF_MARCH = [text for at in range(200) if panel_group(text := f"question number{at}") == MARCH.group]
OTHERS = [text for at in range(200) if panel_group(text := f"question number{at}") != MARCH.group]


def panel(*texts: str, segment: Segment = (), weight: float = 1.0) -> list[Anchor]:
    return [Anchor(of.replace(" ", "-"), of, None, segment, weight) for of in texts]


def rotated(
    anchors: list[Anchor],
    texts: list[str],
    month: PanelMonth = MARCH,
    *,
    segment: Segment = (),
    dimensions: tuple[str, ...] = (),
    kept: Segment = (),
    handed_on: str = "",
) -> PanelRotation:
    candidates = [Candidate(of, 5, segment) for of in texts]
    vectors = np.eye(max(1, len(texts)), dtype=np.float32)[: len(texts)]
    return rotation(anchors, candidates, vectors, month, dimensions=dimensions, kept=kept, handed_on=handed_on)


def test_months_take_turns_and_each_has_its_group() -> None:
    month, groups = PanelMonth(2026, 11), []
    for _ in range(2 * GROUPS):
        groups.append(month.group)
        month = month.next
    assert sorted(groups[:GROUPS]) == list(range(1, GROUPS + 1))
    assert groups[:GROUPS] == groups[GROUPS:]
    assert month == PanelMonth(2028, 3)


def test_a_group_is_the_same_in_every_run_and_whatever_else_the_panel_holds() -> None:
    """The numbers are what an earlier run gave: anchors of files that are in use must not change their groups."""
    assert [panel_group(of) for of in ("how to parse json", "async timeout", "rotate an api key")] == PINNED
    counts = Counter(panel_group(f"question {at}") for at in range(8_000))
    expected = 1_000.0
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 24.3  # chi2(7), p = 0.001
    assert set(counts) == set(range(1, GROUPS + 1))


PINNED = [3, 2, 5]


def test_the_months_group_is_replaced_one_for_one() -> None:
    anchors = [*panel(*OTHERS[:10]), *panel(*OF_MARCH[:3])]
    found = rotated(anchors, [*OF_MARCH[:5], *OTHERS[20:40]])
    assert [of.text for of in found.leave] == OF_MARCH[:2], "of equal weight the first go"
    assert {of.text for of in found.come} == set(OF_MARCH[3:5]), "whoever is in the panel comes no second time"
    assert {of.since for of in found.come} == {"2026-03"}
    assert found.waiting == 1
    assert found.common == pytest.approx(11 / 13)


def test_the_heaviest_stay_where_the_candidates_do_not_suffice() -> None:
    anchors = [replace(of, weight=float(at + 1)) for at, of in enumerate(panel(*OF_MARCH[:3]))]
    found = rotated(anchors, OF_MARCH[3:4])
    assert [of.text for of in found.leave] == OF_MARCH[:1]
    assert found.waiting == 2
    assert found.come[0].weight == pytest.approx(1.0), "the weight of the place is what it was"


def test_places_are_filled_within_their_segment() -> None:
    german, english = (("language", "de"),), (("language", "en"),)
    anchors = [*panel(*OF_MARCH[:2], segment=german), *panel(*OF_MARCH[2:4], segment=english)]
    found = rotated(anchors, OF_MARCH[4:9], segment=german, dimensions=("language",))
    assert {of.text for of in found.leave} == set(OF_MARCH[:2])
    assert {of.segment for of in found.come} == {german}
    assert found.waiting == 2


def test_whoever_is_kept_never_leaves_and_a_held_out_place_stays_held_out() -> None:
    fixed, held = (("panel", "fixed"),), (("panel", "held-out"),)
    anchors = [*panel(OF_MARCH[0], segment=fixed), *panel(OF_MARCH[1], segment=held), *panel(OF_MARCH[2])]
    found = rotated(anchors, OF_MARCH[3:9], dimensions=("panel",), kept=fixed, handed_on="panel")
    assert {of.text for of in found.leave} == set(OF_MARCH[1:3])
    assert sorted(of.segment for of in found.come) == [(), held]


def test_an_empty_panel_and_an_empty_log() -> None:
    assert rotated([], OF_MARCH[:3]).common == 1.0
    found = rotated(panel(*OF_MARCH[:3]), [])
    assert (found.leave, found.come, found.waiting, found.common) == ((), (), 3, 1.0)


@settings(max_examples=25, deadline=None)
@example({400}, 0)
@given(st.sets(st.integers(0, 400), min_size=1, max_size=60), st.integers(0, 50))
def test_nobody_stays_for_more_than_eight_months(own: set[int], extra: int) -> None:
    """Whoever comes is of the group whose place it takes; candidates that are added move nobody else's group."""
    log = [f"asked {at}" for at in range(401 + extra)]
    anchors, month = panel(*(log[at] for at in sorted(own))), PanelMonth(2026, 1)
    first: dict[str, PanelMonth] = {}
    groups = Counter(panel_group(of.text) for of in anchors)
    for _ in range(GROUPS):
        found = rotated(anchors, log, month)
        assert not rotated_in(anchors, month)
        gone = {of.id for of in found.leave}
        anchors = [of for of in anchors if of.id not in gone] + list(found.come)
        assert rotated_in(anchors, month) == bool(found.come)
        first |= {of.id: month for of in found.come}
        month = month.next
    assert Counter(panel_group(of.text) for of in anchors) == groups
    assert {of.id for of in anchors} == set(first), "all places were filled anew"
