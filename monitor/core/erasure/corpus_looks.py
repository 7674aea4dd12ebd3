"""What the events themselves say of what was deleted: the chunk table, records set aside, copies under other ids."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.erasure.model import ErasedContent, ErasedItem, ErasureFinding, FoundAs, LookResult
from monitor.core.index.duplicates.content_sketch import HELD, ContainmentSearch, ContentSketch
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.changes import ChunkRow
from monitor.core.model.events import text_hash
from monitor.core.model.point_ids import canonical
from monitor.core.records.committed import Quarantined
from monitor.core.text.wording import count_of


def items_of(ids: Sequence[str], rows: Iterable[ChunkRow]) -> list[ErasedItem]:
    """What is asked about, in the order given, each id once.

    Args:
        ids: of chunks or documents; a chunk that is named so goes before a document.
        rows: every known chunk, delete marks included.
    """
    asked = dict.fromkeys(ids)
    names = {spelling: name for name in asked for spelling in (canonical(name), name)}
    chunks: defaultdict[str, list[ChunkRow]] = defaultdict(list)
    documents: defaultdict[str, list[ChunkRow]] = defaultdict(list)
    for row in rows:
        if row.chunk_id in names:
            chunks[names[row.chunk_id]].append(row)
        if row.doc_id in asked:
            documents[row.doc_id].append(row)
    made = []
    for name in asked:
        found = chunks[name] or documents[name]
        ordered = tuple(sorted(found, key=lambda row: row.chunk_id))
        made.append(ErasedItem(name, "chunk" if chunks[name] else "document" if found else "unknown", ordered))
    return made


def content_of(
    item: ErasedItem,
    sketches: Mapping[int, ContentSketch],
    remembered: Mapping[int, tuple[str, NDArray[np.uint32]]],
    text: str = "",
) -> ErasedContent:
    """What is known of what an item said.

    Args:
        item: what is asked about.
        sketches: of deleted chunks, by key.
        remembered: content hash and shingles of chunks that stood in a kept list, by key: for a chunk that was
            deleted before sketches were kept.
        text: what was deleted, where it was given.
    """
    if text:
        (shingles,) = text_shingles([text])
        hashes = {text_hash(text), *(row.content_hash for row in item.gone)} - {""}
        whole = ContentSketch(shingles, len(shingles))
        return ErasedContent(frozenset(hashes), ((item.asked, whole),), 0, whole=True)
    known: list[tuple[str, ContentSketch]] = []
    for row in item.gone:
        hash_then, shingles = remembered.get(row.key, ("", np.zeros(0, np.uint32)))
        if row.key in sketches:
            known.append((row.chunk_id, sketches[row.key]))
        elif hash_then and hash_then == row.content_hash:
            known.append((row.chunk_id, ContentSketch.of(shingles)))
    hashes = {row.content_hash for row in item.gone} - {""}
    open_ = len(item.gone) - len(known) if item.rows else 1
    return ErasedContent(frozenset(hashes), tuple(known), open_)


class CopySearch:
    """Looks for live chunks that say what was deleted, in one pass over the corpus for all items.

    Args:
        items: what is asked about.
        contents: what each of them said, aligned.
    """

    def __init__(self, items: Sequence[ErasedItem], contents: Sequence[ErasedContent]) -> None:
        self._own = [frozenset(row.key for row in item.rows) for item in items]
        self._hashes = [content.hashes for content in contents]
        self._all = frozenset().union(*self._hashes)
        self._owners = [at for at, content in enumerate(contents) for _ in content.sketches]
        self._search = ContainmentSearch([sketch for content in contents for _, sketch in content.sketches])
        self._found: list[dict[str, ErasureFinding]] = [{} for _ in items]

    @property
    def by_words(self) -> bool:
        """Whether texts have to be looked at: without any sketch the hashes are enough."""
        return bool(self._owners)

    def feed(self, rows: Sequence[ChunkRow], shingles: Sequence[NDArray[np.uint32]]) -> None:
        """Some live chunks with their shingles (empty ones where `by_words` is False)."""
        for row in rows:
            if row.content_hash in self._all:
                for at, hashes in enumerate(self._hashes):
                    if row.content_hash in hashes:
                        self._put(at, row, "copy", 1.0)
        for shared in self._search.among(shingles):
            kind: FoundAs = "near copy" if shared.held >= HELD else "part"
            self._put(self._owners[shared.sketch], rows[shared.text], kind, shared.held)

    def _put(self, at: int, row: ChunkRow, kind: FoundAs, share: float) -> None:
        if row.key in self._own[at]:
            return  # it is named by the events already
        known = self._found[at].get(row.chunk_id)
        if known is None or (known.found_as != "copy" and share > known.share):
            self._found[at][row.chunk_id] = ErasureFinding(row.chunk_id, kind, row.doc_id, share)

    def findings(self, at: int) -> list[ErasureFinding]:
        """Of an item, those that say most of it first."""
        return sorted(self._found[at].values(), key=lambda of: (of.found_as != "copy", -of.share, of.chunk_id))


def events_result(item: ErasedItem) -> LookResult:
    """Whether it is live by the events."""
    live, gone = item.live, item.gone
    if not item.rows:
        said = "no live chunk has this id; none was ever heard of, or its delete mark is forgotten"
        return LookResult.of("events", [], said)
    parts = [f"{count_of(len(gone), 'chunk')} deleted"] if gone else []
    parts += [f"{count_of(len(live), 'chunk')} live"] if live else []
    findings = [ErasureFinding(row.chunk_id, "chunk", row.doc_id, said="live by the events") for row in live]
    return LookResult.of("events", findings, ", ".join(parts))


def quarantine_result(item: ErasedItem, records: Sequence[Quarantined]) -> LookResult:
    """Whether records that name it were set aside: then what the events say of it may not be the last word."""
    spelled = [name.encode("utf-8", "surrogatepass") for name in {*item.named, item.asked}]
    about = [of for of in records if any(name == of.key or name in (of.value or b"") for name in spelled)]
    if not about:
        return LookResult.of("quarantine", [], f"{count_of(len(records), 'record')} looked at, none names it")
    where = ", ".join("{}/{}@{}".format(*of.position) for of in about[:3])
    named = f"{count_of(len(about), 'record')} about it set aside ({where}): see corpus-drift quarantine list"
    return LookResult.of("quarantine", [], "", open_=named)


def copies_result(item: ErasedItem, content: ErasedContent, findings: Sequence[ErasureFinding]) -> LookResult:
    """Whether live chunks say it under other ids."""
    if item.rows and not item.gone and not content.whole:
        return LookResult("copies", "nothing", "nothing of it is deleted: give its text (--text) to look for copies")
    looked = "compared by content hash and by words" if content.sketches else "compared by content hash"
    if not content.hashes and not content.sketches:
        looked = ""
    missing = ""
    if content.unsketched:
        what = "of it" if not item.rows else f"of {count_of(content.unsketched, 'deleted chunk')}"
        missing = f"no sketch is kept {what}, so near copies cannot be told: give its text (--text)"
    return LookResult.of("copies", findings, looked, open_=missing)


def past_result(item: ErasedItem, kept: Mapping[str, int]) -> LookResult:
    """Whether this monitor itself keeps texts of its deleted chunks, from when they stood in lists.

    Args:
        item: what is asked about.
        kept: texts kept by chunk id.
    """
    live = {row.chunk_id for row in item.live}
    findings = [
        ErasureFinding(name, "kept text", said=f"{count_of(count, 'text')}: erased --forget takes them away")
        for name, count in sorted(kept.items())
        if count and name not in live
    ]
    return LookResult.of("past", findings, "from when it stood in lists, for the page")


def likeness(score: float, own: float, *, euclid: bool) -> float:
    """How near a vector is to what was asked, 1.0 for the same.

    cosine and dot: score / own; euclid (score is minus the distance): 1 - d^2 / (2 own).

    Args:
        score: bigger is better.
        own: the question's squared norm.
        euclid: whether scores are minus distances.

    >>> likeness(0.97, 1.0, euclid=False), likeness(-0.0, 1.0, euclid=True)
    (0.97, 1.0)
    """
    if not own:
        return math.nan
    return 1.0 - score * score / (2.0 * own) if euclid else score / own
