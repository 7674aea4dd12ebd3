"""Counting what became of the records that were to change the corpus: applied, or set aside and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.model.plausibility import Doubt, doubts_of
from monitor.core.text.wording import count_of

NamedCounts = Mapping[tuple[str, ...], int]
CHANGES = frozenset({"upsert", "delete"})
REFUSED = "refused"
"""Outcome of an event that was set aside; its reason is counted with those of malformed records."""
FEW = 10
"""So many bad records of a small update are a producer's mistake; it takes more, or half of all, to be a share."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of some records.

    Args:
        applied: understood and taken, whether or not they changed anything (repeated and older ones do not).
        refused: set aside, by reason.
        doubtful: taken although odd, by what is odd.
        stale: of those applied, the ones that were older than what is known, so that they changed nothing.
    """

    applied: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    doubtful: Mapping[Doubt, int] = field(default_factory=dict)
    stale: int = 0

    @classmethod
    def of(cls, counters: NamedCounts) -> "Tally":
        """Of everything since the state was begun."""
        taken = (
            n for name, n in counters.items() if name[0] == "events" and name[1] in CHANGES and REFUSED not in name
        )
        refused = {name[1]: n for name, n in counters.items() if name[0] == "quarantined" and len(name) == 2}
        stale = sum(counters.get(("events", kind, "stale"), 0) for kind in CHANGES)
        return cls(sum(taken), refused, doubts_of(counters), stale)

    def since(self, before: "Tally") -> "Tally":
        """What came after an earlier tally of the same counters."""
        refused = {reason: n - before.refused.get(reason, 0) for reason, n in self.refused.items()}
        left = {reason: n for reason, n in sorted(refused.items()) if n > 0}
        doubtful = Counter(self.doubtful) - Counter(before.doubtful)
        return Tally(self.applied - before.applied, left, doubtful, self.stale - before.stale)

    @property
    def aside(self) -> int:
        """How many were set aside."""
        return sum(self.refused.values())

    @property
    def read(self) -> int:
        """How many there were."""
        return self.applied + self.aside

    def too_many(self, ratio: float) -> bool:
        """Whether so many were refused that what is left is not the corpus that was meant.

        Rule 1: some, and nothing was applied. Rule 2: more than the ratio allows, and more than a few or half of all.

        >>> [Tally(applied, {"not_json": aside}).too_many(0.1) for applied, aside in ((0, 0), (0, 1), (5, 1), (4, 4))]
        [False, True, False, True]
        >>> [Tally(applied, {"not_json": aside}).too_many(0.1) for applied, aside in ((99, 11), (90, 11), (0, 9))]
        [False, True, True]
        """
        if not self.aside:
            return False
        beyond = self.aside > ratio * self.read
        return not self.applied or (beyond and (self.aside > FEW or self.aside >= self.applied))

    def __str__(self) -> str:
        """In words, the reasons with it."""
        named = ", ".join(f"{reason}: {n:,}" for reason, n in sorted(self.refused.items()))
        why = f" ({named})" if named else ""
        stale = f" ({self.stale:,} stale: older than what is known)" if self.stale else ""
        return f"{count_of(self.read, 'change')} read, {self.applied:,} applied{stale}, {self.aside:,} set aside{why}"

    def complaint(self, ratio: float) -> str:
        """Why nothing can be concluded from what is left."""
        shown = f"{self.aside:,} of {self.read:,} changes were set aside"
        return f"{shown}, expected at most {ratio:.0%} (source.max_refused_ratio); see corpus-drift quarantine list"
