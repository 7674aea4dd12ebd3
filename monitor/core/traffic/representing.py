"""Which anchor speaks for a question: the one whose maintained list is most like the question's own.

A question is *represented* when the list that is maintained for its nearest anchor and the question's own list over
the same corpus have a rank-biased overlap of at least REPRESENTED: what moves the one then shows in the other. The
anchors that are looked at are screened by cosine where the question has a vector, else by shared results, which
leaves no anchor out that could represent it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.engine import Engine
from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import rbo_ext
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Segment
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.text.tokens import tokenize
from monitor.core.traffic.model import TrafficQuestion, TrafficStanding

REPRESENTED = 0.5
"""Least rank-biased overlap (p = 0.9) of a question's list and an anchor's that stands for it."""
SCREENED = 8
"""Anchors of the highest cosine whose lists are compared with a question's."""
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Questions and anchors, aligned."""


@dataclass(frozen=True, slots=True, eq=False)
class AskedQuestions:
    """Questions to be judged, n of them.

    Args:
        texts: what was asked.
        filters: attribute values that a result must have.
        vectors: (n, d) float32 prepared for the distance, zeros where there is none; d = 0 without a dense leg.
    """

    texts: Sequence[str]
    filters: Sequence[Segment]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.texts)


def represented(standing: TrafficStanding) -> bool:
    """Whether an anchor speaks for the question."""
    return standing.likeness >= REPRESENTED


def standings(
    engine: Engine,
    asked: AskedQuestions,
    *,
    k: int,
    days: Sequence[int],
    mark: Callable[[int], int],
    screened: int = SCREENED,
) -> list[TrafficStanding]:
    """How questions stand to the anchors of an engine now: exact dense and BM25 search over its corpus.

    Args:
        engine: with its anchors' lists up to date; only read.
        asked: n questions.
        k: depth of the lists.
        days: n days that the standings are dated with.
        mark: makes the mark of a result out of its chunk key.
        screened: anchors of the highest cosine that are looked at; 0: all, by brute force.

    Returns:
        n standings. A question without a vector, or on an engine without a dense leg, is judged on the lexical leg;
        one that finds nothing there has no leg. Of several anchors that are equally alike the first counts.
    """
    lists, n = engine.lists(), len(asked)
    digests = [anchor_digest(of) for of in engine.anchors.anchors]
    some = np.asarray(asked.vectors.any(axis=1)) if engine.dense is not None else np.zeros(n, np.bool_)
    nearest, likeness = np.full(n, -1, np.int64), np.full(n, np.nan)
    own: dict[str, RankedLists] = {}
    at = np.flatnonzero(some)
    if engine.dense is not None and len(at):
        filters = [asked.filters[row] for row in at.tolist()]
        own["dense"] = RankedLists.unknown(n, k).replaced(at, engine.dense.search(asked.vectors[at], filters, k))
        pairs = _by_cosine(asked, at, engine.anchors, screened)
        _best(own["dense"], lists["exact"], pairs, k, nearest, likeness)
    lexical = np.full(n, np.nan)
    rest = np.flatnonzero(~some)
    if engine.lexical is not None:
        tokens = [tokenize(text) for text in asked.texts]
        own["lexical"] = engine.lexical.search(tokens, asked.filters, k)
        shared = _by_results(own["lexical"], lists["lexical"], rest)
        pairs = _same_filter(shared, asked.filters, engine.anchors.filters)
        lexical[rest] = 0.0
        _best(own["lexical"], lists["lexical"], pairs, k, nearest, lexical)
        likeness[rest] = lexical[rest]
        found = at[nearest[at] >= 0]
        lexical[found] = _likeness(own["lexical"], lists["lexical"], (found, nearest[found]), k)
    return [
        _standing(
            own.get("dense" if some[row] else "lexical"),
            row,
            "" if nearest[row] < 0 else digests[nearest[row]],
            float(likeness[row]),
            float(lexical[row]),
            leg="dense" if some[row] else "lexical",
            day=days[row],
            mark=mark,
        )
        for row in range(n)
    ]


def restanding(
    questions: Sequence[TrafficQuestion], engine: Engine, *, mark: Callable[[int], int]
) -> list[TrafficStanding | None]:
    """How questions stand to other anchors than they were judged with, by what is kept of them.

    Args:
        questions: n, each with a standing.
        engine: with the anchors of now; only read.
        mark: makes the mark of a result out of its chunk key.

    Returns:
        n standings; None where it is not known until the question is asked again: its anchor is gone. One that no
        anchor represented is compared with all of them by the marks of its results, whatever their filter.
    """
    known = {"", *(anchor_digest(of) for of in engine.anchors.anchors)}
    made = [of.standing if of.standing is None or of.standing.nearest in known else None for of in questions]
    digests = [anchor_digest(of) for of in engine.anchors.anchors]
    for leg, name in (("dense", "exact"), ("lexical", "lexical")):
        lists: Mapping[str, RankedLists] = {leg: of for leg, of in engine.lists().items()}  # noqa: C416 - wider keys
        rows = [at for at, of in enumerate(questions) if of.standing is not None and of.standing.results]
        rows = [at for at in rows if (before := questions[at].standing) is not None and before.leg == leg]
        if not rows or name not in lists:
            continue
        theirs = _marked(lists[name], mark)
        own = _listed([of.results for at in rows if (of := questions[at].standing) is not None], theirs.depth)
        nearest, likeness = np.full(len(rows), -1, np.int64), np.zeros(len(rows))
        _best(own, theirs, _by_results(own, theirs, np.arange(len(rows))), theirs.depth, nearest, likeness)
        for at, found, value in zip(rows, nearest.tolist(), likeness.tolist(), strict=True):
            before = questions[at].standing
            if before is not None:
                kept = () if value >= REPRESENTED else before.results
                made[at] = replace(
                    before, nearest="" if found < 0 else digests[found], likeness=value, lexical=np.nan, results=kept
                )
    return made


def _marked(lists: RankedLists, mark: Callable[[int], int]) -> RankedLists:
    distinct, places = np.unique(lists.keys, return_inverse=True)
    marks = np.array([NO_CHUNK if key == NO_CHUNK else mark(key) for key in distinct.tolist()], np.int64)
    return replace(lists, keys=marks[places].reshape(lists.keys.shape))


def _listed(results: Sequence[Sequence[int]], depth: int) -> RankedLists:
    """Lists of marks, without scores."""
    made = RankedLists.unknown(len(results), max([depth, *(len(of) for of in results)]))
    for row, of in enumerate(results):
        made.keys[row, : len(of)] = of
        made.lengths[row] = len(of)
    made.known[:] = True
    return made


def _standing(
    lists: RankedLists | None,
    row: int,
    nearest: str,
    likeness: float,
    lexical: float,
    *,
    leg: str,
    day: int,
    mark: Callable[[int], int],
) -> TrafficStanding:
    if lists is None or not lists.lengths[row]:
        return TrafficStanding("", np.nan, np.nan, "", (), day)
    value = 0.0 if np.isnan(likeness) else likeness  # no anchor shares a result: nothing alike, and that is known
    kept = () if value >= REPRESENTED else tuple(mark(key) for key in lists.keys[row, : lists.lengths[row]].tolist())
    return TrafficStanding(nearest, value, lexical, leg, kept, day)


def _best(
    own: RankedLists,
    anchors: RankedLists,
    pairs: Pairs,
    k: int,
    nearest: NDArray[np.int64],
    likeness: NDArray[np.float64],
) -> None:
    """Put the most alike anchor of each question in place, where any shares a result."""
    rows, others = pairs
    values = _likeness(own, anchors, pairs, k)
    order = np.lexsort((others, -values, rows))
    rows, others, values = rows[order], others[order], values[order]
    first = np.concatenate((np.ones(min(1, len(rows)), np.bool_), rows[1:] != rows[:-1]))
    first &= values > 0.0
    nearest[rows[first]], likeness[rows[first]] = others[first], values[first]


def _likeness(own: RankedLists, anchors: RankedLists, pairs: Pairs, k: int) -> NDArray[np.float64]:
    rows, others = pairs
    if not len(rows):
        return np.zeros(0)
    left, right = own.take(rows), anchors.take(others)
    # Two empty lists are equal, and nothing alike: there is no result that could move in both.
    values = rbo_ext(overlap(left, right), min(k, left.depth, right.depth))
    return np.where((left.lengths == 0) | (right.lengths == 0) | np.isnan(values), 0.0, values)


def _by_cosine(asked: AskedQuestions, rows: NDArray[np.int64], anchors: AnchorSet, most: int) -> Pairs:
    """The anchors of the highest cosine among those with the question's filter; all of those for most = 0."""
    found: list[Pairs] = []
    units, others = _unit(asked.vectors[rows]), _unit(anchors.vectors)
    for wanted in dict.fromkeys(asked.filters[row] for row in rows.tolist()):
        mine = np.array([at for at, row in enumerate(rows.tolist()) if asked.filters[row] == wanted], np.int64)
        theirs = np.array([at for at, of in enumerate(anchors.filters) if of == wanted], np.int64)
        few = min(most or len(theirs), len(theirs))
        if not few:
            continue
        cosines = units[mine] @ others[theirs].T
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :few]
        found.append((np.repeat(rows[mine], few), theirs[best].ravel()))
    none = np.zeros(0, np.int64)
    return (
        np.concatenate([none, *(of[0] for of in found)]),
        np.concatenate([none, *(of[1] for of in found)]),
    )


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms == 0.0, 1.0, norms)).astype(np.float32)


def _same_filter(pairs: Pairs, asked: Sequence[Segment], anchors: Sequence[Segment]) -> Pairs:
    same = [asked[row] == anchors[at] for row, at in zip(*(of.tolist() for of in pairs), strict=True)]
    kept = np.array(same, np.bool_)
    return pairs[0][kept], pairs[1][kept]


def _by_results(own: RankedLists, anchors: RankedLists, rows: NDArray[np.int64]) -> Pairs:
    """Every pair that shares a result."""
    flat = anchors.keys.ravel()
    order = np.argsort(flat, kind="stable")
    listed = flat[order]
    sought = own.keys[rows]
    starts, ends = np.searchsorted(listed, sought, "left"), np.searchsorted(listed, sought, "right")
    ends = np.where(sought == NO_CHUNK, starts, ends)
    lengths = (ends - starts).ravel()
    places = np.repeat(starts.ravel() - np.cumsum(lengths) + lengths, lengths) + np.arange(int(lengths.sum()))
    questions = np.repeat(np.repeat(rows, sought.shape[1]), lengths)
    pairs = np.unique(np.stack((questions, order[places] // anchors.depth)), axis=1)
    return pairs[0].astype(np.int64), pairs[1].astype(np.int64)
