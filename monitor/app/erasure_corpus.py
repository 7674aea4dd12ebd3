"""What the committed corpus still knows of what was deleted: rows, words, copies, texts of the past."""

from collections.abc import Iterator, Sequence

import numpy as np

from monitor.app.erasure_sources import ErasureSources
from monitor.core.erasure.corpus_looks import CopySearch, content_of, items_of
from monitor.core.erasure.model import ErasedContent, ErasedItem
from monitor.core.index.baseline import Snapshot
from monitor.core.index.corpus import ChunkRow
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.events import chunk_key
from monitor.core.text.wording import count_of
from monitor.ports import StateStore

CHUNKS_AT_ONCE = 4_096


def keys_of(store: StateStore, ids: Sequence[str]) -> list[int]:
    """Keys of the chunks that are asked about, whether the events still know them or not."""
    rows = (row for stored in store.contents(CHUNKS_AT_ONCE) for row, _ in stored)
    return sorted({key for item in items_of(ids, rows) for key in item.keys - {row.key for row in item.live}})


class ErasureCorpus:
    """The chunk table, read once for all ids.

    Args:
        sources: what can be looked at.
        ids: of chunks or documents.

    Attributes:
        items: what the events know of each id, in the order of the ids.
    """

    def __init__(self, sources: ErasureSources, ids: Sequence[str]) -> None:
        self._sources = sources
        live: list[int] = []
        sources.tell("looking through the chunk table ...")
        self.items = items_of(ids, self._rows(live))
        self._live = np.array(live, np.int64)

    def _rows(self, live: list[int]) -> Iterator[ChunkRow]:
        for stored in self._sources.store.contents(CHUNKS_AT_ONCE):
            for row, _ in stored:
                if row.live:
                    live.append(row.key)
                yield row

    def is_live(self, key: int) -> bool:
        """Whether the events know this chunk as live."""
        at = int(np.searchsorted(self._live, key))
        return at < len(self._live) and int(self._live[at]) == key

    def content(self, item: ErasedItem, snapshots: Sequence[Snapshot], text: str) -> ErasedContent:
        """What is known of what an item said.

        Args:
            item: one of the items.
            snapshots: baselines, which remember words.
            text: that was given, "" for none.
        """
        remembered = {
            key: (snapshot.members[key].content_hash, snapshot.shingles[key])
            for snapshot in snapshots
            for key in item.keys
            if key in snapshot.shingles and key in snapshot.members
        }
        keys = [row.key for row in item.gone]
        return content_of(item, self._sources.store.sketches(keys), remembered, text)

    def copies(self, contents: Sequence[ErasedContent]) -> CopySearch:
        """Live chunks that say the same, or nearly; `contents` in the order of the items."""
        search = CopySearch(self.items, contents)
        if not any(content.hashes or content.sketches for content in contents):
            return search
        self._sources.tell(f"looking for copies among {count_of(len(self._live), 'live chunk')} ...")
        for stored in self._sources.store.contents(CHUNKS_AT_ONCE):
            pairs = [(row, text) for row, text in stored if row.live]
            nothing = [np.zeros(0, np.uint32)] * len(pairs)
            shingles = text_shingles([text for _, text in pairs]) if search.by_words else nothing
            search.feed([row for row, _ in pairs], shingles)
        return search

    def texts_kept(self, item: ErasedItem) -> dict[str, int]:
        """By chunk id, how many texts of the past are kept for pictures."""
        versions = self._sources.store.versions
        return {name: sum(of.text is not None for of in versions(chunk_key(name))) for name in item.named}
