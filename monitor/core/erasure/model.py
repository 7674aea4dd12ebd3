"""The words of a proof of erasure: what is asked about, one look, what it found, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.model.changes import ChunkRow
from monitor.core.model.events import chunk_key
from monitor.core.model.point_ids import canonical

MOST_NAMED = 100
"""Findings of one look that are named; further ones are counted."""


class ErasureVerdict(StrEnum):
    """What all looks come to."""

    ERASED = "erased"
    """Everything that there is was looked at, and nothing was found."""
    RETRIEVABLE = "retrievable"
    UNKNOWN = "unknown"
    """Nothing was found, but something could not be looked at."""


ErasureLook = Literal[
    "events", "quarantine", "copies", "index", "index_content", "questions", "served_lexical", "production", "lists",
    "past",
]  # fmt: skip
LOOKS: dict[ErasureLook, str] = {
    "events": "the events",
    "quarantine": "records set aside",
    "copies": "copies under other ids",
    "index": "the index, by id",
    "index_content": "the index, by content",
    "questions": "the index, by questions",
    "served_lexical": "its lexical index",
    "production": "production",
    "lists": "lists of now",
    "past": "texts this monitor keeps",
}
"""What is looked at, in this order. Questions are those of the anchors that had it in a list that is kept."""
LookOutcome = Literal["absent", "found", "unknown", "nothing"]
"""`absent`: looked, not there; `found`; `unknown`: could not be looked at; `nothing`: there is nothing to look at."""
FoundAs = Literal["chunk", "copy", "near copy", "part", "alike", "kept text"]
"""The chunk itself; the same content; at least HELD of its shingles; taken from it; a vector that is nearly its; its
text as this monitor keeps it for pictures."""


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """What is asked.

    Args:
        ids: of chunks or documents.
        text: what was deleted, for a search by content; "" where it is not given.
        accept_copies: copies under other ids are said and do not decide.
        forget: the texts that this monitor keeps of them for pictures are forgotten first.
    """

    ids: Sequence[str]
    text: str = ""
    accept_copies: bool = False
    forget: bool = False


@dataclass(frozen=True, slots=True)
class ErasureFinding:
    """Something that still says it: where, under which id, and as what.

    Args:
        chunk_id: the id of the chunk or point that was found.
        found_as: what it is to what was deleted.
        doc_id: its document, "" where nobody says.
        share: of what was deleted that it says, 1.0 for the chunk itself and a copy; NaN where it is not known.
        said: where or how, such as an anchor's id.
    """

    chunk_id: str
    found_as: FoundAs
    doc_id: str = ""
    share: float = 1.0
    said: str = ""


@dataclass(frozen=True, slots=True)
class LookResult:
    """One look: its outcome, what was and was not done in one line, and the first findings of `count`."""

    look: ErasureLook
    outcome: LookOutcome
    said: str
    findings: tuple[ErasureFinding, ...] = ()
    count: int = 0

    @classmethod
    def of(cls, look: ErasureLook, findings: Sequence[ErasureFinding], said: str, *, open_: str = "") -> "LookResult":
        """`found` where there are findings, else `unknown` where something is open, else `absent`."""
        outcome: LookOutcome = "found" if findings else "unknown" if open_ else "absent"
        return cls(look, outcome, "; ".join(filter(None, (said, open_))), tuple(findings[:MOST_NAMED]), len(findings))


@dataclass(frozen=True, slots=True)
class ErasedItem:
    """A chunk or document that is asked about.

    Args:
        asked: the id as it was given.
        kind: what has this id by the events; `unknown` where none does (any more).
        rows: its chunks, by id; none where the events know none.

    """

    asked: str
    kind: Literal["chunk", "document", "unknown"]
    rows: tuple[ChunkRow, ...]

    @property
    def live(self) -> tuple[ChunkRow, ...]:
        """Its chunks that are in the corpus."""
        return tuple(row for row in self.rows if row.live)

    @property
    def gone(self) -> tuple[ChunkRow, ...]:
        """Its chunks that are deleted."""
        return tuple(row for row in self.rows if not row.live)

    @property
    def named(self) -> tuple[str, ...]:
        """Chunk ids to ask an index for."""
        return tuple(row.chunk_id for row in self.rows) or (canonical(self.asked),)

    @property
    def keys(self) -> frozenset[int]:
        """Their chunk keys."""
        return frozenset(map(chunk_key, self.named))


@dataclass(frozen=True, slots=True, eq=False)
class ErasedContent:
    """What is known of what was deleted.

    Args:
        hashes: content hashes of the deleted chunks.
        sketches: of what they said, each with the chunk id it is of.
        unsketched: deleted chunks of which no sketch is known.
        whole: whether the text itself was given.
    """

    hashes: frozenset[str]
    sketches: tuple[tuple[str, ContentSketch], ...]
    unsketched: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class ErasureAnswer:
    """What all looks at one item came to."""

    item: ErasedItem
    results: tuple[LookResult, ...]
    accept_copies: bool = False

    def decides(self, of: ErasureFinding) -> bool:
        """Whether a finding says that it can still be retrieved."""
        return of.found_as in ("chunk", "kept text") or not self.accept_copies

    @property
    def verdict(self) -> ErasureVerdict:
        """RETRIEVABLE where anything was found that decides; else UNKNOWN where anything could not be looked at."""
        found = (of for result in self.results for of in result.findings)
        if any(map(self.decides, found)):
            return ErasureVerdict.RETRIEVABLE
        if not self.results or any(result.outcome == "unknown" for result in self.results):
            return ErasureVerdict.UNKNOWN
        return ErasureVerdict.ERASED


def overall(answers: Sequence[ErasureAnswer]) -> ErasureVerdict:
    """Of several items: RETRIEVABLE before UNKNOWN before ERASED; nothing asked is UNKNOWN."""
    found = {answer.verdict for answer in answers}
    for verdict in (ErasureVerdict.RETRIEVABLE, ErasureVerdict.UNKNOWN, ErasureVerdict.ERASED):
        if verdict in found:
            return verdict
    return ErasureVerdict.UNKNOWN
