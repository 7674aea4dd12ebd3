"""Pictures on the page: figures beside each, hostile names as text, nothing kept is said, and one view a question."""

import re
from dataclasses import replace

import numpy as np
import pytest

from monitor.adapters.web.page.anchor_past import leg_past
from monitor.adapters.web.page.chunk import changes
from monitor.adapters.web.page.over_time import ROWS
from monitor.adapters.web.page.render import PageData, PageQuery, render_page
from monitor.adapters.web.page.search import MOST, found_anchors
from monitor.core.index.baseline import Adopted, Judged
from monitor.core.model.anchors import Anchor
from monitor.core.records.history import AnchorPast, ChunkPast, History, TextVersion
from monitor.ports import UnreachableError
from tests.adapters.pages import Reader, crowd, moved
from tests.adapters.pasts import anchor_past, anchors, chunk_past, past
from tests.adapters.serving import Shown
from tests.adapters.views import HOSTILE, view
from tests.adapters.web.page.test_page import FORBIDDEN

ALL = ("all", "all")


def segments(service: Shown) -> list[tuple[str, str]]:
    assert service.view is not None
    return [(of.dimension, of.segment) for of in service.view.report.segments]


def given(**fields: object) -> Shown:
    """A monitor with three segments and a past of them."""
    made = Shown(moved(("source", "a", 4.0), ("source", "b", 0.0)))
    made.past = past([ALL, ("source", "a"), ("source", "b")])
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def page(service: Shown, asked: PageQuery | None = None) -> Reader:
    return Reader(render_page(service.view, asked, PageData(), service=service))


def test_the_page_shows_each_segment_over_deploys_and_hours_with_its_figures() -> None:
    found = page(given())
    assert "Answers kept of each segment, worst now first, over the last 40 deploys and 48 hours" in found.words
    rows = [row for row in found.rows if row[0] in ("All anchors", "source=a", "source=b") and len(row) == 5]
    assert [row[0] for row in rows] == ["All anchors", "source=a", "source=b"]
    for row in rows:
        assert all(re.search(r"\d+% lowest \d+%, limit 98%", cell) for cell in row[1:]), row
    assert {"img", "script"}.isdisjoint(found.tags)
    assert "text" not in found.tags, "words stand beside a picture, for those who do not see it"


def test_the_first_measure_that_the_policy_judges_is_drawn() -> None:
    made = past([ALL])
    unjudged = [
        replace(of, limits=np.where([s.metric == "jaccard_ratio" for s in of.series], 0.7, np.nan)[None, :])
        for of in made.deploys
    ]
    assert "Jaccard of each segment" in page(given(past=History(tuple(unjudged)))).words
    none = [replace(of, limits=of.limits * np.nan) for of in made.deploys]
    assert "Answers kept of each segment" in page(given(past=History(tuple(none)))).words


@pytest.mark.parametrize(("measure", "title"), [("swaps", "Exchanged, by id"), ("never", "Answers kept")])
def test_the_measure_is_chosen_by_a_link(measure: str, title: str) -> None:
    found = page(given(), PageQuery(measure=measure))
    assert f"{title} of each segment" in found.words
    assert "/?measure=jaccard_ratio#over-time" in found.values("href")
    assert found.values("http-equiv") == [], "only the plain page loads itself again"


def test_a_crowd_is_cut_and_where_the_rest_is_is_said() -> None:
    service = Shown(crowd(30))
    service.past = past(segments(service), deploys=3, hours=2)
    found = page(service)
    rows = [row for row in found.rows if len(row) == 5 and row[0] != "Segment"]
    assert len(rows) == ROWS
    assert f"{4 * 30 + 1 - ROWS} more segments have pages of their own" in found.words


def test_nothing_kept_is_said() -> None:
    assert "Nothing is kept yet: each judged deploy leaves a point here" in page(given(past=History())).words
    found = page(given(past=History()), PageQuery(segment="source=a"))
    assert "Nothing is kept of this segment yet" in found.words
    no_hours = page(given(past=replace(past([ALL]), hours=())))
    assert "No hour is noted yet" in no_hours.words
    (row,) = (row for row in no_hours.rows if row[0] == "All anchors" and len(row) == 3)
    assert all("lowest" in cell for cell in row[1:]), "each leg has its picture over deploys"
    alone = Reader(render_page(given().view))
    assert "Over time" not in alone.words, "a page that is made of a view alone has no past"


def test_what_the_state_refuses_takes_no_other_section_with_it() -> None:
    found = page(given(failure=UnreachableError("state x: locked")))
    assert "Over time state x: locked" in found.words
    assert "Deploys state x: locked" in found.words
    assert "Segments, worst first" in found.words


