"""What is found for some words: anchors, segments and the chunk of that id."""

from collections.abc import Sequence

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.heat import heat_of
from monitor.adapters.web.page.words import shown
from monitor.core.model.anchors import Anchor

MOST = 50
"""Anchors and segments in view."""
WORDS = 16
"""Of what was asked for; further ones are not looked at."""


def _made(page: PageContext) -> Document | None:
    if not page.asked.find:
        return None
    words = page.asked.find.casefold().split()[:WORDS]
    heat = page.once(heat_of)
    segments = [row for row in (*heat.opened, *heat.folded) if _holds(row.name, words)]
    anchors = found_anchors(() if page.service is None else page.service.anchors(), words)
    chunk = None if page.service is None else page.service.chunk_past(page.asked.find.strip())
    return {
        "words": shown(page.asked.find),
        "segments": segments[:MOST],
        "more_segments": max(0, len(segments) - MOST),
        "anchors": anchors[:MOST],
        "more_anchors": max(0, len(anchors) - MOST),
        "chunk": chunk,
    }


def found_anchors(anchors: Sequence[Anchor], words: Sequence[str]) -> list[Anchor]:
    """Anchors whose id, question and attributes hold every word; one of that very id first.

    Args:
        anchors: all of them.
        words: case-folded.
    """
    said = " ".join(words)
    found = [of for of in anchors if _holds(" ".join((of.id, of.text, *map("=".join, of.segment))), words)]
    return sorted(found, key=lambda of: of.id.casefold() != said)


def _holds(text: str, words: Sequence[str]) -> bool:
    folded = text.casefold()
    return bool(words) and all(word in folded for word in words)


SECTION = PageSection("find", "", "search.html", _made)
