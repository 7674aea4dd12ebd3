"""What served indexes and retrievers say of what was deleted, from what they answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.core.erasure.model import ErasedContent, ErasedItem, ErasureFinding, ErasureLook, FoundAs, LookResult
from monitor.core.index.duplicates.content_sketch import HELD, ContainmentSearch
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.events import chunk_key, text_hash
from monitor.core.model.point_ids import canonical
from monitor.core.model.production import ProductionResult
from monitor.core.text.wording import count_of

ALIKE = 0.98
"""From this likeness of vectors on, a point that no event tells of is taken to say the same."""


@dataclass(frozen=True, slots=True)
class ServedResult:
    """One result of a served list: its chunk id, the content hash that the index states, and how alike it is.

    Args:
        chunk_id: the id of chunk or point.
        content_hash: as the index states it, "" where it does not.
        question: the anchor that it was served for, "" for the text itself.
        alike: likeness to the deleted text's vector, NaN where it is not known.
    """

    chunk_id: str
    content_hash: str
    question: str
    alike: float = float("nan")


@dataclass(frozen=True, slots=True)
class IndexListing:
    """What listing all points of an index found.

    Args:
        points: looked at.
        nameless: without a chunk id.
        unstated: of points that no live chunk has, those that state no content hash; some of them.
        hashes: content hash by chunk id, of points with a hash that was asked about.
        present: ids that were asked about.
        stopped: why it did not come to its end, "" where it did.
    """

    points: int
    nameless: int
    unstated: tuple[str, ...]
    hashes: Mapping[str, str]
    present: frozenset[str]
    stopped: str = ""


def by_id(item: ErasedItem, held: Mapping[str, str] | str) -> LookResult:
    """Whether an index has points of its deleted chunks.

    Args:
        item: what is asked about.
        held: content hash by chunk id of those that the index has; why it did not answer.
    """
    live = {row.chunk_id for row in item.live}
    asked = [name for name in item.named if name not in live]
    if not asked:
        return LookResult("index", "nothing", "nothing of it is deleted by the events")
    if isinstance(held, str):
        return LookResult.of("index", [], "", open_=f"the index did not answer: {held}")
    there = [name for name in asked if name in held]
    findings = [ErasureFinding(name, "chunk", said="the index has this point") for name in there]
    return LookResult.of("index", findings, f"{count_of(len(asked), 'id')} asked for")


def by_listing(item: ErasedItem, content: ErasedContent, listing: IndexListing) -> LookResult:
    """Whether an index has its content under any id, by the hash that its points state.

    A point that states no hash is only known to be what the events say where its chunk is live.
    """
    own = set(item.named)
    findings = [
        ErasureFinding(name, "chunk" if name in own else "copy", said="listed in the index")
        for name, said in sorted(listing.hashes.items())
        if said in content.hashes
    ]
    findings += [
        ErasureFinding(name, "chunk", said="listed in the index")
        for name in sorted(listing.present & own)
        if listing.hashes.get(name) not in content.hashes
    ]
    open_ = []
    if listing.stopped:
        open_.append(f"the listing stopped: {listing.stopped}")
    if listing.nameless:
        open_.append(f"{count_of(listing.nameless, 'point')} without a chunk id")
    if listing.unstated:
        named = ", ".join(listing.unstated[:3])
        open_.append(f"points that no event tells of state no content hash ({named}): they may say anything")
    if not content.hashes:
        open_.append("its content hash is not known")
    said = f"{count_of(listing.points, 'point')} listed"
    return LookResult.of("index_content", findings, said, open_="; ".join(open_))


def among_served(
    look: ErasureLook,
    item: ErasedItem,
    content: ErasedContent,
    results: Sequence[ServedResult],
    *,
    asked: int,
    failed: Mapping[str, int],
    copies: Mapping[str, FoundAs],
    live: Callable[[int], bool],
) -> LookResult:
    """Whether served lists hold it, a copy of it, or a point that no event tells of and that is alike.

    Args:
        look: which one.
        item: what is asked about.
        content: what it said.
        results: of all lists.
        asked: questions.
        failed: questions without an answer, by reason.
        copies: what live chunks are to it, by chunk id.
        live: whether a chunk key is live by the events.
    """
    own = item.keys - {row.key for row in item.live}
    found: dict[tuple[str, FoundAs], ErasureFinding] = {}
    for one in results:
        kind = _kind(one, own, content, copies, live)
        if kind is not None:
            where = f"served for anchor {one.question}" if one.question else "found by its text"
            found.setdefault((one.chunk_id, kind), ErasureFinding(one.chunk_id, kind, said=where))
    ordered = sorted(found.values(), key=lambda of: (of.found_as != "chunk", of.chunk_id))
    open_ = ", ".join(f"{count} not answered ({reason})" for reason, count in sorted(failed.items()))
    return LookResult.of(look, ordered, f"{count_of(asked, 'question')} asked", open_=open_)


def _kind(
    one: ServedResult,
    own: frozenset[int],
    content: ErasedContent,
    copies: Mapping[str, FoundAs],
    live: Callable[[int], bool],
) -> FoundAs | None:
    key = chunk_key(one.chunk_id)
    if key in own:
        return "chunk"
    if one.content_hash and one.content_hash in content.hashes:
        return "copy"
    if live(key):
        return copies.get(one.chunk_id)
    return "alike" if one.alike >= ALIKE else None


def in_production(
    item: ErasedItem,
    content: ErasedContent,
    results: Sequence[tuple[str, ProductionResult]],
    *,
    asked: int,
    failed: Mapping[str, int],
) -> LookResult:
    """Whether production's own retriever serves it: by the id, else by what the result says.

    Args:
        item: what is asked about.
        content: what it said.
        results: each with the anchor that it was served for, "" for the text itself.
        asked: questions.
        failed: questions without an answer, by reason.
    """
    texts = text_shingles([one.text for _, one in results])
    said = {shared.text: shared.held for shared in ContainmentSearch([of for _, of in content.sketches]).among(texts)}
    names = {row.chunk_id for row in item.gone} or ({*item.named, item.asked} if not item.rows else set())
    document = item.asked if item.kind == "document" and not item.live else ""
    found: dict[tuple[str, FoundAs], ErasureFinding] = {}
    for at, (anchor, one) in enumerate(results):
        share = said.get(at, 0.0)
        kind = _served_as(one, names, document, content, share)
        if kind is not None:
            name = one.result_id or one.document_id or "(no id)"
            where = f"served for anchor {anchor}" if anchor else "found by its text"
            held = share if kind in ("near copy", "part") else 1.0
            found.setdefault((name, kind), ErasureFinding(name, kind, one.document_id, held, where))
    open_ = ", ".join(f"{count} not answered ({reason})" for reason, count in sorted(failed.items()))
    ordered = sorted(found.values(), key=lambda of: (of.found_as != "chunk", of.chunk_id))
    return LookResult.of("production", ordered, f"{count_of(asked, 'question')} asked", open_=open_)


def _served_as(
    one: ProductionResult, names: set[str], document: str, content: ErasedContent, share: float
) -> FoundAs | None:
    """What a result is to it; `share` is what its text says of it, 0.0 where that is too little."""
    if {one.result_id, canonical(one.result_id)} & names or (document and one.document_id == document):
        return "chunk"
    if one.text and text_hash(one.text) in content.hashes:
        return "copy"
    return ("near copy" if share >= HELD else "part") if share else None
