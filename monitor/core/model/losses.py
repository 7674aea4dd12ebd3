"""Answers that were lost, as people count them: how many queries, where, which, and who stands in their place."""

from dataclasses import dataclass
from typing import Literal

Fate = Literal["gone", "displaced", "lost"]
"""`gone`: nowhere in the corpus; `displaced`: it is there and others stand before it; `lost`: nobody knows which."""


@dataclass(frozen=True, slots=True)
class LostIn:
    """How many of a segment's anchors lost the answer they had."""

    dimension: str
    segment: str
    lost: int
    anchors: int


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """One anchor that lost the answer it had.

    Args:
        anchor: its id.
        text: its question, cut.
        fate: what became of the answer.
        chunk_id: the answer: the first result in the baseline.
        doc_id: its document.
        instead: the document of the first result now, "" for none.
    """

    anchor: str
    text: str
    fate: Fate
    chunk_id: str
    doc_id: str
    instead: str


@dataclass(frozen=True, slots=True)
class Displacer:
    """A document that came into lists from which answers were displaced, and of how many anchors."""

    doc_id: str
    anchors: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What one leg's anchors lost since the baseline, at the judged depth.

    Args:
        leg: dense, lexical, or production.
        k: the depth.
        share: of the anchors' weight that lost its answer, 0 to 1: of so many queries, weighted as people ask them.
        lost: anchors that lost it.
        anchors: anchors measured.
        gone: of those lost, how many whose answer is nowhere; None where nobody knows.
        displaced: the others; None where nobody knows.
        segments: where most of a segment was lost, the worst first; bounded.
        queries: which anchors, the most frequent first; bounded.
        displaced_by: who came into the lists of displaced answers, the most frequent first; bounded.
    """

    leg: Literal["dense", "lexical", "production"]
    k: int
    share: float
    lost: int
    anchors: int
    gone: int | None
    displaced: int | None
    segments: tuple[LostIn, ...] = ()
    queries: tuple[LostAnswer, ...] = ()
    displaced_by: tuple[Displacer, ...] = ()

    @property
    def said(self) -> str:
        """In one line."""
        if not self.lost:
            return f"{self.leg}: none of {self.anchors:,} queries lost the answer it had"
        hundred = round(100 * self.share)
        part = f"about {hundred}" if hundred else "fewer than 1"
        said = (
            f"{self.leg}: {part} of 100 queries lost the answer they had ({self.lost:,} of {self.anchors:,} anchors"
        )
        fates = ((self.gone, "gone"), (self.displaced, "displaced"))
        said += "".join(f", {count:,} {fate}" for count, fate in fates if count) + ")"
        if self.segments:
            named = (f"{of.lost:,} of {of.anchors:,} in {of.dimension}={of.segment}" for of in self.segments)
            said += f"; most: {', '.join(named)}"
        if self.displaced_by:
            said += f"; displaced by: {', '.join(f'{of.doc_id} ({of.anchors:,})' for of in self.displaced_by)}"
        return said
