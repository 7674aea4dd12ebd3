"""The incident card on the page: the document of `/api/v1/explain`, bounded, in the order a person reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from monitor.adapters.web.page.bars import Blamed, blamed
from monitor.adapters.web.page.context import PageContext, PageSection
from monitor.adapters.web.page.words import shown
from monitor.core.model.report import Share

Document = Mapping[str, Any]
MOST_EVENTS = 12
"""Events in view for each leg."""
MOST_FIXES = 20
"""Fixes of the index in view; a link leads to all that are named."""
MOST_ITEMS = 60
"""Documents or offsets to copy."""
MOST_ANCHORS = 12
MOST_CAUSES = 3
"""Causes named for one changed slot."""
QUESTION_CHARACTERS = 300
STATE_SIGNS: Mapping[str, str] = {
    "same": "=", "moved": "↕", "entered": "+", "left": "\N{MINUS SIGN}", "rewritten": "✎", "renamed": "≡",
}  # fmt: skip
"""Beside the words for each state of a result."""
BECAME: Mapping[str, str] = {
    "same": "same place",
    "moved": "moved",
    "entered": "entered",
    "left": "left",
    "rewritten": "text rewritten",
    "renamed": "same content or score under another id",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a list: where it stands, what it is, and what became of it in words."""

    rank: int
    chunk_id: str
    doc_id: str
    score: float | None
    state: str
    became: str
    snippet: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnchorView:
    """One anchor on one leg: its question, how much was exchanged, and both lists; `before` None: no longer kept."""

    id: str
    text: str
    leg: str
    swaps: float
    segment: str
    before: tuple[Result, ...] | None
    after: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """The card's parts; those that are plain stay documents."""

    question: str
    anchor_asked: bool
    causes: Sequence[Document]
    sizes: Sequence[Document]
    blame: tuple[Blamed, ...]
    events: tuple[tuple[str, tuple[Document, ...], int], ...]
    """Leg, its heaviest events, and how many more the document names."""
    ranges: Sequence[Document]
    anchors: tuple[AnchorView, ...]
    actions: Sequence[Document]
    fixes: Sequence[Document]
    more_fixes: int
    limits: Sequence[str]


def card_of(document: Document) -> Card:
    """The card of an explain document (`monitor.core.explain.card`)."""
    question = document["question"]
    fixes = document.get("fix_list") or {"fixes": (), "unnamed": 0}
    asked = [f"{name} {shown(said)}" for name, said in question.items() if said]
    return Card(
        question=" and ".join(asked),
        anchor_asked=bool(question["anchor"]),
        causes=document["causes"],
        sizes=document["size"],
        blame=blamed([Share(**share) for share in document["blame"]]),
        events=tuple(_events(document["events"])),
        ranges=document["ranges"][:MOST_ITEMS],
        anchors=tuple(_anchor(one) for one in document["anchors"][:MOST_ANCHORS]),
        actions=[{**one, "items": one["items"][:MOST_ITEMS]} for one in document["actions"]],
        fixes=fixes["fixes"][:MOST_FIXES],
        more_fixes=max(0, len(fixes["fixes"]) - MOST_FIXES) + fixes["unnamed"],
        limits=document["limits"],
    )


def _events(events: Sequence[Document]) -> list[tuple[str, tuple[Document, ...], int]]:
    legs = dict.fromkeys(one["leg"] for one in events)
    found = [(leg, [one for one in events if one["leg"] == leg]) for leg in legs]
    return [(leg, tuple(mine[:MOST_EVENTS]), max(0, len(mine) - MOST_EVENTS)) for leg, mine in found]


def _anchor(one: Document) -> AnchorView:
    before = one["before"]
    return AnchorView(
        id=one["id"],
        text=shown(one["text"], QUESTION_CHARACTERS),
        leg=one["leg"],
        swaps=one["swaps"],
        segment=shown(", ".join(f"{name}={value}" for name, value in one["segment"].items()), QUESTION_CHARACTERS),
        before=None if before is None else tuple(_result(result, now=False) for result in before),
        after=tuple(_result(result, now=True) for result in one["after"]),
    )


def _result(result: Document, *, now: bool) -> Result:
    return Result(
        rank=result["rank"],
        chunk_id=result["chunk_id"],
        doc_id=result["doc_id"],
        score=result["score"],
        state=result["state"],
        became=_became(result, now=now),
        snippet=result["snippet"] or "",
        why=_reasons(result),
    )


def _became(result: Document, *, now: bool) -> str:
    """What happened to a result between the lists."""
    other = result["other_rank"]
    elsewhere = f", {'was' if now else 'now'} at {other}" if other not in (None, result["rank"]) else ""
    return BECAME[result["state"]] + elsewhere


def _reasons(result: Document) -> tuple[str, ...]:
    """The heaviest causes of a changed slot, and how many more there are."""
    causes = result["causes"]
    said = tuple(_why(cause, result["chunk_id"]) for cause in causes[:MOST_CAUSES])
    more = len(causes) - MOST_CAUSES
    return (*said, f"and {more} more") if more > 0 else said


def _why(cause: Document, chunk_id: str) -> str:
    """One cause of a changed slot, in words; what happened to the chunk itself does not name it again."""
    share = f"{cause['share']:.0%}" if cause["share"] is not None else "a part"
    if cause["by"] == "statistics":
        source = f" by source {shown(cause['source'])}" if cause["source"] else ""
        return f"{share}: word statistics moved{source}"
    if cause["by"] == "unexplained":
        return f"{share}: no event explains it"
    where = "" if cause["offset"] is None else f" at {shown(cause['topic'])}/{cause['partition']}@{cause['offset']}"
    deploy = f", deploy {shown(cause['deploy'])}" if cause["deploy"] else ""
    of = "" if cause["chunk_id"] == chunk_id else f" of {shown(cause['chunk_id'])}"
    return f"{share}: {cause['kind']}{of}{where}{deploy}"


def _card(page: PageContext, *, of_anchor: bool) -> Document | None:
    document = page.found.card
    return None if document is None or bool(page.asked.anchor) != of_anchor else {"card": card_of(document)}


SECTION = PageSection("incident", "Incident", "card.html", partial(_card, of_anchor=False))
OF_ANCHOR = PageSection("incident", "Incident", "card.html", partial(_card, of_anchor=True))
"""Of an anchor the card is what was asked for: it stands first."""
