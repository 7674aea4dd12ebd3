"""What users did: how much of the new version's lists they ever saw, and whom they preferred of two versions."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from monitor.core.judging import resampling
from monitor.core.judging.beta import share_excess
from monitor.core.judging.bounds import ALPHA
from monitor.core.judging.resampling import Clusters
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import RankedLists

Team = Literal["old", "new", ""]


@dataclass(frozen=True, slots=True)
class Impression:
    """One list that somebody saw.

    Args:
        query: the anchor's id.
        version: the embedding version that was shown.
        shown: chunk ids, best first; empty where the log does not say.
        clicked: chunk ids.
        teams: of an interleaved list, which version put each shown chunk there; empty where the list is one
            version's.
        event_time: microseconds, 0 where the log does not say.
    """

    query: str
    version: str
    shown: tuple[str, ...]
    clicked: tuple[str, ...]
    teams: tuple[Team, ...] = ()
    event_time: int = 0


def unsupported_share(log: Sequence[Impression], anchors: Sequence[str], new: RankedLists, depth: int) -> float:
    """Share of the new version's top-k slots whose chunk was never shown for that query, over the queries of the log.

    Returns:
        0 to 1; NaN where no query of the log is an anchor with a known list that is not empty.
    """
    seen: dict[str, set[int]] = defaultdict(set)
    for impression in log:
        seen[impression.query].update(chunk_key(chunk) for chunk in (*impression.shown, *impression.clicked))
    slots = never = 0
    for at, query in enumerate(anchors):
        if query in seen and new.known[at]:
            listed = new.keys[at, : min(depth, int(new.lengths[at]))].tolist()
            slots += len(listed)
            never += sum(key not in seen[query] for key in listed)
    return never / slots if slots else math.nan


def shown_overlap(log: Sequence[Impression], anchors: Sequence[str], lists: RankedLists, depth: int) -> float:
    """Mean share of what was shown, cut at k, that a version's own list holds: whether it is that version that
    serves.

    Interleaved impressions, and those that do not say what was shown, are left out. NaN where none is left.
    """
    rows = {query: row for row, query in enumerate(anchors) if lists.known[row]}
    found = []
    for impression in log:
        if impression.query in rows and impression.shown and not impression.teams:
            row = rows[impression.query]
            own = set(lists.keys[row, : min(depth, int(lists.lengths[row]))].tolist())
            cut = impression.shown[:depth]
            found.append(sum(chunk_key(chunk) in own for chunk in cut) / len(cut))
    return float(np.mean(found)) if found else math.nan


def clicked_items(log: Sequence[Impression]) -> Mapping[str, tuple[str, ...]]:
    """What was clicked, by query, in the order of the first click: known items for hit@k."""
    made: dict[str, dict[str, None]] = defaultdict(dict)
    for impression in log:
        made[impression.query].update(dict.fromkeys(impression.clicked))
    return {query: tuple(chunks) for query, chunks in made.items() if chunks}


@dataclass(frozen=True, slots=True)
class InterleavingCredit:
    """Team-draft interleaving: who got more clicks, impression by impression.

    Args:
        wins: impressions in which the new version's results got more clicks.
        losses: in which the old version's did.
        ties: as many for both, none included.
        preference: (wins + ties / 2) / all - 1/2, in [-0.5, 0.5]; above 0 users prefer the new one. NaN without any.
        lower: one-sided 95% lower bound of it; impressions of one query are one cluster.
        upper: the upper one.
        p: exact sign test of "the new version wins no more often than it loses", ties left out; 1 without a decision.

    Source: Radlinski, Kurup, Joachims, How does clickthrough data reflect retrieval quality?, CIKM 2008.
    """

    wins: int
    losses: int
    ties: int
    preference: float
    lower: float
    upper: float
    p: float


def interleaving_credit(log: Sequence[Impression]) -> InterleavingCredit:
    """Credit of all interleaved impressions; a click on a chunk that is in no team counts for nobody."""
    scores: list[float] = []
    queries: list[str] = []
    for impression in log:
        if impression.teams:
            team = dict(zip(impression.shown, impression.teams, strict=True))
            clicks = [team.get(chunk, "") for chunk in set(impression.clicked)]
            scores.append(float(np.sign(clicks.count("new") - clicks.count("old"))) / 2.0)
            queries.append(impression.query)
    if not scores:
        return InterleavingCredit(0, 0, 0, *(math.nan,) * 3, 1.0)
    wins, losses = sum(score > 0 for score in scores), sum(score < 0 for score in scores)
    _, members = np.unique(queries, return_inverse=True)
    clusters = Clusters.of(np.array(scores), np.ones(len(scores)), members.astype(np.int64))
    return InterleavingCredit(
        wins,
        losses,
        len(scores) - wins - losses,
        clusters.mean,
        resampling.lower(clusters, -0.5, ALPHA),
        resampling.upper(clusters, 0.5, ALPHA),
        share_excess(wins, wins + losses, 0.5) if wins + losses else 1.0,
    )
