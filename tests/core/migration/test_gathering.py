"""Evidence from a view: what is measurable becomes evidence, what is not stays unknown."""

import math
from dataclasses import replace

import numpy as np
import pytest

from monitor.core.migration.clicks import Impression, shown_overlap
from monitor.core.migration.gathering import EvidenceSources, compared_lists, gather
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import MigrationView, Phase, VersionLists
from monitor.core.migration.side_effects import ListedTraits
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import chunk_key, text_hash
from monitor.core.model.lists import RankedLists
from tests.core.migration.views import CUT, NOW, view

LIMITS = GateLimits()
COUNT = 200


def anchors(*, judged: bool = True, sources: bool = False) -> AnchorSet:
    made = [
        Anchor(
            f"q{at}",
            f"question {at}",
            relevant={f"c{at}": 1.0} if judged else {},
            expected_sources=("docs",) if sources else (),
        )
        for at in range(COUNT)
    ]
    return AnchorSet(made, np.zeros((COUNT, 0), np.float32), np.ones(COUNT), [()] * COUNT)


def ranked(offset: int, *, unknown: bool = False) -> RankedLists:
    """The relevant chunk stands at rank `offset` + 1."""
    rows = [
        None
        if unknown
        else [(f"x{at}.{place}" if place != offset else f"c{at}", 1.0 - place / 10) for place in range(5)]
        for at in range(COUNT)
    ]
    return RankedLists.of(rows, 5)


def migrating(old: RankedLists, new: RankedLists, *, asked: bool = True, **changed: object) -> MigrationView:
    nothing = RankedLists.unknown(COUNT, 5)
    lists = {
        "old:v1": VersionLists(old if asked else nothing, old),
        "new:v2": VersionLists(new if asked else nothing, new),
    }
    return view(**{"anchors": anchors(), "lists": lists, **changed})


TRAITS = {
    chunk_key(name): ListedTraits(name, "docs" if name.startswith("c") else "blog", 10, NOW)
    for at in range(COUNT)
    for name in (f"c{at}", *(f"x{at}.{place}" for place in range(5)))
}
SOURCES = EvidenceSources(5, {"all": ["all"] * COUNT}, TRAITS, thresholds={"answerable": 0.95})


def test_a_better_version_is_better() -> None:
    found = gather(migrating(ranked(2), ranked(0)), SOURCES, LIMITS)
    assert [of.metric for of in found.quality] == ["ndcg"]
    assert found.quality[0].difference == pytest.approx(1.0 - 1.0 / math.log2(4))
    assert found.quality[0].verdict == "pass"
    assert {of.metric for of in found.other_quality} == {"recall", "mrr"}
    worse = gather(migrating(ranked(0), ranked(4)), SOURCES, LIMITS)
    assert worse.quality[0].verdict == "fail"
    assert found.shapes is not None
    assert found.shapes[0].tokens == 50.0
    assert found.source_mix_divergence == 0.0
    assert found.thresholds["answerable"].new == 1.0


def test_known_items_decide_where_nothing_is_judged() -> None:
    plain = migrating(ranked(2), ranked(0), anchors=anchors(judged=False, sources=True))
    found = gather(plain, SOURCES, LIMITS)
    assert [of.metric for of in found.quality] == ["hit"]
    assert found.quality[0].old == found.quality[0].new == 1.0
    nothing = gather(replace(plain, anchors=anchors(judged=False)), SOURCES, LIMITS)
    assert nothing.quality == ()


