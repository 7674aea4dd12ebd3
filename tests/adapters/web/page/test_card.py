"""The incident card on the page: the explain document's own words, both lists side by side, bounded and escaped."""

import re

import pytest

from monitor.adapters.web.page.render import PageData, PageQuery
from monitor.adapters.web.page.words import shown
from monitor.core.explain.schema import explain_schema
from tests.adapters.cards import anchor, card, cause, result
from tests.adapters.pages import Reader, moved, read
from tests.adapters.views import HOSTILE
from tests.adapters.web.page.test_endpoints import record

SHOWN = moved(("language", "de", 4.0))
ANCHORS = {"question": {"segment": "", "anchor": "a1"}, "anchors": [anchor(), anchor(leg="lexical", swaps=0.0)]}


def page(**fields: object) -> Reader:
    """A deploy's page with a card of these parts."""
    return read(SHOWN, PageQuery(deploy="d1"), PageData(record(), card(**fields)))  # type: ignore[arg-type]  # by name


def test_the_card_says_what_kind_how_much_who_and_what_to_do() -> None:
    words = page().words
    for said in (
        "Incident card of deploy d1",
        "CORPUS: 8 slots of 4 lists",
        "8 slots by guide",
        "dense 24 9 0.17 4 4 unknown 25%",
        "Who caused it",
        "75%, 4 anchors",
        "upsert",
        "events/0@41",
        "from 7 to 41, 2 events",
        "CORPUS: revert",
        "corpus-drift baseline accept guide",
        "Documents to revert: 2",
    ):
        assert said in words, said


def test_an_anchor_stands_before_and_after_side_by_side() -> None:
    found = page(**ANCHORS)
    states = [
        value for value in found.values("class", "li") if value in ("same", "moved", "entered", "left", "renamed")
    ]
    one = ["same", "moved", "left", "renamed", "same", "entered", "moved", "renamed"]
    assert states == one * 2
    for said in (
        "Before, dense",
        "After, lexical",
        "moved, now at 3",
        "moved, was at 2",
        "same content or score under another id",
        "50%: upsert of new at events/0@41, deploy d1",
        "50%: word statistics moved by source api",
        "50%: no event explains it",
        "text of gone",
    ):
        assert said in found.words, said
    assert "anchor" in found.values("id")
    assert found.values("open", "details") == ["None", "None"]


def test_every_state_that_the_schema_knows_has_its_words() -> None:
    states = [value["enum"] for value in _values(explain_schema(), "state")]
    assert states
    for state in states[0]:
        one = result(1, "c", state, other_rank=4 if state in ("moved", "rewritten") else None)
        found = page(anchors=[{**anchor(), "before": [one], "after": [one]}])
        assert found.values("class", "li").count(state) == 2
        assert ("now at 4" in found.words) == ("was at 4" in found.words) == (state in ("moved", "rewritten"))
    in_place = [result(1, "c", "rewritten", other_rank=1)]
    assert "text rewritten in guide.md" in page(anchors=[{**anchor(), "after": in_place}]).words


def _values(document: object, name: str) -> list[dict[str, list[str]]]:
    """Every value of a key, however deep it stands."""
    if isinstance(document, list):
        return [one for part in document for one in _values(part, name)]
    if not isinstance(document, dict):
        return []
    here = [document[name]] if "enum" in document.get(name, ()) else []
    return [*here, *(one for part in document.values() for one in _values(part, name))]


def test_only_an_anchor_that_was_asked_for_is_open() -> None:
    assert page().values("open", "details") == []
    assert "/?deploy=d1&anchor=guide#anchor" in page().values("href")
    assert "/api/v1/explain?deploy=d1" in page().values("href")


def test_lists_that_are_gone_or_empty_say_so() -> None:
    one = {**anchor(), "before": None, "after": []}
    words = page(anchors=[one], limits=["baseline 'main' as it was then is no longer kept"]).words
    assert "The lists of before are no longer kept" in words
    assert "Nothing was found" in words
    assert "baseline 'main' as it was then is no longer kept" in words


def test_nothing_moved_is_said() -> None:
    empty: dict[str, list[object]] = {
        "causes": [],
        "anchors": [],
        "blame": [],
        "events": [],
        "ranges": [],
        "losses": [],
        "actions": [],
    }
    assert "Nothing moved: there is no cause to name" in page(**empty).words


def test_a_score_that_is_not_known_is_unknown() -> None:
    one = {**anchor(), "after": [result(1, "c", score=None, causes=[cause(share=None)])]}
    words = page(anchors=[one]).words
    assert "unknown" in words
    assert "a part: upsert of new" in words


@pytest.mark.parametrize("name", HOSTILE)
def test_everything_from_the_corpus_is_text(name: str) -> None:
    asked = {"question": {"segment": "", "anchor": name}}
    lists = [
        result(1, name, "entered", doc_id=name, snippet=name, causes=[cause(name=name, deploy=name, topic=name)])
    ]
    one = {**anchor(name, name), "segment": {name: name}, "after": lists, "before": lists}
    found = page(name=name, anchors=[one], limits=[name], **asked)
    assert {"script", "img"}.isdisjoint(found.tags)
    assert not re.search("[\u202a-\u202e\u2028\x07]", found.text)
    assert found.text.count(shown(name)) >= 12


def test_the_largest_card_stays_bounded() -> None:
    name = "<&'\">" * 200
    lists = [result(at, name, "entered", snippet=name, causes=[cause(name=name)] * 5) for at in range(1, 51)]
    many = [{**anchor(name, name), "before": lists, "after": lists}] * 40
    events = [card()["events"][0] | {"chunk_id": name}] * 100
    items = [{"action": "revert_documents", "title": "documents", "command": "", "items": [name] * 500}]
    found = page(anchors=many, events=events, actions=items)
    assert found.tags.count("ol") <= 2 * 12 + 1
    assert "88 more in the JSON document" in found.words
