"""Before and after lists of one anchor, side by side, as parts of the incident card."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution import Attribution, DeployTimeline, Event
from monitor.core.explain.events import event_document
from monitor.core.index.baseline import ListLeg, Member, Snapshot
from monitor.core.measures.formulas.overlap import first_ranks
from monitor.core.model.lists import NO_CHUNK, RankedLists

SNIPPET = 160
"""Characters of a text shown."""
MOST_CAUSES = 5
"""Causes named for one slot, the heaviest."""
Document = dict[str, Any]
Results = list[tuple[int, float]]
Said = Callable[[Sequence[int]], Mapping[int, tuple[str, str]]]


@dataclass(frozen=True, slots=True, eq=False)
class LegLists:
    """One leg's lists before and after, in the row order of the anchors after.

    Args:
        before: aligned lists, unknown for anchors that asked something else; all unknown where none are kept.
        after: the lists.
        kept: whether the lists of before are kept.
    """

    before: RankedLists
    after: RankedLists
    kept: bool

    @classmethod
    def of(cls, before: Snapshot | None, after: Snapshot, leg: ListLeg) -> "LegLists":
        """Align a leg of two snapshots by the anchors' questions."""
        now = after.lists[leg]
        blank = RankedLists.unknown(len(now), now.depth)
        if before is None or leg not in before.lists:
            return cls(blank, now, kept=False)
        rows = {name: row for row, name in enumerate(before.anchors)}
        pairs = [
            (row, rows[name])
            for row, (name, mark) in enumerate(after.anchors.items())
            if name in rows and before.anchors[name].digest == mark.digest
        ]
        here, there = (np.array([pair[at] for pair in pairs], np.int64) for at in (0, 1))
        return cls(blank.replaced(here, before.lists[leg].take(there).at(now.depth)), now, kept=True)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(A,) bool: anchors with a list now and, where lists of before are kept, then."""
        both: NDArray[np.bool_] = self.after.known & (self.before.known | (not self.kept))
        return both

    def moved(self, rows: NDArray[np.int64]) -> int | None:
        """Results of some anchors that stand in both lists at another rank; None without lists of before."""
        if not self.kept:
            return None
        ranks = first_ranks(self.after.keys[rows], self.before.keys[rows]).T
        places = np.arange(1, self.after.depth + 1)
        return int(((ranks > 0) & (ranks != places) & (self.after.keys[rows] != NO_CHUNK)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class AnchorLists:
    """Where names, deploys and texts of the results come from."""

    before: Snapshot | None
    after: Snapshot
    deploys: DeployTimeline
    said: Said


def lists_of(context: AnchorLists, side: LegLists, row: int, one: Attribution | None) -> Document:
    """`before` and `after` of one anchor: rank, chunk, score, what became of it, and who did it.

    `state` of a result: `same` rank, `moved`, `entered`, `left`, `rewritten` in its place, or `renamed` where its
    content stands in the other list under another id or it tied at the cut.
    """
    now, then = _results(side.after, row), _results(side.before, row)
    keys = [key for key, _ in (*now, *then)]
    texts = context.said(sorted(set(keys)))
    causes = {} if one is None else _causes(one, row, context.deploys)
    members = {**({} if context.before is None else context.before.members), **context.after.members}
    strangers = {**({} if context.before is None else context.before.strangers), **context.after.strangers}

    def entries(results: Results, others: Results, *, entered: bool) -> list[Document]:
        ranks = {key: rank for rank, (key, _) in enumerate(others, 1)}
        old = None if entered or context.before is None else context.before.members
        return [
            {
                "rank": rank,
                **_named(key, (old or members).get(key) or members.get(key), texts, strangers),
                "score": score,
                **_state(rank, ranks.get(key), causes.get((key, entered)), "entered" if entered else "left"),
            }
            for rank, (key, score) in enumerate(results, 1)
        ]

    return {
        "before": entries(then, now, entered=False) if side.kept else None,
        "after": entries(now, then, entered=True),
    }


def _results(lists: RankedLists, row: int) -> Results:
    count = int(lists.lengths[row])
    return list(zip(lists.keys[row, :count].tolist(), lists.scores[row, :count].tolist(), strict=True))


def _named(
    key: int, member: Member | None, texts: Mapping[int, tuple[str, str]], strangers: Mapping[int, str]
) -> Document:
    if member is None:
        name = f"(no chunk) {strangers[key]}" if key in strangers else f"(key {key:x})"
        return {"chunk_id": name, "doc_id": "", "source": "", "snippet": None}
    content_hash, text = texts.get(key, ("", ""))
    snippet = " ".join(text.split())[:SNIPPET] if content_hash == member.content_hash else None
    return {"chunk_id": member.chunk_id, "doc_id": member.doc_id, "source": member.source, "snippet": snippet}


def _state(rank: int, other: int | None, causes: list[Document] | None, gone: str) -> Document:
    if other is not None:
        moved = "same" if other == rank else "moved"
        return {"state": "rewritten" if causes else moved, "other_rank": other, "causes": causes or []}
    return {"state": "renamed" if causes is None else gone, "other_rank": None, "causes": causes or []}


def _causes(one: Attribution, row: int, deploys: DeployTimeline) -> dict[tuple[int, bool], list[Document]]:
    """The causes of each changed slot of one anchor, the heaviest first."""
    made: dict[tuple[int, bool], list[Document]] = {}
    for at in np.flatnonzero(one.row == row).tolist():
        cause = one.causes[one.cause[at]] if one.cause[at] >= 0 else None
        made.setdefault((int(one.key[at]), bool(one.entered[at])), []).append(
            {"share": float(one.part[at]), **_cause(cause, deploys)}
        )
    return {slot: sorted(found, key=lambda of: -of["share"])[:MOST_CAUSES] for slot, found in made.items()}


def _cause(cause: object, deploys: DeployTimeline) -> Document:
    if isinstance(cause, Event):
        return {"by": "event", **event_document(cause, deploys)}
    by = "unexplained" if cause is None else "statistics"
    source = "" if cause is None else getattr(cause, "source", "")
    blank = dict.fromkeys(("topic", "partition", "offset", "kind", "chunk_id", "doc_id", "deploy"))
    return {"by": by, **blank, "source": source}
