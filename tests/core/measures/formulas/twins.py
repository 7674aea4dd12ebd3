"""numpy twins of the kernels that match lists: what they did before they were compiled, to the bit."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import Overlap
from monitor.core.model.lists import NO_CHUNK, RankedLists

Ranks = NDArray[np.int16]
Column = NDArray[np.float64]


def first_ranks(sought: NDArray[np.int64], listed: NDArray[np.int64]) -> Ranks:
    wanted, present = np.ascontiguousarray(sought.T), np.ascontiguousarray(listed.T)
    ranks = np.zeros(wanted.shape, np.int16)
    hit = np.empty(wanted.shape, np.bool_)
    for place in range(len(present) - 1, -1, -1):  # from the last, so that the first of equal keys wins
        np.equal(wanted, present[place], out=hit)
        np.copyto(ranks, np.int16(place + 1), where=hit)
    np.copyto(ranks, np.int16(0), where=wanted == NO_CHUNK)
    return ranks


def shared_by_depth(ranks: Ranks) -> Ranks:
    depth, anchors = ranks.shape
    since = np.maximum(ranks, np.arange(1, depth + 1, dtype=np.int16)[:, None])
    since[ranks == 0] = depth + 1  # never: counted in a row of its own that is dropped
    cells = (since.astype(np.int64) - 1) * anchors + np.arange(anchors)
    counted = np.bincount(cells.ravel(), minlength=(depth + 1) * anchors)[: depth * anchors]
    return np.cumsum(counted.reshape(depth, anchors), axis=0, dtype=np.int16)


def rbo_ext(overlap: Overlap, depth: int, p: float) -> Column:
    before, after = overlap.lengths(depth)
    short, long = np.maximum(np.minimum(before, after), 1), np.maximum(before, after)
    anchors = np.arange(len(overlap))
    common = overlap.shared[short - 1, anchors]
    at = np.arange(1, depth + 1)[:, None]
    powers = p ** np.arange(depth + 1)
    agreement = (overlap.shared[:depth] + common * np.maximum(at - short, 0) / short) / at
    lost = (1.0 - agreement) * powers[:-1, None] * (at <= long)
    # accumulate adds rank by rank whatever the number of anchors; a reduction's order would depend on the shape
    summed = np.add.accumulate(lost, axis=0)[-1]
    last = overlap.shared[np.maximum(long, 1) - 1, anchors]
    tail = 1.0 - ((last - common) / np.maximum(long, 1) + common / short)
    value = np.clip(1.0 - (1.0 - p) * summed - tail * powers[long], 0.0, 1.0)
    return overlap.masked(np.where(long == 0, 1.0, np.where(last == 0, 0.0, value)))


def jaccard(overlap: Overlap, depth: int) -> Column:
    before, after = overlap.lengths(depth)
    return overlap.masked(_ratio(overlap.shared[depth - 1], before + after - overlap.shared[depth - 1], empty=1.0))


def swaps(overlap: Overlap, depth: int) -> Column:
    before, after = overlap.lengths(depth)
    return overlap.masked((np.maximum(before, after) - overlap.shared[depth - 1]).astype(np.float64))


def kendall_distance(overlap: Overlap, depth: int) -> Column:
    before, after = overlap.lengths(depth)
    ranks, shared = overlap.cut(depth), overlap.shared[depth - 1].astype(np.int64)
    exited, entered = before - shared, after - shared
    ahead = np.add.reduce(ranks, axis=0, dtype=np.int64) - _triangle(shared)
    cost = inversions(ranks) + ahead + exited * entered + 0.5 * (_triangle(exited - 1) + _triangle(entered - 1))
    whole = before * after + 0.5 * (_triangle(before - 1) + _triangle(after - 1))
    return overlap.masked(_ratio(cost, whole, empty=0.0))


def rank_churn(overlap: Overlap, depth: int) -> list[Column]:
    before, after = overlap.lengths(depth)
    edge = (depth + 1) * overlap.shared[depth - 1].astype(np.int64)
    moved, ranks_before, ranks_after = footrule_parts(overlap.cut(depth))
    full_before = (depth + 1) * before - _triangle(before)
    full_after = (depth + 1) * after - _triangle(after)
    exited, entered = full_before - (edge - ranks_before), full_after - (edge - ranks_after)
    whole = full_before + full_after
    parts = (moved + exited + entered, moved, exited, entered)
    return [overlap.masked(_ratio(part, whole, empty=0.0)) for part in parts]


def _triangle(count: NDArray[np.int64]) -> NDArray[np.int64]:
    return count * (count + 1) // 2


def _ratio(part: NDArray[np.number], whole: NDArray[np.number], *, empty: float) -> Column:
    return np.where(whole == 0, empty, part / np.where(whole == 0, 1, whole))


def footrule_parts(ranks: Ranks) -> list[NDArray[np.int64]]:
    place = np.arange(1, len(ranks) + 1, dtype=np.int16)[:, None]
    present = ranks > 0
    parts = np.abs(ranks - place) * present, place * present, ranks
    return [np.add.reduce(part, axis=0, dtype=np.int64) for part in parts]


def inversions(ranks: Ranks) -> NDArray[np.int64]:
    placed = np.where(ranks == 0, np.iinfo(np.int16).max, ranks)
    counted = np.zeros(ranks.shape, np.int16)
    for later in range(1, len(placed)):
        counted[:later] += placed[:later] > placed[later]
    total: NDArray[np.int64] = np.add.reduce(counted, axis=0, dtype=np.int64)
    return total


def settled(baseline: RankedLists, current: RankedLists, rows: NDArray[np.int64], eps: float) -> NDArray[np.int64]:
    keys = current.keys.copy()
    exited, entered = _exchanged(baseline.take(rows), current.take(rows), eps)
    for row, out, new in zip(rows, exited, entered, strict=True):  # few rows have a tie across the cut
        pairs = min(np.count_nonzero(out), np.count_nonzero(new))
        keys[row, np.flatnonzero(new)[:pairs]] = baseline.keys[row, np.flatnonzero(out)[:pairs]]
        _reorder(keys[row], baseline.keys[row], _tail(baseline.scores[row], eps), _tail(current.scores[row], eps))
    return keys


def _exchanged(
    baseline: RankedLists, current: RankedLists, eps: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Slots (rows, k) of the exited and of the entered results that tie at both cuts."""
    ends = np.stack([baseline.scores[:, -1], current.scores[:, -1]])
    low, high = np.max(ends, axis=0)[:, None] - eps, np.min(ends, axis=0)[:, None] + eps
    exited = (first_ranks(baseline.keys, current.keys).T == 0) & (baseline.scores >= low) & (baseline.scores <= high)
    entered = (first_ranks(current.keys, baseline.keys).T == 0) & (current.scores >= low) & (current.scores <= high)
    return exited, entered


