"""Blame against what was planted: who stands first, and how much of it is right."""

from collections.abc import Sequence
from typing import Any

MOST_NAMES = 20
"""Documents that a list of culprits can name; more of them are only to be had by what they have in common."""
MOST_DUE = 0.5
"""Share of the exchanged results from which on the plant is to stand first."""
OTHERS = "others"
"""Kind of a share that is of all who are not told apart."""
NAMED = "named"
"""Kind of a share that is a document's; others are of nobody, or of the statistics of the lexical leg."""


def blamed(
    shares: Sequence[dict[str, Any]], leg: str, documents: frozenset[str], sources: frozenset[str], due: float
) -> dict[str, Any] | None:
    """One leg's blame, scored.

    Args:
        shares: the gate document's `blame`.
        leg: which leg's.
        documents: who was planted.
        sources: sources that were planted whole.
        due: share of the exchanged results that the plant caused, by brute force.

    Returns:
        `first`: who stands first among named documents and statistics. `right`: whether that one was planted; None
        where the plant caused less than `MOST_DUE` of what was exchanged: then it is nobody's mistake to name others.
        `precision`: the share of what is named that is named rightly: planted documents, and of the others as much as
        brute force says that the edits beside the plant exchanged. `recall`: what planted names hold of what is due
        to them, at the level (document or source) where it is larger; None where more documents were planted than
        can be named and no source whole. None where the plant moved nothing, or nothing is blamed.
    """
    own = [one for one in shares if one["leg"] == leg and one["level"] == "document"]
    if not due or not own or not documents:
        return None
    ranked = sorted((one for one in own if one["kind"] != OTHERS), key=lambda one: -one["share"])
    right = sum(one["share"] for one in own if one["name"] in documents)
    named = sum(one["share"] for one in own if one["kind"] == NAMED)
    by_source = sum(
        one["share"] for one in shares if one["leg"] == leg and one["level"] == "source" and one["name"] in sources
    )
    beside = min(named - right, 1.0 - due)
    nameable = len(documents) <= MOST_NAMES or bool(sources)
    return {
        "first": ranked[0]["name"] if ranked else "",
        "right": bool(ranked) and ranked[0]["name"] in documents if due >= MOST_DUE else None,
        "precision": round((right + beside) / named, 4) if named else 0.0,
        "recall": round(min(1.0, max(right, by_source) / due), 4) if nameable else None,
        "due": round(due, 4),
    }
