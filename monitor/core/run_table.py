"""The rows of a comparison as a small table."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

from monitor.errors import InputError

_MOST = 60
"""Rows that are shown."""


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One statistic of one measure in one segment.

    Args:
        metric: the measure's name, as the monitor exports it.
        leg: which lists.
        k: the depth, 0 where none applies.
        dimension: `all`, or the attribute by whose values segments are told apart.
        segment: the value.
        stat: `mean`, `p05`, `p50` or `p95` over the queries.
        value: NaN where not measurable, with a reason.
        lower: one-sided 95% lower bound; NaN or infinite where there is none.
        upper: one-sided 95% upper bound.
        baseline: the same of the run before, for what a single run has by itself (scores, nDCG); else NaN.
        n: queries that it rests on.
        expected: queries that it should rest on.
        reason: why there is no value, or what is missing in it.
    """

    metric: str
    leg: str
    k: int
    dimension: str
    segment: str
    stat: str
    value: float
    lower: float
    upper: float
    baseline: float
    n: int
    expected: int
    reason: str


class DriftTable(Sequence[dict[str, Any]]):
    """Rows as dictionaries; printed, it is a table of the means.

    Args:
        rows: in the order of the monitor's reports.

    >>> import monitor
    >>> table = monitor.compare({"q": ["a", "b"]}, {"q": ["a", "c"]}, k=2).summary()
    >>> table[0]["metric"], table[0]["stat"], round(table[0]["value"], 3)
    ('jaccard_ratio', 'mean', 0.333)
    >>> [row["value"] for row in table if row["metric"] == "swaps" and row["stat"] == "mean"]
    [1.0]
    """

    def __init__(self, rows: Sequence[DriftRow]) -> None:
        self.rows = tuple(rows)

    @classmethod
    def of(cls, documents: Iterable[Mapping[str, Any]]) -> "DriftTable":
        """From rows as documents have them: null where there is no number."""
        nothing = {"value": math.nan, "lower": math.nan, "upper": math.nan, "baseline": math.nan}
        said = ({name: value for name, value in row.items() if value is not None} for row in documents)
        return cls([DriftRow(**{**nothing, **row}) for row in said])

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> "DriftTable": ...
    def __getitem__(self, at: int | slice) -> "dict[str, Any] | DriftTable":
        return DriftTable(self.rows[at]) if isinstance(at, slice) else asdict(self.rows[at])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(asdict, self.rows)

    def __repr__(self) -> str:
        """The means, a line each; a row that is not measurable says why."""
        means = [row for row in self.rows if row.stat == "mean"]
        lines: list[tuple[str, ...]] = [("measure", "k", "segment", "mean", "95% bounds", "before", "queries", "")]
        lines += [_cells(row) for row in means[:_MOST]]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = ["  ".join(_aligned(cells, widths)).rstrip() for cells in lines]
        hidden = len(means) - _MOST
        return "\n".join([*shown, *([f"... and {hidden} more"] if hidden > 0 else [])])

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame, a column per field.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            message = "pandas is not installed; expected it for to_pandas(): list(table) has the same rows"
            raise InputError(message) from error
        return pd.DataFrame([asdict(row) for row in self.rows], columns=list(DriftRow.__slots__))


def _cells(row: DriftRow) -> tuple[str, ...]:
    segment = row.dimension if row.dimension == row.segment else f"{row.dimension}={row.segment}"
    ends = (row.lower, row.upper)
    low, high = (_number(end) if math.isfinite(end) else "open" for end in ends)
    bounds = f"{low} to {high}" if any(map(math.isfinite, ends)) else ""
    before = "" if math.isnan(row.baseline) else _number(row.baseline)
    count = f"{row.n}" if row.n == row.expected else f"{row.n} of {row.expected}"
    return row.metric, str(row.k or ""), segment, _number(row.value), bounds, before, count, row.reason


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.3f}".replace("-0.000", "0.000")


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    left = (0, 2, 7)
    pairs = enumerate(zip(cells, widths, strict=True))
    return [cell.ljust(width) if at in left else cell.rjust(width) for at, (cell, width) in pairs]
