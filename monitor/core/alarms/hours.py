"""Hours of the week, in classes that have a normal churn of their own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

OTHER_HOURS = "other hours"
"""The class of the hours that no other one names."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOUR = 3_600
_WEEK = 168
_MONDAY = 72
"""Hours from a Monday's midnight to the epoch's, a Thursday's."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,39}")
_SPEC = re.compile(r"(?P<first>\*|[A-Z][a-z]{2})(-(?P<last>[A-Z][a-z]{2}))? (?P<begin>\d{2})-(?P<end>\d{2})")


@dataclass(frozen=True, slots=True)
class HourClasses:
    """Names for hours of the week (UTC).

    Args:
        names: (168,) the class of each hour, Monday 00 first.
    """

    names: tuple[str, ...]

    @classmethod
    def of(cls, specs: Mapping[str, str]) -> "HourClasses":
        """From names and hours such as `Mon-Fri 07-19`, `Sun 00-06`, `* 02-04` (every day, from 02:00 up to 04:00).

        The first one that names an hour has it; those that none names are `other hours`.

        Raises:
            ValueError: a name or hours that are not of that form, or name nothing.

        >>> classes = HourClasses.of({"working": "Mon-Fri 07-19"})
        >>> classes.at(0), classes.at(10 * 3600), classes.distinct
        ('other hours', 'working', ('working', 'other hours'))
        """
        names = [OTHER_HOURS] * _WEEK
        for name, spec in reversed(list(specs.items())):
            if not _NAME.fullmatch(name) or name == OTHER_HOURS:
                message = f"{name!r}: expected a name of letters, digits, ' ', '_', '-', and not {OTHER_HOURS!r}"
                raise ValueError(message)
            for hour in _hours(name, spec):
                names[hour] = name
        return cls(tuple(names))

    def at(self, seconds: float) -> str:
        """The class of the hour at these seconds since the epoch."""
        return self.names[(int(seconds // HOUR) + _MONDAY) % _WEEK]

    @property
    def distinct(self) -> tuple[str, ...]:
        """The classes there are, `other hours` last."""
        return tuple(sorted(set(self.names), key=lambda name: (name == OTHER_HOURS, self.names.index(name))))


def _hours(name: str, spec: str) -> list[int]:
    found = _SPEC.fullmatch(spec)
    days = None if found is None else _days(found["first"], found["last"])
    begin, end = (0, 0) if found is None else (int(found["begin"]), int(found["end"]))
    if days is None or not 0 <= begin < end <= 24:
        message = (
            f"{name} = {spec!r}: expected days and hours such as 'Mon-Fri 07-19', 'Sun 00-24', '* 02-04', in UTC"
        )
        raise ValueError(message)
    return [24 * day + hour for day in days for hour in range(begin, end)]


def _days(first: str, last: str | None) -> list[int] | None:
    """Indices of days, over the end of the week where the last is before the first; None for what is no day."""
    if first == "*":
        return list(range(7)) if last is None else None
    if first not in DAYS or (last or first) not in DAYS:
        return None
    begin, length = DAYS.index(first), (DAYS.index(last or first) - DAYS.index(first)) % 7
    return [(begin + day) % 7 for day in range(length + 1)]