def test_a_segments_own_page_has_every_headline_measure() -> None:
    found = page(given(), PageQuery(segment="source=a"))
    assert "source=a over time" in found.words
    for title in (
        "Answers kept",
        "New results",
        "Exchanged, by content",
        "Exchanged, by id",
        "Jaccard",
        "Rank churn",
    ):
        assert f"{title} " in found.words
    captions = re.findall(r"dense over deploys: \S+", found.words)
    assert len(captions) == 6
    assert found.tags.count("svg") == 6 * 2 * 2
    assert "Figures of the last 20 deploys" in found.words
    table = [row for row in found.rows if row[0].startswith("2026-08-")]
    assert len(table) == 20
    assert [row[0] for row in table[:2]] == ["2026-08-39", "2026-08-38"]
    assert "unknown" in {cell for row in table for cell in row[2:]}, "an unknown figure is said, never 0"


def ledger(service: Shown, **last: object) -> Shown:
    assert service.view is not None
    made = [Judged(of.deploy_id, of.event_time, of.verdict) for of in service.past.deploys]
    made[-1] = replace(made[-1], **last)  # type: ignore[arg-type]  # by name
    service.view = replace(service.view, ledger=tuple(made))
    return service


def test_the_timeline_says_how_much_changed_and_who_approved() -> None:
    service = ledger(given(past=past([ALL], deploys=5, hours=0)))
    found = page(service)
    assert "2026-08-04 PASS 2026-05-28 17:26 10,000 new, 4 rewritten, 2 deleted" in found.words
    assert "2026-08-02 PASS 2026-05-28 11:26 100 new, 2 rewritten, 1 deleted ⚑ ann approved main" in found.words
    heights = [float(of) for of in found.values("height", "rect")]
    assert max(heights) == 40.0
    assert heights == sorted(heights, reverse=True), "the newest is the greatest here"


def test_what_the_gate_approved_and_what_nobody_decided() -> None:
    history = past([ALL], deploys=5, hours=0)
    deploys = (*history.deploys[:4], replace(history.deploys[4], moved_on="2026-08-03"))
    service = given(past=replace(history, deploys=deploys))
    assert "⚑ baseline, by its gate" in page(ledger(service)).words
    assert "⚑ baseline, nobody decided" in page(ledger(service, adopted=Adopted("2026-08-03", 4))).words


def test_a_deploy_whose_size_nobody_counted_has_no_bar() -> None:
    history = past([ALL], deploys=3, hours=0)
    deploys = tuple(replace(of, size=None) for of in history.deploys)
    found = page(ledger(given(past=replace(history, deploys=deploys))))
    assert found.values("height", "rect") == []
    assert "rewritten" not in found.words


def test_an_anchors_page_shows_where_each_result_stood_and_what_touched_it() -> None:
    service = given(lists={"a1": anchor_past()})
    found = page(service, PageQuery(anchor="a1"))
    assert "Anchor a1 over the last deploys" in found.words
    assert re.search(
        r"2026-08-\d+ (PASS|FAIL|UNKNOWN) ?: 1 came, 1 left; new guide.md#\d+ \(events/0@\d+\)", found.words
    )
    names = [row[0] for row in found.rows if row[0].startswith("guide.md#")]
    newest = service.lists["a1"].tracks[-1].keys
    assert newest is not None
    assert names[:10] == [f"guide.md#{key}" for key in newest]
    assert any(address.startswith("/?chunk=guide.md%23") for address in found.values("href"))
    assert "No list of it is kept yet" in page(given(), PageQuery(anchor="a2")).words


def test_positions_of_an_anchor_worked_by_hand() -> None:
    made = anchor_past(deploys=3, depth=2)
    tracks = [replace(made.tracks[0], keys=(1, 2), number=1), replace(made.tracks[0], keys=None, number=2),
              replace(made.tracks[0], keys=(3, 1), number=3, touched=5)]  # fmt: skip
    leg = leg_past(AnchorPast(made.points, tracks, made.names), "dense")
    assert leg is not None
    assert [(row.name, row.state, row.positions) for row in (*leg.listed, *leg.gone)] == [
        ("guide.md#3", "came", ("-", "?", "1")),
        ("guide.md#1", "stayed", ("1", "?", "2")),
        ("guide.md#2", "left", ("2", "?", "-")),
    ]
    assert [of.said for of in leg.touches] == ["the list could be had again", "the list could not be had"]
    assert leg.touches[0].more == 5
    other = leg_past(AnchorPast(made.points, [tracks[0], replace(tracks[2], asked="x")], {}), "dense")
    assert other is not None
    assert other.touches[0].said == "the anchor asks something else since"
    assert other.listed[0].name == "a chunk that is no longer known"
    assert leg_past(AnchorPast(made.points, tracks, {}), "lexical") is None


