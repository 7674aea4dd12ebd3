"""How much of the maintained lexical list the server's own lexical index serves."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import ALL, Measurement

NAME = "lexical_served_recall_ratio"


def served_lexical(
    served: RankedLists, maintained: RankedLists, failures: Mapping[int, str], depths: Sequence[int]
) -> Iterator[Measurement]:
    """`lexical_served_recall_ratio` = mean over anchors of |served at k ∩ maintained at k| / |maintained at k|.

    By chunk alone: the two score by tokenizers and statistics of their own, so it is seldom 1, and its fall is what
    says something. Anchors with an empty maintained list, or that were not answered, are left out.

    Args:
        served: (A, k) as the server's lexical index served them.
        maintained: (A, k) the lexical lists of the events.
        failures: by anchor (row) that was not answered, why.
        depths: the depths to measure at.
    """
    for k in depths:
        ours, theirs = maintained.at(k), served.at(k)
        known = ours.known & theirs.known & (ours.lengths > 0)
        shares = [
            len(np.intersect1d(a[a != NO_CHUNK], b[b != NO_CHUNK])) / np.count_nonzero(a != NO_CHUNK)
            for a, b in zip(ours.keys[known], theirs.keys[known], strict=True)
        ]
        n, expected = len(shares), len(ours)
        reason = next(iter(sorted(set(failures.values()))), "") if failures else "" if n else "no_lexical_results"
        value = float(np.mean(shares)) if n else float("nan")
        yield Measurement(
            NAME, "lexical", k, ALL, ALL, "mean", value, n, expected, reason=reason, covered=n / max(1, expected)
        )
