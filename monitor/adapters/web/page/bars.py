"""Who caused it: the heaviest few of each leg and level, as bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.core.model.report import Share, ShareKind

MOST_BARS = 5
"""Of each leg and level."""
STANDS_OUT = 0.1
"""Share from which on the head of the page names somebody."""
LEVELS = ("source", "path", "document", "deploy")
"""The order of levels; others follow by name."""
HEADINGS: Mapping[str, str] = {
    "source": "Sources",
    "path": "Paths",
    "document": "Documents",
    "deploy": "Deploys",
    "segment": "Segments (of every dimension)",
}


@dataclass(frozen=True, slots=True)
class Level:
    """One level of one leg: its heaviest shares, and what the others have together."""

    heading: str
    bars: tuple[Share, ...]
    rest: float


@dataclass(frozen=True, slots=True)
class Blamed:
    """One leg's levels, and how many slots were exchanged on it."""

    leg: str
    slots: float
    levels: tuple[Level, ...]


def blamed(shares: Sequence[Share]) -> tuple[Blamed, ...]:
    """The shares of a report, leg by leg; a leg without churn has none."""
    found: dict[str, dict[str, list[Share]]] = {}
    for share in shares:
        found.setdefault(share.leg, {}).setdefault(share.level, []).append(share)
    return tuple(
        Blamed(leg, _slots(levels), tuple(_level(name, levels[name]) for name in sorted(levels, key=_rank)))
        for leg, levels in sorted(found.items())
    )


def _slots(levels: Mapping[str, Sequence[Share]]) -> float:
    """Each level shares out all of them; the first is as good as any."""
    first = min(levels, key=_rank)
    return sum(share.slots for share in levels[first])


def _rank(level: str) -> tuple[int, str]:
    return (LEVELS.index(level) if level in LEVELS else len(LEVELS), level)


def _level(name: str, shares: Sequence[Share]) -> Level:
    named = sorted((of for of in shares if of.kind != ShareKind.OTHERS), key=lambda share: (-share.share, share.name))
    rest = [*named[MOST_BARS:], *(of for of in shares if of.kind == ShareKind.OTHERS)]
    heading = HEADINGS.get(name, name.capitalize())
    # A slot is in a segment of every dimension: what is not shown is no part of a whole there.
    left = 0.0 if name == "segment" else sum(share.share for share in rest)
    return Level(heading, tuple(named[:MOST_BARS]), left)


def culprits(legs: Sequence[Blamed]) -> tuple[tuple[str, Share], ...]:
    """For each leg what stands out: the heaviest of its first level with several names, if it has enough."""
    several = ((leg.leg, next((of for of in leg.levels if len(of.bars) > 1), None)) for leg in legs)
    return tuple((leg, of.bars[0]) for leg, of in several if of is not None and of.bars[0].share >= STANDS_OUT)