def _tail(scores: NDArray[np.float64], eps: float) -> NDArray[np.bool_]:
    """Slots of one full list that tie with its last."""
    tied: NDArray[np.bool_] = scores <= scores[-1] + eps
    return tied


def _reorder(
    keys: NDArray[np.int64], baseline: NDArray[np.int64], tied_before: NDArray[np.bool_], tied_now: NDArray[np.bool_]
) -> None:
    """Put the keys that are in both tied tails into the baseline's order, in the slots they hold (in place)."""
    both = set(baseline[tied_before].tolist())
    slots = [slot for slot in np.flatnonzero(tied_now).tolist() if int(keys[slot]) in both]
    at = {key: place for place, key in enumerate(baseline.tolist())}
    keys[slots] = sorted((int(keys[slot]) for slot in slots), key=at.__getitem__)


def without_repeats(lists: RankedLists, keys: NDArray[np.int64]) -> RankedLists:
    earlier = np.tril(np.ones((lists.depth, lists.depth), np.bool_), -1)
    repeated = np.any((keys[:, :, None] == keys[:, None, :]) & earlier, axis=2)
    drop = repeated | (keys == NO_CHUNK)
    order = np.argsort(drop, axis=1, kind="stable")
    gone = np.take_along_axis(drop, order, axis=1)
    return RankedLists(
        np.where(gone, NO_CHUNK, np.take_along_axis(keys, order, axis=1)),
        np.where(gone, np.nan, np.take_along_axis(lists.scores, order, axis=1)),
        np.count_nonzero(~drop, axis=1).astype(np.int64),
        lists.known,
    )


def scores_at(scores: Column, lengths: NDArray[np.int64], known: NDArray[np.bool_], rank: int) -> Column:
    return np.where(known & (lengths >= rank), scores[:, rank - 1], np.nan)


def mean_differences(before: Column, after: Column, lengths: NDArray[np.int64], level: NDArray[np.bool_]) -> Column:
    depth = min(before.shape[1], after.shape[1])
    apart = np.abs(before[:, :depth] - after[:, :depth])
    apart[np.arange(depth) >= lengths[:, None]] = 0.0
    summed: Column = np.add.accumulate(apart, axis=1)[:, -1]
    return np.where(level, summed / np.maximum(lengths, 1), np.nan)


def found_shares(
    served: Column, live: NDArray[np.bool_], exact: Column, lengths: NDArray[np.int64], eps: float
) -> Column:
    cut = np.take_along_axis(exact, np.maximum(lengths - 1, 0)[:, None], axis=1)
    hits = np.count_nonzero((served >= cut - eps) & live, axis=1)
    share: Column = np.minimum(hits, lengths) / np.maximum(lengths, 1)
    return share
