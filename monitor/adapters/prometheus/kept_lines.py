"""Lines of a metrics page that is rendered again and again: of what did not move the line stays as it was."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from monitor.adapters.prometheus.text import Written, gauge_lines
from monitor.core.judging.policy import Finding
from monitor.core.measures.entry import PREFIX
from monitor.core.model.report import Measurement

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
        moved = None if kept is None else _moved(kept.items, items)
        if kept is None or moved is None:
            kept = self._made(items)
        elif moved:
            pieces = list(kept.pieces)
            for at in moved:
                pieces[kept.places[at]] = _line(kept.heads[at], items[at].value)
                counted = kept.counted.get(at)
                if counted is not None:
                    pieces[counted[0]] = _line(counted[1], items[at].n)
            kept = _Rendered(items, pieces, kept.places, kept.heads, kept.counted)
        self._kept = kept
        return "".join(kept.pieces)

    def _made(self, items: Sequence[Measurement]) -> "_Rendered":
        pieces: list[str] = []
        begins: dict[str, int] = {}
        written: dict[tuple[str, ...], Written] = {}
        for family in self._families(items):
            begins[family.name] = len(pieces) + 1  # behind the two lines that describe it
            pieces += gauge_lines(family, written)
        last, which = self._counted
        first, places = begins[PREFIX + last], []
        for item in items:
            places.append(begins[PREFIX + item.metric])
            begins[PREFIX + item.metric] += 1
        counted = {at: (first + n, _head(pieces[first + n])) for n, at in enumerate(which(items))}
        return _Rendered(items, pieces, places, [_head(pieces[at]) for at in places], counted)


@dataclass(frozen=True, slots=True, eq=False)
class _Rendered:
    """A page of measurements: its pieces, and by measurement its piece and what that begins with; likewise of `n`."""

    items: Sequence[Measurement]
    pieces: Sequence[str]
    places: Sequence[int]
    heads: Sequence[str]
    counted: Mapping[int, tuple[int, str]]


class KeptVerdicts:
    """The text of findings, one family.

    Args:
        family: of findings, the same number of series for each.
    """

    def __init__(self, family: Callable[[Sequence[Finding]], GaugeMetricFamily]) -> None:
        self._family = family
        self._kept: dict[tuple[str, ...], str] = {}

    def text(self, findings: Sequence[Finding]) -> str:
        """The family of these findings."""
        keys = [(of.rule, of.severity, of.leg, of.dimension, of.segment, of.verdict) for of in findings]
        kept = self._kept
        new = {key: of for key, of in zip(keys, findings, strict=True) if key not in kept}
        described, *lines = gauge_lines(self._family(tuple(new.values())))
        each = len(lines) // max(1, len(new))
        said = kept | {key: "".join(lines[at * each : (at + 1) * each]) for at, key in enumerate(new)}
        self._kept = {key: said[key] for key in keys}
        return described + "".join(map(said.__getitem__, keys))


def _moved(before: Sequence[Measurement], now: Sequence[Measurement]) -> list[int] | None:
    """Which measurements are others; None where they are laid out otherwise."""
    if len(before) != len(now):
        return None
    moved = [at for at, (one, was) in enumerate(zip(now, before, strict=True)) if one is not was]
    return moved if all(now[at][:_HEAD] == before[at][:_HEAD] for at in moved) else None


def _head(line: str) -> str:
    return line[: line.rindex(" ") + 1]


def _line(head: str, value: float) -> str:
    return f"{head}{floatToGoString(value)}\n"  # type: ignore[no-untyped-call]  # the one function without types there
