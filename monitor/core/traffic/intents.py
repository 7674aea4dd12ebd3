"""New intents: questions that no anchor represents, put together where one anchor could speak for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import rbo_ext
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Segment
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.traffic.coverage import AskTable
from monitor.core.traffic.ledger import TrafficLedger
from monitor.core.traffic.model import TrafficQuestion
from monitor.core.traffic.representing import REPRESENTED, represented
from monitor.core.traffic.shares import ShareEstimate

LEAST_CLIENTS = 20
"""Who must have asked in each of two weeks: fewer are a campaign, a test, or somebody who could be recognised."""
WEEK = 7
MOST_CLUSTERED = 4_000
"""Questions that are put together, those of most clients first; comparing all would be quadratic."""


class KeptText(NamedTuple):
    """What was asked, in memory alone: its text, and the vector that its record carried."""

    text: str
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrafficIntent:
    """Questions of many clients, for all of which one new anchor would speak.

    Args:
        mark: of its leading question, which more clients asked than any other of it.
        segment: of that question.
        questions: distinct ones.
        this_week, last_week: distinct clients of the newest seven days, and of the seven before.
        share: of the window's traffic.
        nearest: id of the anchor that is most like it, "" where none shares a result.
        likeness: how much.
        text: of the leading question, or of the next one whose text is known; None where none is: they were asked
            before the monitor started.
    """

    mark: bytes
    segment: Segment
    questions: int
    this_week: int
    last_week: int
    share: ShareEstimate
    nearest: str
    likeness: float
    text: KeptText | None = None


def new_intents(
    table: AskTable, ledger: TrafficLedger, anchors: AnchorSet, texts: Mapping[bytes, KeptText]
) -> tuple[TrafficIntent, ...]:
    """Clusters of unrepresented questions of at least LEAST_CLIENTS in each of the two newest weeks, largest first.

    Args:
        table: the asks of the window.
        ledger: knows how their questions stand.
        anchors: of now.
        texts: what was asked, by mark, as far as it is known. Nothing of a smaller cluster is handed on.
    """
    newer, older = (table.day > ledger.newest - WEEK * weeks for weeks in (1, 2))
    named = table.client >= 0
    recent = newer | older
    questions = [ledger.questions[mark] for mark in table.questions]
    unspoken = np.array([_clusterable(of) for of in questions], np.bool_)
    rows = recent & named & unspoken[table.question]
    order = _by_clients(table.question[rows], table.client[rows], questions)[:MOST_CLUSTERED]
    leaders = leading([_results(questions[at]) for at in order])
    known = np.array([of.standing is not None for of in questions], np.bool_)[table.question]
    ids = {anchor_digest(of): of.id for of in anchors.anchors}
    made: list[TrafficIntent] = []
    for leader in dict.fromkeys(leaders):
        members = [at for at, of in zip(order, leaders, strict=True) if of == leader]
        mine = np.isin(table.question, members)
        weeks = [len(np.unique(table.client[mine & named & week])) for week in (newer, older & ~newer)]
        first = questions[order[leader]]
        if min(weeks) < LEAST_CLIENTS or first.standing is None:
            continue
        said = (texts.get(questions[at].mark) for at in members)
        made.append(
            TrafficIntent(
                first.mark,
                first.segment,
                len(members),
                weeks[0],
                weeks[1],
                table.share(known, mine),
                ids.get(first.standing.nearest, ""),
                first.standing.likeness,
                next((of for of in said if of is not None), None),
            )
        )
    return tuple(sorted(made, key=lambda of: (-of.share.share, of.mark)))


def leading(results: Sequence[tuple[str, Segment, Sequence[int]]]) -> list[int]:
    """Leader clustering: each list joins the first leader it is like, or leads.

    Alike are lists of one leg and one segment with a rank-biased overlap of at least REPRESENTED: an anchor that asks
    the leader's question represents all that follow it. The order is the caller's, and decides; O(leaders * n).

    Args:
        results: n lists as leg, segment, and marks of the results, best first.

    Returns:
        n indices, of each one's leader; a leader's own is itself.

    Source: Hartigan, Clustering Algorithms (1975), chapter 3.

    >>> leading([("dense", (), (1, 2, 3)), ("dense", (), (7, 8)), ("dense", (), (1, 2, 4)), ("lexical", (), (7, 8))])
    [0, 1, 0, 3]
    """
    depth = max((len(of[2]) for of in results), default=1)
    lists = RankedLists.unknown(len(results), max(1, depth))
    for row, (_, _, marks) in enumerate(results):
        lists.keys[row, : len(marks)], lists.lengths[row] = marks, len(marks)
    lists.known[:] = True
    holders: dict[tuple[str, Segment, int], list[int]] = {}
    for row, (leg, segment, marks) in enumerate(results):
        for mark in marks:
            holders.setdefault((leg, segment, mark), []).append(row)
    leader = np.full(len(results), -1, np.int64)
    for row, (leg, segment, marks) in enumerate(results):
        if leader[row] >= 0:
            continue
        leader[row] = row
        near = sorted({at for mark in marks for at in holders[leg, segment, mark] if leader[at] < 0})
        if near:
            others = np.array(near, np.int64)
            alike = rbo_ext(overlap(lists.take(np.full(len(near), row)), lists.take(others)), lists.depth)
            leader[others[alike >= REPRESENTED]] = row
    found: list[int] = leader.tolist()
    return found


def _clusterable(question: TrafficQuestion) -> bool:
    standing = question.standing
    return standing is not None and bool(standing.results) and not represented(standing)


def _results(question: TrafficQuestion) -> tuple[str, Segment, Sequence[int]]:
    standing = question.standing
    return ("", (), ()) if standing is None else (standing.leg, question.segment, standing.results)


def _by_clients(
    question: NDArray[np.int64], client: NDArray[np.int64], questions: Sequence[TrafficQuestion]
) -> list[int]:
    """Questions by how many clients asked them, ties by mark: whole numbers, so that no order of sums matters."""
    pairs = np.unique(np.stack((question, client)), axis=1)
    asked, counts = np.unique(pairs[0], return_counts=True)
    clients = dict(zip(asked.tolist(), counts.tolist(), strict=True))
    return sorted(clients, key=lambda at: (-clients[at], questions[at].mark))
