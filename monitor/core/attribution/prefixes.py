"""Path prefixes of document ids that hold the blame: `reference/…` instead of a hundred small documents."""

import re
from collections.abc import Mapping

LEAST = 0.05
"""A prefix is named from this share of the whole on: at most twenty can be."""
MORE = "\N{HORIZONTAL ELLIPSIS}"
"""Stands behind a prefix for the documents under it."""
_STEP = re.compile(r"::|[/#]")


def heavy_prefixes(weights: Mapping[str, float], least: float = LEAST) -> dict[str, str]:
    """The deepest path prefixes that hold at least a share `least` of the whole, each document in one of them.

    Hierarchical heavy hitters with their descendants' weight taken out: from the leaves up, a node is named where
    what it holds beyond the named nodes below it reaches the share; what never does belongs to nobody. So no document
    counts twice, and a whole folder that changed a little in every page is named as that folder.

    Args:
        weights: weight by document id, none negative. `/`, `#` and `::` are the borders of path steps.
        least: the share from which on a node is named, in (0, 1].

    Returns:
        document id -> its prefix, ending in `…` where it stands for several documents, or the document's own id.
        Documents under no named prefix are missing.

    Source: Cormode, Korn, Muthukrishnan, Srivastava, Finding Hierarchical Heavy Hitters in Data Streams, VLDB 2003.

    >>> found = heavy_prefixes({"ref/a": 3.0, "ref/b": 3.0, "guide/c": 94.0, "x": 0.5})
    >>> sorted(found.items())
    [('guide/c', 'guide/c'), ('ref/a', 'ref/…'), ('ref/b', 'ref/…')]
    """
    limit = least * sum(weights.values())
    if limit <= 0.0:
        return {}
    levels: dict[int, dict[str, list[str]]] = {}
    found: dict[str, str] = {}
    for document in weights:
        levels.setdefault(_depth(document), {}).setdefault(document, []).append(document)
    # Deepest first, so that what a node passes up is there before its parent is looked at.
    for depth in range(max(levels), 0, -1):
        held, above = levels.get(depth, {}), levels.setdefault(depth - 1, {})
        for node in sorted(held):
            documents = held[node]
            if sum(weights[document] for document in documents) >= limit:
                name = node if documents == [node] else f"{node}{MORE}"
                found.update(dict.fromkeys(documents, name))
            else:
                above.setdefault(_above(node), []).extend(documents)
    return found


def _depth(node: str) -> int:
    """Steps of a path; a folder (it ends in a border) stands between its parent and what is in it."""
    return 0 if not node else 1 + sum(match.end() < len(node) for match in _STEP.finditer(node))


def _above(node: str) -> str:
    """The folder that a document or a folder is in, with the border it ends in; "" for the whole."""
    borders = [match.end() for match in _STEP.finditer(node) if match.end() < len(node)]
    return node[: borders[-1]] if borders else ""
