"""TREC topics: `<top>` blocks with a `<title>`, or `<topic>` elements with a `<query>` or `<title>`."""

import html
import re
from collections.abc import Iterator

from monitor.adapters.encoding import Undecodable
from monitor.adapters.query_log.fields import MOST_LINE_BYTES, RefusedLine, query_text
from monitor.adapters.query_log.tables import Line
from monitor.core.selection.selection import LoggedQuery

_OPENED = re.compile(r"<(?:top|topic)(?:\s[^>]*)?>", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:top|topic)\s*>", re.IGNORECASE)
_TITLE = re.compile(r"<(?:title|query)>\s*(?:Topic:)?([^<]*)", re.IGNORECASE)


def topics_of(lines: Iterator[Line]) -> Iterator[tuple[int, str | RefusedLine]]:
    """(line number, text) of each topic; lines outside of topics are markup of no interest."""
    begun, held, size = 0, list[str](), 0
    for number, line in lines:
        if isinstance(line, Undecodable):
            yield number, RefusedLine(*line)
            continue
        if _OPENED.search(line):
            if begun:
                yield begun, "\n".join(held)  # the older collections do not always close one
            begun, held, size = number, [], 0
        if begun and size <= MOST_LINE_BYTES:
            held.append(line)
            size += len(line)
        if begun and _CLOSED.search(line):
            yield begun, "\n".join(held)
            begun, held, size = 0, [], 0
    if begun:
        yield begun, "\n".join(held)


def from_topic(topic: str) -> LoggedQuery:
    """A topic's title as a query.

    Raises:
        RefusedLine: `no_text`, and those of `query_text`.
    """
    found = _TITLE.search(topic)
    return LoggedQuery(query_text(" ".join(html.unescape(found[1] if found else "").split())))