def test_the_words_that_changed_are_marked_and_the_rest_is_text() -> None:
    found = page(given(texts={"guide.md#3": chunk_past()}), PageQuery(chunk="guide.md#3"))
    assert "From the text of 2026-08-10 to 2026-08-19 to the text of now" in found.words
    assert (found.tags.count("del"), found.tags.count("ins")) == (2, 2)
    assert "within 30 14 days" in found.words
    assert "Segments, worst first" not in found.words, "what is asked for is shown alone"
    missing = page(given(), PageQuery(chunk=HOSTILE[2]))
    assert "Nothing is known of this chunk" in missing.words


@pytest.mark.parametrize(
    ("versions", "text", "note"),
    [
        ([("h1", None, 9)], "now", "the text of d1 is no longer kept"),
        ([("h1", "a b", 9_999)], "a c", "only the beginning of the text of d1 is kept"),
        ([("h1", "a  b", 4)], "a b", "the words are the same; only white space, attributes or the vector differ"),
        ([("h1", "x " * 5_000, 10_000)], "y " * 4_000, "3,000 words before and 2,000 after were too many to compare"),
    ],
)
def test_what_cannot_be_compared_is_said(versions: list[tuple[str, str | None, int]], text: str, note: str) -> None:
    kept = [TextVersion(name, 1, 1, said, count) for name, said, count in versions]
    (made,) = changes(ChunkPast("c", "d", True, "h9", text, kept, {1: "d1"}))
    assert made.note == note


def test_a_deleted_chunk_has_its_last_text_and_one_that_says_it_again_no_change() -> None:
    kept = [TextVersion("h1", 1, 1, "one", 3), TextVersion("h2", 2, 2, "two", 3)]
    made = changes(ChunkPast("c", "d", False, "", None, kept, {}))
    assert [(of.before, of.after) for of in made] == [("the text of a time of which no deploy is kept",) * 2]
    assert changes(ChunkPast("c", "d", True, "h1", "one", kept[:1], {})) == []
    found = page(given(texts={"c": ChunkPast("c", "d", False, "", None, kept, {})}), PageQuery(chunk="c"))
    assert "What it said last" in found.words


def test_anchors_segments_and_chunks_are_found_by_their_words() -> None:
    service = given(watched=anchors(60), texts={"guide.md#3": chunk_past()})
    found = page(service, PageQuery(find="CARD pay"))
    assert found.words.count("how to pay with card") == MOST
    assert "and 10 more: use more words" in found.words
    assert "/?segment=source%3Da#segment" in page(service, PageQuery(find="source=a")).values("href")
    assert "/?chunk=guide.md%233#chunk" in page(service, PageQuery(find=" guide.md#3 ")).values("href")
    assert "No anchor or segment of now has all of these words" in page(service, PageQuery(find="nothing here")).words


def test_what_is_typed_is_not_lost_to_a_page_that_loads_itself_again() -> None:
    plain = page(given())
    assert ("form" in plain.tags, "/?refresh=off#find-words" in plain.values("href")) == (False, True)
    for asked in (
        PageQuery(refresh=False),
        PageQuery(find="x"),
        PageQuery(segment="all"),
        PageQuery(measure="swaps"),
    ):
        found = page(given(), asked)
        assert (found.tags.count("form"), found.values("http-equiv")) == (1, [])
        assert found.values("id", "input") == found.values("for", "label") == ["find-words"]
    assert page(given(), PageQuery(find='"<b>')).values("value", "input") == ['"<b>']


def test_an_anchor_of_that_very_id_stands_first() -> None:
    made = [Anchor("b", "a7 in the text", None, ()), Anchor("A7", "other", None, ())]
    assert [of.id for of in found_anchors(made, ["a7"])] == ["A7", "b"]
    assert found_anchors(made, []) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_everything_from_outside_is_text_in_every_picture(name: str) -> None:
    service, numbered = Shown(view([name])), name.replace("{", "{{").replace("}", "}}") + "{}"
    service.past = past([("source", name)], deploys=3, hours=2, name=numbered)
    service.lists = {name: anchor_past(4, name=numbered)}
    service.texts = {name: replace(chunk_past(name), text=name, versions=(TextVersion("h1", 1, 2, name[::-1], 9),))}
    service.watched = [Anchor(name, name, None, (("source", name),))]
    for asked in (
        PageQuery(), PageQuery(segment=f"source={name}"), PageQuery(anchor=name), PageQuery(chunk=name),
        PageQuery(find=name), PageQuery(measure=name),
    ):  # fmt: skip
        found = page(ledger(service), asked)
        assert FORBIDDEN.isdisjoint(found.tags)
        assert not [of for _, of, _ in found.attributes if of.startswith("on") or of in ("src", "style")]
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\x00-\x08]", found.text)
