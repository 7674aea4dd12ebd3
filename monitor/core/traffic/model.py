"""What is known of a query that users asked: while it passes, and what is kept of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import Partition, Segment

DAY = 86_400_000_000
"""Microseconds."""
VALUE_UNIT = 1_000_000
"""What a value of 1 is kept as."""
ANONYMOUS = b""
"""Of a client that a record does not name: it counts in shares, and is nobody where clients are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class UserQuery:
    """A query as a record of traffic has it; it is judged, counted and forgotten.

    Args:
        text: what was asked.
        client: who asked, as the log names them; "" where it does not.
        time: microseconds since the epoch, 0 where the record has none.
        segment: attributes by name, such as a language.
        value: what the query is worth, such as the clicks or the revenue behind it; 1 where the record does not say.
        vector: of the corpus's embedding version, as it was served; None where the record carries none.
    """

    text: str
    client: str = ""
    time: int = 0
    segment: Segment = ()
    value: float = 1.0
    vector: NDArray[np.float32] | None = None


class RefusedQuery(ValueError):  # noqa: N818 - the record is refused; it is an outcome, not a failure of ours
    """A record of traffic, or a query in one, that is set aside; nothing of what it holds is repeated.

    Args:
        reason: a bounded name.
        expected: what would have been right.
    """

    def __init__(self, reason: str, expected: str) -> None:
        super().__init__(f"{reason}: {expected}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TrafficStanding:
    """How a question stands to the anchors, by the lists of one moment.

    Args:
        nearest: digest of the anchor whose list is most like the question's; "" where no anchor shares a result.
        likeness: rank-biased overlap of the two lists on the leg that decides, 0 to 1; NaN where the question has no
            list: nothing can be said.
        lexical: the same of the lexical lists, NaN where that leg is off.
        leg: which decides: `dense` for a question with a vector, else `lexical`; "" where it has no list.
        results: of a question that no anchor represents, marks of the results in its list on that leg, best first:
            by them alone such questions are put together.
        day: on which it was judged, in days since the epoch.
    """

    nearest: str
    likeness: float
    lexical: float = math.nan
    leg: str = ""
    results: tuple[int, ...] = ()
    day: int = 0


@dataclass(frozen=True, slots=True)
class TrafficQuestion:
    """A question that is kept: neither its text nor a vector.

    Args:
        mark: keyed hash (HMAC) of its normal form and segment.
        segment: its attributes.
        standing: how it stands to the anchors; None while it could not be judged.
    """

    mark: bytes
    segment: Segment
    standing: TrafficStanding | None = None


@dataclass(frozen=True, slots=True)
class TrafficAsk:
    """How often one client asked one question on one day, and what that was worth.

    Args:
        day: days since the epoch, UTC.
        question: mark of the question.
        client: mark of the client, ANONYMOUS for none.
        count: times.
        value: sum of the values in millionths: whole numbers add up the same in any order.
    """

    day: int
    question: bytes
    client: bytes
    count: int = 1
    value: int = VALUE_UNIT


@dataclass(frozen=True, slots=True)
class KeptTraffic:
    """All that is kept of traffic.

    Args:
        key: what the marks were made with, itself only as a mark; rows of another key mean nothing.
        level: of the sample of clients: 2^-level of them are looked at.
        newest: the newest day, in days since the epoch.
        positions: next offset by partition of the log.
        questions: with how they stand.
        asks: who asked what, when and how often.
        outcomes: records by what became of them, since the first.
    """

    key: str
    level: int
    newest: int
    positions: Mapping[Partition, int]
    questions: tuple[TrafficQuestion, ...]
    asks: tuple[TrafficAsk, ...]
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TrafficCommit:
    """What changed since the last commit; `asks` and `questions` replace rows of the same key.

    Args:
        key, level, newest, positions, outcomes: as of `KeptTraffic`, whole.
        questions: new or judged anew.
        asks: new or counted on.
        gone_asks: day, question and client of asks that are no longer kept.
        gone_questions: marks of questions that nobody asks any more.
        afresh: whether everything kept before is forgotten first: it was made with another key.
    """

    key: str
    level: int
    newest: int
    positions: Mapping[Partition, int]
    outcomes: Mapping[str, int]
    questions: tuple[TrafficQuestion, ...] = ()
    asks: tuple[TrafficAsk, ...] = ()
    gone_asks: tuple[tuple[int, bytes, bytes], ...] = ()
    gone_questions: tuple[bytes, ...] = ()
    afresh: bool = False
