"""A proof of erasure as text for people."""

from collections.abc import Iterator

from monitor.app.tables import moment
from monitor.core.erasure.document import Document
from monitor.core.text.wording import count_of

SHOWN = 10
"""Findings of one look that are shown; the JSON document has more."""
SIGNS = {"found": "FOUND", "absent": "no", "unknown": "UNKNOWN", "nothing": "-"}


def erasure_text(document: Document) -> str:
    """The document, a paragraph for each id."""
    return "\n".join(_lines(document))


def _lines(document: Document) -> Iterator[str]:
    many = len(document["items"])
    yield f"{document['verdict'].upper()}  {count_of(many, 'id')} asked about"
    for item in document["items"]:
        yield from _item(item)
    yield ""
    yield from (f"not checked: {said}" for said in document["limits"])


def _item(item: Document) -> Iterator[str]:
    gone = [one for one in item["chunks"] if not one["live"]]
    since = ""
    if gone:
        newest = max(gone, key=lambda one: one["since"])
        since = f", deleted by {moment(newest['since'])} ({newest['position']})"
    named = item["id"] if item["kind"] == "unknown" else f"{item['kind']} {item['id']}"
    yield f"\n{item['verdict'].upper()}  {named}: {count_of(len(item['chunks']), 'chunk')} known{since}"
    width = max(len(look["what"]) for look in item["looks"])
    for look in item["looks"]:
        yield f"  {SIGNS[look['outcome']]:<7}  {look['what']:<{width}}  {look['said']}".rstrip()
        for one in look["found"][:SHOWN]:
            share = "" if one["share"] in (None, 1.0) else f", {one['share']:.0%} of it"
            decides = "" if one["decides"] else " (accepted)"
            where = ": ".join(filter(None, (f"{one['as']}{share}{decides}", one["said"])))
            document = f" of {one['doc_id']}" if one["doc_id"] else ""
            yield f"             {one['chunk_id']}{document}  {where}"
        left = look["count"] - SHOWN
        if left > 0:
            yield f"             ... and {left:,} more; --format json names {len(look['found']):,}"
