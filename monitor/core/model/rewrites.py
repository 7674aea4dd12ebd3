"""Rewrites: other wordings of the anchors, asked beside them, so that their lists can be compared."""

from dataclasses import replace

import numpy as np

from monitor.core.model.anchors import Anchor, AnchorSet


def rewrites_of(anchors: AnchorSet) -> list[tuple[int, str]]:
    """(row of the anchor, wording) of every rewrite, in the order of the anchors."""
    return [(at, text) for at, anchor in enumerate(anchors.anchors) for text in anchor.rewrites]


def with_rewrites(anchors: AnchorSet, *, vectors: bool) -> AnchorSet:
    """The anchors, and behind them every rewrite as a question of its own with its anchor's filter.

    Args:
        anchors: A anchors with R rewrites.
        vectors: whether the questions are asked by vector. Then rewrites without one cannot be asked, and the anchors
            come back as they are; without vectors, d is 0.
    """
    found = rewrites_of(anchors)
    if not found or (vectors and anchors.rewrites is None):
        return anchors
    asked = [Anchor(f"{anchors.anchors[at].id} {number}", text) for number, (at, text) in enumerate(found)]
    none = np.zeros((len(anchors) + len(found), 0), np.float32)
    beside = none if anchors.rewrites is None else anchors.rewrites
    return replace(
        anchors,
        anchors=[*anchors.anchors, *asked],
        vectors=np.concatenate((anchors.vectors, beside)) if vectors else none,
        weights=np.concatenate((anchors.weights, anchors.weights[[at for at, _ in found]])),
        filters=[*anchors.filters, *(anchors.filters[at] for at, _ in found)],
        rewrites=None,
    )
