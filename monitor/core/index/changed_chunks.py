"""Chunks that came, changed or went behind some positions, counted so that the counts of parts of a corpus add up."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.core.model.changes import ChunkRow
from monitor.core.model.events import Position, Segment


class NewText(NamedTuple):
    """New chunks of one segment that say the same.

    Args:
        origin, chunk_id: of the first that came.
        doc_id: its document.
        chunks: how many there are.
    """

    origin: Position
    chunk_id: str
    doc_id: str
    chunks: int

    def beside(self, other: "NewText") -> "NewText":
        """Both together."""
        return min(self, other)._replace(chunks=self.chunks + other.chunks)


@dataclass(frozen=True, slots=True, eq=False)
class ChangedChunks:
    """What changed.

    Args:
        documents: chunks that changed or went, by document and segment.
        texts: new chunks, by segment and content hash.
    """

    documents: Mapping[tuple[str, Segment], int]
    texts: Mapping[tuple[Segment, str], NewText]

    @classmethod
    def of(cls, rows: Iterable[ChunkRow], since: Mapping[str, int]) -> "ChangedChunks":
        """Of some chunks, delete marks included; what stands before `since`, by `topic/partition`, is older."""
        documents: Counter[tuple[str, Segment]] = Counter()
        texts: dict[tuple[Segment, str], NewText] = {}
        for row in rows:
            topic, partition, offset = row.origin
            if offset < since.get(f"{topic}/{partition}", 0):
                continue
            if row.live and row.how == "new" and row.content_hash:
                said, text = (row.segment, row.content_hash), NewText(row.origin, row.chunk_id, row.doc_id, 1)
                texts[said] = text.beside(texts[said]) if said in texts else text
            else:
                documents[row.doc_id, row.segment] += 1
        return cls(documents, texts)

    @classmethod
    def joined(cls, parts: Sequence["ChangedChunks"]) -> "ChangedChunks":
        """Of a corpus that lies in parts."""
        documents: Counter[tuple[str, Segment]] = Counter()
        texts: dict[tuple[Segment, str], NewText] = {}
        for part in parts:
            documents.update(part.documents)
            for said, text in part.texts.items():
                texts[said] = text.beside(texts[said]) if said in texts else text
        return cls(documents, texts)
