"""How two versions' lists lie to each other, by segment: it sizes a change and never decides about it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import rbo_ext, swaps
from monitor.core.migration.model import ServingFigures, ShadowFigures
from monitor.core.model.lists import NO_CHUNK, RankedLists

Column = NDArray[np.float64]


def shadow_figures(
    old: RankedLists,
    new: RankedLists,
    *,
    depths: Sequence[int],
    segments: Mapping[str, Sequence[str]],
    documents: Mapping[int, str],
) -> tuple[ShadowFigures, ...]:
    """Means over the anchors whose lists are both known, in every segment and at every depth.

    Args:
        old: A lists of the version in production.
        new: A lists of the target, of the same anchors.
        depths: at most the lists' own.
        segments: dimension -> segment of each anchor; the first dimension comes first.
        documents: document id by chunk key; a chunk without one counts as a document of its own.
    """
    matched = overlap(old, new)
    coded = _Documents(documents)
    made: list[ShadowFigures] = []
    for k in depths:
        shared = matched.masked(matched.shared[k - 1] / k)
        columns = (shared, _jaccard(coded, old.at(k), new.at(k)), rbo_ext(matched, k), swaps(matched, k))
        made += (
            ShadowFigures(dimension, name, k, int(known.sum()), *(float(column[known].mean()) for column in columns))
            for dimension, name, known in _cells(segments, matched.known)
        )
    return tuple(sorted(made, key=lambda of: list(segments).index(of.dimension)))


def share_served(served: RankedLists, exact: RankedLists, k: int) -> float:
    """Share of the exact top-k that was served, over the anchors that were; NaN of none.

    A short exact list is found where all of it is.
    """
    matched = overlap(exact, served)
    of = np.minimum(matched.baseline_lengths, k)
    told = matched.known & (of > 0)
    return float((matched.shared[k - 1][told] / of[told]).mean()) if told.any() else float("nan")


def serving_figures(
    version: str,
    served: RankedLists | None,
    exact: RankedLists,
    k: int,
    *,
    seconds: NDArray[np.float64],
    points: int | None,
    problems: Sequence[str],
) -> ServingFigures:
    """What one version's index did when all anchors were asked last.

    Args:
        version: its embedding version.
        served: its lists, None where nobody asked.
        exact: over the vectors that the events brought.
        k: the depth of the recall.
        seconds: latencies of the last full replay, NaN where nothing was sent.
        points: by its own count.
        problems: why it is not at rest, or not what is configured; empty: it is.
    """
    if served is None or not len(seconds):
        return ServingFigures(version, points=points, problems=tuple(problems))
    sent = seconds[~np.isnan(seconds)]
    p50, p95, p99 = np.quantile(sent, (0.5, 0.95, 0.99)).tolist() if len(sent) else (float("nan"),) * 3
    return ServingFigures(
        version,
        share_served(served, exact, k),
        p50,
        p95,
        p99,
        failures=int((~served.known).sum()),
        empty=int((served.known & (served.lengths == 0)).sum()),
        ready=not problems,
        points=points,
        asked=len(served),
        problems=tuple(problems),
    )


class _Documents(dict[int, int]):
    """A number for the document of each chunk key."""

    def __init__(self, documents: Mapping[int, str]) -> None:
        super().__init__()
        self._documents = documents
        self._codes: dict[str | int, int] = {}

    def __missing__(self, key: int) -> int:
        code = self[key] = self._codes.setdefault(self._documents.get(key, key), len(self._codes))
        return code


def _jaccard(coded: _Documents, old: RankedLists, new: RankedLists) -> Column:
    """Shared documents over all documents of both lists; 1 for two empty ones, NaN where one is unknown."""
    made = np.full(len(old), np.nan)
    for row in np.flatnonzero(old.known & new.known).tolist():
        before, after = ({coded[key] for key in lists.keys[row].tolist() if key != NO_CHUNK} for lists in (old, new))
        union = before | after
        made[row] = len(before & after) / len(union) if union else 1.0
    return made


def _cells(
    segments: Mapping[str, Sequence[str]], known: NDArray[np.bool_]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Dimension, segment and which of its anchors are known; segments without any are left out."""
    for dimension, names in segments.items():
        for name in sorted(set(names)):
            here = known & np.array([other == name for other in names], np.bool_)
            if here.any():
                yield dimension, name, here
