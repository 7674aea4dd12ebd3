"""Problems: why nothing may be concluded from a report, as kinds that the program reads and texts for people."""

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """What sort of problem it is; stored with reports, so a value never changes its meaning."""

    NO_BASELINE = "no_baseline"
    FINGERPRINT = "fingerprint"
    """The baseline was measured with another set-up."""
    NO_COMMON_ANCHORS = "no_common_anchors"
    PANEL_RETIRED = "panel_retired"
    """Too few of the anchors are those of the baseline: what holds for them need not hold for the others."""
    STREAM_LOSS = "stream_loss"
    BARRIER = "barrier"
    """Copies of the deploy's marker are missing."""
    REFUSED = "refused"
    """Most of what belongs to a deploy could not be read."""
    AUDIT = "audit"
    """The maintained lists disagree with the reference."""
    INDEX = "index"
    """What the index serves means nothing now."""
    INDEX_BUSY = "index_busy"
    """The index is at work on itself: no deploy can be judged by it."""
    INDEX_BEHIND = "index_behind"
    """The index does not hold the deploy, or does not say whether it does: the deploy cannot be judged by it."""
    HOLLOW = "hollow"
    """There is nothing to judge: the corpus or the lists are empty, or hold the same whatever changes."""
    UNCLASSIFIED = "unclassified"
    """Of a stored report that kept texts alone."""

    @property
    def of_baseline(self) -> bool:
        """Whether it comes from the baseline compared with: against another one it need not hold."""
        return self in (
            ProblemKind.NO_BASELINE,
            ProblemKind.FINGERPRINT,
            ProblemKind.NO_COMMON_ANCHORS,
            ProblemKind.PANEL_RETIRED,
        )

    @property
    def of_index(self) -> bool:
        """Whether it is a state of the index: a deploy that it kept from a verdict is judged when it is over."""
        return self is ProblemKind.INDEX or self.passes

    @property
    def passes(self) -> bool:
        """Whether it is a state of the index that is over by itself some time."""
        return self in (ProblemKind.INDEX_BUSY, ProblemKind.INDEX_BEHIND)

    @property
    def harm_stands(self) -> bool:
        """Whether what is measured is what readers meet, though not all that should be there is: nothing passes by
        it, but harm that it shows is harm.
        """
        return self in (ProblemKind.REFUSED, ProblemKind.HOLLOW, ProblemKind.PANEL_RETIRED)

    @property
    def of_stream(self) -> bool:
        """Whether the stream lost or lacks events: the cause PIPELINE."""
        return self in (ProblemKind.STREAM_LOSS, ProblemKind.BARRIER, ProblemKind.REFUSED)


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason why nothing may be concluded: any of them makes a verdict UNKNOWN, or leaves it FAIL (`harm_stands`).

    >>> str(Problem(ProblemKind.AUDIT, "audit: 3 results disagree, expected 0"))
    'audit: 3 results disagree, expected 0'
    """

    kind: ProblemKind
    text: str

    def __str__(self) -> str:
        """Its text."""
        return self.text