def test_clicks_count_only_where_the_new_lists_were_shown() -> None:
    plain = migrating(ranked(2), ranked(0), anchors=anchors(judged=False))
    shown = [
        Impression(f"q{at}", "old:v1", (*(f"x{at}.{place}" for place in range(5)), f"c{at}"), (f"c{at}",))
        for at in range(COUNT)
    ]
    found = gather(plain, replace(SOURCES, log=shown), LIMITS)
    assert found.clicks is not None
    assert found.clicks.unsupported == 0.0
    assert found.clicks.versions == {"old:v1": COUNT}
    assert math.isnan(found.clicks.kept_promise)
    assert found.quality[0].n == COUNT
    never = [replace(of, shown=(f"c{of.query[1:]}",)) for of in shown]
    blind = gather(plain, replace(SOURCES, log=never), LIMITS)
    assert blind.quality == ()
    assert "80% of the new version's results were never shown" in blind.remarks[0]


def test_a_clicked_chunk_that_says_the_question_is_no_answer() -> None:
    plain = migrating(ranked(2), ranked(0), anchors=anchors(judged=False))
    shown = [Impression("q0", "old:v1", (*tuple(f"x0.{place}" for place in range(5)), "c0"), ("c0",))]
    copied = replace(SOURCES, log=shown, contents={chunk_key("c0"): text_hash("question 0")})
    assert gather(plain, copied, LIMITS).quality == ()
    assert gather(plain, replace(copied, contents={}), LIMITS).quality[0].n == 1


def test_after_the_cutover_what_is_shown_is_held_against_the_new_lists() -> None:
    new = ranked(0)
    after = migrating(ranked(2), new, phase=Phase.CUT_OVER, changes=CUT)
    kept = [Impression("q1", "new:v2", tuple(f"x1.{place}" for place in range(1, 5)), (), (), NOW)]
    before = [replace(kept[0], shown=("zzz",), event_time=1)]
    told = gather(after, replace(SOURCES, log=[*kept, *before]), LIMITS).clicks
    assert told is not None
    assert told.kept_promise == 1.0
    assert told.versions == {"new:v2": 1}
    assert shown_overlap(before, ["q1"], ranked(0), 5) == 0.0
    assert math.isnan(shown_overlap([], ["q1"], new, 5))


def test_exact_lists_serve_where_an_index_was_not_asked() -> None:
    plain = migrating(ranked(2), ranked(0), asked=False)
    assert compared_lists(plain) is not None
    assert compared_lists(migrating(ranked(2), ranked(0, unknown=True))) is None
    nothing = gather(view(), SOURCES, LIMITS)
    assert nothing.quality == ()
    assert nothing.remarks == ("no lists of both versions yet",)


def test_agreement_with_the_lexical_leg_is_a_proxy() -> None:
    found = gather(migrating(ranked(2), ranked(0)), replace(SOURCES, lexical=ranked(0)), LIMITS)
    assert found.proxies[0].new == 1.0
    assert found.proxies[0].old < 1.0
    assert not gather(
        migrating(ranked(2), ranked(0)), replace(SOURCES, lexical=ranked(0, unknown=True)), LIMITS
    ).proxies


def test_which_version_production_is_nearer_to() -> None:
    old, new = ranked(2), RankedLists.of([[(f"n{at}.{place}", 1.0) for place in range(5)] for at in range(COUNT)], 5)
    half = RankedLists.of(
        [None if at % 2 else [(f"n{at}.0", 2.0), (f"x{at}.0", 1.0), (f"n{at}.1", 0.5)] for at in range(COUNT)], 3
    )
    found = gather(migrating(old, new), replace(SOURCES, production=half), LIMITS).production
    assert found is not None
    assert (found.old, found.new) == pytest.approx((1 / 3, 2 / 3))
    assert found.anchors == COUNT // 2
    nothing = RankedLists.unknown(COUNT, 3)
    assert gather(migrating(old, new), replace(SOURCES, production=nothing), LIMITS).production is None


def test_anchors_with_one_answer_are_one_witness() -> None:
    one = migrating(ranked(0), ranked(2), documents={chunk_key(f"c{at}"): "the one" for at in range(COUNT)})
    assert gather(one, SOURCES, LIMITS).quality[0].clusters == 1
    assert gather(migrating(ranked(0), ranked(2)), SOURCES, LIMITS).quality[0].clusters == COUNT
