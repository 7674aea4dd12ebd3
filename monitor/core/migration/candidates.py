"""What is encoded anew for an estimate, and how its known items stand among it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.migration.estimate import EstimatedItems
from monitor.core.model.scoring import Distance, scores


@dataclass(frozen=True, slots=True, eq=False)
class EstimatePlan:
    """Chunks to encode anew.

    Args:
        keys: m chunk keys, each once.
        candidates: A arrays of places in `keys`: what each anchor's legs list, and its known items.
        items: A mappings of a known item's place in `keys` to its old rank, 0 where it was not listed.
        sampled: (m,) bool, chunks of the sample.
    """

    keys: Sequence[int]
    candidates: Sequence[NDArray[np.int64]]
    items: Sequence[Mapping[int, int]]
    sampled: NDArray[np.bool_]


def estimate_plan(
    listed: Sequence[Sequence[Sequence[int]]], known: Sequence[Sequence[int]], sample: Sequence[int]
) -> EstimatePlan:
    """Anchors without known items encode nothing: they cannot tell better from worse.

    Args:
        listed: for each leg, the dense one first, A lists of chunk keys, best first.
        known: A lists of the keys of known items that are live.
        sample: keys of the sample.
    """
    places: dict[int, int] = {}
    for key in sample:
        places.setdefault(key, len(places))
    candidates, items = [], []
    for row, wanted in enumerate(known):
        keys = [*wanted, *(key for leg in listed for key in leg[row])] if wanted else []
        own = np.array(sorted({places.setdefault(key, len(places)) for key in keys}), np.int64)
        ranks = {key: rank for rank, key in enumerate(listed[0][row], 1)} if listed else {}
        candidates.append(own)
        items.append({places[key]: ranks.get(key, 0) for key in wanted})
    sampled = np.zeros(len(places), np.bool_)
    sampled[[places[key] for key in sample]] = True
    return EstimatePlan(list(places), candidates, items, sampled)


def estimated_items(
    plan: EstimatePlan,
    asked: NDArray[np.float32],
    vectors: NDArray[np.float32],
    distance: Distance,
    anchors: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> EstimatedItems:
    """How many candidates and chunks of the sample beat each known item.

    A chunk beats an item if it scores higher; equal scores beat nobody, in favour of the new encoder.

    Args:
        plan: what was encoded.
        asked: (A, d) float32, prepared vectors of the anchors in the new version.
        vectors: (m, d) float32, prepared vectors of the plan's chunks.
        distance: of the new version.
        anchors: (A,) weights and (A,) clusters of the anchors; an anchor's weight is shared out over its items.
    """
    rows: list[tuple[int, int, int, int]] = []
    weights: list[float] = []
    members: list[int] = []
    for row, own in enumerate(plan.items):
        if not own:
            continue
        found = scores(vectors, asked[row], distance)
        inside = np.zeros(len(found), np.bool_)
        inside[plan.candidates[row]] = True
        beyond = plan.sampled & ~inside
        outside = int(np.count_nonzero(beyond))
        for place, old_rank in own.items():
            higher = found > found[place]
            rows.append((old_rank, int((higher & inside).sum()), int((higher & beyond).sum()), outside))
            weights.append(float(anchors[0][row]) / len(own))
            members.append(int(anchors[1][row]))
    old, beaters, hidden, outsides = np.array(rows, np.int64).reshape(-1, 4).T
    return EstimatedItems(old, beaters, hidden, outsides, np.array(weights), np.array(members, np.int64))
