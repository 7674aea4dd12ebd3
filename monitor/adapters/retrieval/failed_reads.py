"""Reads of any vector store that fail: named, said to people once, and not sent where they are hopeless."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.adapters.retrieval.reasons import FailureReason

log = logging.getLogger(__name__)

STRIKES = 3
"""Reads that may run out of time before the rest is given up."""
HOPELESS = frozenset(
    {
        FailureReason.UNREACHABLE,
        FailureReason.REFUSED,
        FailureReason.FORBIDDEN,
        FailureReason.COLLECTION_MISSING,
        FailureReason.RATE_LIMITED,
        FailureReason.UNUSABLE,
    }
)
"""Reasons that concern the server or the collection and not the question: the rest of the reads is not sent."""
DETAIL = 200
"""Characters of a server's own words in a message."""


@dataclass(frozen=True, slots=True)
class FailedRead:
    """A read that failed: the name of what went wrong, and one line for people."""

    reason: FailureReason
    detail: str


@dataclass(slots=True)
class ReadOutlook:
    """What the reads of one call have met so far; threads write it, each field by plain assignment.

    Args:
        until: when all of them are over, on the monotonic clock.
    """

    until: float
    hopeless: FailedRead | None = None
    strikes: list[FailedRead] = field(default_factory=list)

    def verdict(self) -> FailedRead | None:
        """Why the next read is not sent, if it is not."""
        if time.monotonic() >= self.until:
            return FailedRead(FailureReason.DEADLINE, "not sent before the deadline")
        return self.hopeless or (self.strikes[0] if len(self.strikes) >= STRIKES else None)

    def note(self, one: FailedRead) -> None:
        """A read failed."""
        if one.reason in HOPELESS:
            self.hopeless = one
        elif one.reason is FailureReason.DEADLINE:
            self.strikes.append(one)


class FailureLog:
    """Says what goes wrong once, not at each call, and that it is over.

    Args:
        where: the server, for the log.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._said: dict[str, frozenset[FailureReason]] = {}
        """Reasons already logged, by what was read, until such a read succeeds again."""

    def say(self, what: str, results: Sequence[object]) -> None:
        """What became of the reads of one call.

        Args:
            what: was read.
            results: of all of them, some a FailedRead.
        """
        found, said = [one for one in results if isinstance(one, FailedRead)], self._said.get(what, frozenset())
        for reason in sorted({one.reason for one in found} - said):
            same = [one for one in found if one.reason is reason]
            counted = f"{len(same)} of {len(results)} reads"
            log.warning("%s: %s: %s in %s: %s", self._where, what, reason, counted, same[0].detail)
        if said and results and not found:
            log.info("%s: %s: answered again", self._where, what)
        if results:
            self._said[what] = (said | {one.reason for one in found}) if found else frozenset()


def printable(text: str, secret: str) -> str:
    r"""A server's words in one short line, without what must not be shown.

    >>> printable("no such\n key: s3cret", "s3cret")
    'no such key: ***'
    """
    line = " ".join(text.split())
    if secret:
        line = line.replace(secret, "***")
    return "".join(sign if sign.isprintable() else "?" for sign in line)[:DETAIL]
