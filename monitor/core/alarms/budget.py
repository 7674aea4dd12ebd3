"""The budget of false pages: how many in how long, and the limit of evidence that keeps it."""

import re
from dataclasses import dataclass

_UNITS = {"h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_SPEC = re.compile(r"(?P<pages>\d{1,4}(\.\d{1,4})?) per (?P<count>\d{1,4})(?P<unit>[hdw])")


@dataclass(frozen=True, slots=True)
class PageBudget:
    """At most so many false pages in so long, on average.

    Args:
        pages: b, above 0.
        seconds: T, above 0.
    """

    pages: float
    seconds: float

    @classmethod
    def of(cls, spec: str) -> "PageBudget":
        """From a text such as `1 per 30d`, `0.5 per 2w`, `2 per 24h`.

        Raises:
            ValueError: not of that form, or nothing in it.

        >>> PageBudget.of("1 per 30d")
        PageBudget(pages=1.0, seconds=2592000.0)
        """
        found = _SPEC.fullmatch(spec)
        pages, seconds = (
            (0.0, 0.0) if found is None else (float(found[1]), float(found["count"]) * _UNITS[found["unit"]])
        )
        if not 0.0 < pages <= seconds / _UNITS["h"]:  # more than one an hour: every round of every series alarms
            message = (
                "expected false pages in a time, above 0 and at most one an hour, such as '1 per 30d' (h, d or w)"
            )
            raise ValueError(message)
        return cls(pages, seconds)

    def limit(self, streams: int, length: float) -> float:
        """The limit c = K T / b: the evidence at which one of K series alarms.

        Args:
            streams: K, at least 1.
            length: seconds of a round.

        >>> PageBudget.of("1 per 30d").limit(20, 3_600.0)
        14400.0
        """
        return streams * (self.seconds / length) / self.pages
