"""One replay of anchors through any vector store: widen ties, fetch vectors once, re-score in float64, order, cut.

An engine cuts equal scores arbitrarily at k and adds in float32, so the list it returns is not yet a ranked list.
Everything that could belong to the top k within that error is fetched, scored again by
`monitor.core.model.scoring` and ordered by (score descending, chunk id). Nothing beyond that error is drawn in: what
the index missed (HNSW, quantization) stays missed, because that is what production serves.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.retrieval.answers import Hit, PendingSearch, Point, Reader, Stored, VectorQuery
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, scores
from monitor.ports import Replay

WIDEST = 1024
"""The most results one query asks for while it follows a tie at k (twice k where that is more)."""

Ranked = list[tuple[Hit, float]]
"""Hits with their float64 scores, best first."""


def replay(
    reader: Reader, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, until: float, as_served: bool = False
) -> Replay:
    """Replay some anchors: see the module docstring.

    A chunk that an answer holds twice under different point ids counts once, with its best score. A point that
    vanished between the search and the reading of its vector keeps the engine's score: it was served. A result
    without a chunk id is counted (`foreign`) and left out: the list closes up behind it.

    Args:
        reader: the engine.
        anchors: all anchors, vectors prepared for the reader's distance.
        rows: (r,) indices into the anchors.
        k: depth of the lists, at least 1.
        until: the deadline on the monotonic clock.
        as_served: whether the engine's scores stand as they are: a fused score is none of a vector, and cannot be
            computed again. Equal ones are still ordered by chunk id.

    Returns:
        The replay; every anchor of `rows` has a list or a named failure.
    """
    failures = {row: reason for row in rows.tolist() if (reason := _unaskable(anchors, row, reader.dimension))}
    asked = {
        row: PendingSearch(_question(anchors, row), reader, as_served=as_served)
        for row in rows.tolist()
        if row not in failures
    }
    stored = _collect(reader, list(asked.values()), k, until, as_served=as_served)
    lists: dict[int, Ranked] = {}
    for row, one in asked.items():
        reason = one.reason or (FailureReason.NO_CHUNK_ID if one.unnamed else _unread(one, stored))
        if reason:
            failures[row] = reason
        else:
            lists[row] = _ranked(one, stored, k, reader.distance)
    return _replay(rows, asked, lists, failures, k=k)


def _unaskable(anchors: AnchorSet, row: int, dimension: int) -> str:
    vector = anchors.vectors[row]
    if not len(vector) or (anchors.anchors[row].vector is None and not np.any(vector[~np.isnan(vector)])):
        return FailureReason.NO_VECTOR
    if len(vector) != dimension:
        return FailureReason.DIMENSION
    return "" if np.isfinite(vector).all() else FailureReason.NOT_FINITE


def _question(anchors: AnchorSet, row: int) -> VectorQuery:
    anchor = anchors.anchors[row]
    return VectorQuery(anchors.vectors[row], anchors.filters[row], anchor.text, anchor.query_vectors or {})


def _collect(reader: Reader, asked: Sequence[PendingSearch], k: int, until: float, *, as_served: bool) -> Stored:
    """Ask, follow the ties, and fetch each candidate's vector once.

    For dot products a fetched vector longer than any known before widens the slack, and the ties are followed again.
    """
    stored: dict[Point, NDArray[np.float32] | str | None] = {}
    bound = reader.norm_bound
    _ask(reader, asked, min(2 * k, reader.most_results), until)
    while True:
        _widen(reader, asked, k, bound, until)
        wanted = {hit.point: hit for one in asked if not one.reason for hit in one.candidates}
        missing = [hit for point, hit in wanted.items() if point not in stored]
        stored |= {hit.point: None for hit in missing}
        if as_served:
            return stored
        if missing:
            fetched = reader.fetch(missing, until)
            stored |= {point: _checked(vector, reader.dimension) for point, vector in fetched.items()}
        longest = _longest([stored[hit.point] for hit in missing])
        if reader.distance is not Distance.DOT or longest <= bound:
            return stored
        bound = longest


def _checked(vector: NDArray[np.float32] | str | None, dimension: int) -> NDArray[np.float32] | str | None:
    if not isinstance(vector, np.ndarray):
        return vector
    if vector.shape != (dimension,):
        return FailureReason.DIMENSION
    return vector if np.isfinite(vector).all() else FailureReason.NOT_FINITE


def _widen(reader: Reader, asked: Sequence[PendingSearch], k: int, bound: float, until: float) -> None:
    """Double the limit of every anchor whose answer ends within a tie at k, or before k chunks where some results are
    none, until none does or WIDEST is reached.
    """
    widest = min(max(WIDEST, 2 * k), reader.most_results)
    while True:
        waves: dict[int, list[PendingSearch]] = {}
        for one in asked:
            one.settle(k, reader, bound)
            if not one.reason and one.cut and one.limit < widest:
                waves.setdefault(min(2 * one.limit, widest), []).append(one)
        if not waves:
            return
        for limit, wave in waves.items():
            _ask(reader, wave, limit, until)


def _ask(reader: Reader, wave: Sequence[PendingSearch], limit: int, until: float) -> None:
    answers = reader.ask([one.question for one in wave], limit, until) if wave else ()
    for one, answer in zip(wave, answers, strict=True):
        one.take(answer, limit)


def _longest(vectors: Sequence[NDArray[np.float32] | str | None]) -> float:
    arrays = [vector for vector in vectors if isinstance(vector, np.ndarray)]
    if not arrays:
        return 0.0
    return float(np.linalg.norm(np.stack(arrays).astype(np.float64), axis=1).max())


def _unread(one: PendingSearch, stored: Stored) -> str:
    return next((found for hit in one.candidates if isinstance(found := stored[hit.point], str)), "")


def _ranked(one: PendingSearch, stored: Stored, k: int, distance: Distance) -> Ranked:
    found: Ranked = []
    present: list[tuple[Hit, NDArray[np.float32]]] = []
    for hit in one.candidates:
        vector = stored[hit.point]
        if isinstance(vector, np.ndarray):
            present.append((hit, vector))
        else:
            found.append((hit, hit.score))
    if present:
        exact = scores(np.stack([vector for _, vector in present]), one.compared, distance)
        found += [(hit, score) for (hit, _), score in zip(present, exact.tolist(), strict=True)]
    found.sort(key=lambda pair: (-pair[1], pair[0].chunk_id))
    best: dict[str, tuple[Hit, float]] = {}
    for hit, score in found:
        best.setdefault(hit.chunk_id, (hit, score))
    return list(best.values())[:k]


def _replay(
    rows: NDArray[np.int64],
    asked: Mapping[int, PendingSearch],
    lists: Mapping[int, Ranked],
    failures: Mapping[int, str],
    *,
    k: int,
) -> Replay:
    order: list[int] = rows.tolist()
    hits = [hit for ranked in lists.values() for hit, _ in ranked]
    plain = [[(hit.chunk_id, score) for hit, score in lists[row]] if row in lists else None for row in order]
    names = {chunk_key(hit.chunk_id): hit.chunk_id for hit in hits}
    hashes = {chunk_key(hit.chunk_id): hit.content_hash for hit in hits if hit.content_hash}
    seconds = np.array([asked[row].seconds if row in asked else np.nan for row in order], np.float64)
    foreign = {row: found for row, one in asked.items() if row in lists and (found := one.strangers(k))}
    return Replay(rows, RankedLists.of(plain, k), hashes, names, failures, seconds, foreign)


def unasked(rows: NDArray[np.int64], reason: FailureReason, *, k: int) -> Replay:
    """The replay in which every anchor failed for the same reason and nothing was asked."""
    order: list[int] = rows.tolist()
    return _replay(rows, {}, {}, dict.fromkeys(order, reason), k=k)
