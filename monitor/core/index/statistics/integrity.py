"""Integrity: what is wrong with a corpus by construction, as shares by segment and with the documents concerned."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import Segment
from monitor.core.model.report import Concern, Measurement

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
IntegrityFault = Literal[
    "reembedded_ratio",
    "rescaled_ratio",
    "unequal_twins_ratio",
    "foreign_version_ratio",
    "lost_content_ratio",
    "boilerplate_ratio",
    "wordless_ratio",
    "repetitive_ratio",
    "implausible_time_ratio",
    "leftover_ratio",
    "copied_ratio",
    "echoed_ratio",
    "relabelled_ratio",
    "strange_words_ratio",
    "foreign_source_ratio",
    "grown_ratio",
]
FAULTS: tuple[IntegrityFault, ...] = get_args(IntegrityFault)
GROWN: IntegrityFault = "grown_ratio"
"""No fault: what came, and replaced nothing."""
LANGUAGE = "language"
"""The dimension, where it is configured, of whose values each has words of its own."""
PINNED = "pinned"
"""As the statistic of a share: since the pinned baseline, beside a moving one."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Chunks that something is wrong with.

    Args:
        cells: (m,) places in `Integrity.values`.
        amounts: (m,) float64, how much of each is concerned, in the unit of `whole`.
        documents: (m,) places in `names`.
        names: ids of documents.
        whole: by cell, all that could be concerned.
        counts: by cell, chunks that this rests on.
    """

    cells: Ints
    amounts: Floats
    documents: Ints
    names: Sequence[str]
    whole: Floats
    counts: Ints


@dataclass(frozen=True, eq=False)
class Integrity:
    """What was found, by fault; immutable.

    Args:
        dimensions: `all` first.
        values: by cell, one value per dimension.
        found: by fault.
    """

    dimensions: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    found: Mapping[IntegrityFault, Found] = field(default_factory=dict)

    @cached_property
    def _cells(self) -> dict[tuple[str, str], Mask]:
        """By dimension and value: which cells have it."""
        made: dict[tuple[str, str], Mask] = {}
        for cell, of in enumerate(self.values):
            for where in zip(self.dimensions, of, strict=True):
                made.setdefault(where, np.zeros(len(self.values), np.bool_))[cell] = True
        return made

    @cached_property
    def _said(self) -> dict[tuple[tuple[str, str], str], tuple[Measurement, ...]]:
        """What was measured of a segment, by the statistic's name: looks between two changes ask the same."""
        return {}

    @cached_property
    def _concerned(self) -> dict[tuple[tuple[str, str], int], tuple[Concern, ...]]:
        """What a segment's faults concern, by how many are named at most."""
        return {}

    def inside(self, segment: Segment) -> Mask:
        """By cell: whether it lies in a segment that is named by one or several dimensions."""
        chosen = np.full(len(self.values), bool(segment))
        for where in segment:
            chosen &= self._cells.get(where, np.False_)
        return chosen

    def share(self, fault: IntegrityFault, where: tuple[str, str], *, without: Segment = ()) -> tuple[float, int]:
        """Share of a segment that is concerned, and how many chunks it rests on; (NaN, 0) of nothing.

        Args:
            fault: which.
            where: dimension and segment.
            without: what is left out because a deploy said that it would change.
        """
        found = self.found[fault]
        chosen = self.inside((where,)) & ~self.inside(without)
        whole, count = float(found.whole[chosen].sum()), int(found.counts[chosen].sum())
        return (float(found.amounts[chosen[found.cells]].sum()) / whole if whole else float("nan")), count

    def documents(self, fault: IntegrityFault, where: tuple[str, str], *, without: Segment = ()) -> tuple[str, ...]:
        """The documents concerned, those with the most first, ties by name."""
        found = self.found[fault]
        chosen = (self.inside((where,)) & ~self.inside(without))[found.cells]
        weights = np.bincount(found.documents[chosen], found.amounts[chosen], minlength=len(found.names))
        ranked = sorted((-float(weights[at]), found.names[at]) for at in np.flatnonzero(weights).tolist())
        return tuple(name for _, name in ranked)

    def measurements(self, segments: Sequence[tuple[str, str]], stat: str = "mean") -> list[Measurement]:
        """The share of each fault in each of these segments that has any chunks, under this statistic's name."""
        found: list[Measurement] = []
        for where in segments:
            said = self._said.get((where, stat))
            if said is None:
                shares = ((fault, *self.share(fault, where)) for fault in self.found)
                made = (Measurement(of, "corpus", 0, *where, stat, value, n, n) for of, value, n in shares if n)
                said = self._said[where, stat] = tuple(made)
            found += said
        return found

    def concerns(self, segments: Sequence[tuple[str, str]], most: int) -> Iterator[Concern]:
        """The documents concerned by each fault in each segment, `most` of each at most; growth is no fault."""
        for where in segments:
            named = self._concerned.get((where, most))
            if named is None:
                found = ((fault, self.documents(fault, where)) for fault in self.found if fault != GROWN)
                made = (Concern(of, "corpus", *where, names[:most], len(names)) for of, names in found if names)
                named = self._concerned[where, most] = tuple(made)
            yield from named
