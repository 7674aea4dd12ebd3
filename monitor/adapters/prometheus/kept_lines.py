"""Lines of a metrics page that is rendered again and again: of what did not move the line stays as it was."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

from monitor.adapters.prometheus.text import Written, families_text, family_lines, number_text
from monitor.core.judging.policy import Finding
from monitor.core.measures.entry import PREFIX
from monitor.core.model.placewise import others
from monitor.core.model.report import Measurement

_VERDICTS = 4
"""That a rule may find."""
_HEAD = 6
"""Fields of a measurement that say what it is of."""


class KeptMeasurements:
    """The text of measurements.

    What is kept is replaced whole, so that several threads may render.

    Args:
        families: of measurements; those of the measurements themselves first, in the order in which they appear.
        counted: the name of a last family that shows `n` of some measurements, in their order, and tells which.
    """

    def __init__(
        self,
        families: Callable[[Sequence[Measurement]], Iterable[Metric]],
        counted: tuple[str, Callable[[Sequence[Measurement]], Sequence[int]]],
    ) -> None:
        self._families, self._counted = families, counted
        self._kept: _Rendered | None = None

    def text(self, items: Sequence[Measurement]) -> str:
        """All families of these measurements."""
        kept = self._kept
        moved = None if kept is None else kept.moved(items)
        if kept is None or moved is None:
            kept = self._made(items)
        elif moved:
            pieces = list(kept.pieces)
            for at in moved:
                pieces[kept.places[at]] = _line(kept.heads[at], items[at].value)
                counted = kept.counted.get(at)
                if counted is not None:
                    pieces[counted[0]] = _line(counted[1], items[at].n)
            kept = replace(kept, items=items, pieces=pieces)
        self._kept = kept
        return "".join(kept.pieces)

    def _made(self, items: Sequence[Measurement]) -> "_Rendered":
        pieces: list[str] = []
        begins: dict[str, int] = {}
        written: dict[tuple[str, ...], Written] = {}
        for family in self._families(items):
            begins[family.name] = len(pieces) + 1  # behind the two lines that describe it
            pieces += family_lines(family, written)
        last, which = self._counted
        first, places = begins[PREFIX + last], []
        for item in items:
            places.append(begins[PREFIX + item.metric])
            begins[PREFIX + item.metric] += 1
        counted = {at: (first + n, _head(pieces[first + n])) for n, at in enumerate(which(items))}
        heads, of = [_head(pieces[at]) for at in places], [item[:_HEAD] for item in items]
        return _Rendered(items, of, pieces, places, heads, counted)


@dataclass(frozen=True, slots=True, eq=False)
class _Rendered:
    """A page of measurements.

    Args:
        items: these.
        of: what each is of.
        pieces: of the page.
        places: by measurement, its piece.
        heads: what that begins with.
        counted: likewise of the `n` that are shown, both.
    """

    items: Sequence[Measurement]
    of: Sequence[tuple[object, ...]]
    pieces: Sequence[str]
    places: Sequence[int]
    heads: Sequence[str]
    counted: Mapping[int, tuple[int, str]]

    def moved(self, items: Sequence[Measurement]) -> list[int] | None:
        """Which measurements are others; None where they are laid out otherwise."""
        if len(items) != len(self.items):
            return None
        moved, of = others(items, self.items), self.of
        return moved if all(items[at][:_HEAD] == of[at] for at in moved) else None


class KeptVerdicts:
    """The text of findings, one family.

    What is kept is replaced whole, so that several threads may render.

    Args:
        family: of findings, the same number of series for each.
    """

    def __init__(self, family: Callable[[Sequence[Finding]], GaugeMetricFamily]) -> None:
        self._family = family
        self._kept = _Ruled((), [], {})

    def text(self, findings: Sequence[Finding]) -> str:
        """The family of these findings."""
        described, kept = next(family_lines(self._family(()))), self._kept
        if len(kept.findings) == len(findings) and len(kept.said) <= _VERDICTS * len(findings):
            said, pieces = kept.said, list(kept.pieces)
            moved: Iterable[int] = others(findings, kept.findings)
        else:  # forgets what is not found any more
            said, moved, pieces = {}, range(len(findings)), [""] * len(findings)
        for at in moved:
            of = findings[at]
            key = of.rule, of.severity, of.leg, of.dimension, of.segment, of.verdict
            piece = said.get(key) or kept.said.get(key)
            if piece is None:
                piece = "".join(itertools.islice(family_lines(self._family((of,))), 1, None))
            pieces[at] = said[key] = piece
        self._kept = _Ruled(findings, pieces, said)
        return "".join((described, *pieces))


class Part(NamedTuple):
    """Families that stand side by side on a page.

    Args:
        name: of the part.
        of: all that they say, which has no zeros with a sign; None: something else each time.
        families: makes them.
    """

    name: str
    of: object
    families: Callable[[], Iterable[Metric]]


class KeptParts:
    """The text of parts: of one that is made of what it was made of the last time it stays as it was."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, str]] = {}

    def text(self, parts: Iterable[Part]) -> str:
        """All of them, in their order."""
        made = []
        for name, of, families in parts:
            kept = self._kept.get(name)
            if kept is None or of is None or kept[0] != of:
                kept = self._kept[name] = of, families_text(families())
            made.append(kept[1])
        return "".join(made)


@dataclass(frozen=True, slots=True, eq=False)
class _Ruled:
    """Findings, the text of each, and texts by what they say; these are added to."""

    findings: Sequence[Finding]
    pieces: Sequence[str]
    said: dict[tuple[str, ...], str]


def _head(line: str) -> str:
    return line[: line.rindex(" ") + 1]


def _line(head: str, value: float) -> str:
    return f"{head}{number_text(value)}\n"
