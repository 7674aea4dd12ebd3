"""Counts and durations as people read them."""

_UNITS = ((172_800.0, 86_400.0, "days"), (7_200.0, 3_600.0, "h"), (120.0, 60.0, "min"))


def count_of(count: int, one: str, many: str = "") -> str:
    """A count with its noun; `many` of it where that is not the noun with an s.

    >>> count_of(1, "change"), count_of(1_200, "change"), count_of(2, "query", "queries")
    ('1 change', '1,200 changes', '2 queries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def at_depth(stat: str, k: int) -> str:
    """A statistic with the depth that its measure looks at; 0 is the depth of measures that have none.

    >>> at_depth("mean", 10), at_depth("p95", 0)
    ('mean@10', 'p95')
    """
    return f"{stat}@{k}" if k else stat


def duration(seconds: float) -> str:
    """A duration in a unit that leaves at least two of it.

    >>> duration(3.4), duration(7_300.0), duration(259_140.0)
    ('3 s', '2 h', '3 days')
    """
    for least, unit, name in _UNITS:
        if seconds >= least:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"
