"""Dimensions and segments: which configured attribute values an anchor or a chunk belongs to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import Segment
from monitor.core.model.report import ALL, OTHER

SOURCE = "source"
"""The attribute that names where a chunk comes from."""
UNSET = "unset"
"""The segment of something that lacks the attribute."""


def admits(wanted: Segment, segment: Segment) -> bool:
    """Whether a chunk with these attributes passes a filter: every wanted (name, value) pair is present."""
    return not wanted or set(wanted) <= set(segment)


@lru_cache(maxsize=1 << 14)  # every report asks for each segment that is live; there are few
@lru_cache(maxsize=65_536)
def source_in(segment: Segment) -> str:
    """The source that these attributes name, "" where they name none.

    >>> source_in((("language", "de"), ("source", "docs")))
    'docs'
    """
    return next((value for name, value in segment if name == SOURCE), "")


def value_of(dimension: str, segment: Segment) -> str:
    """The segment within a dimension. A combination such as `language+source` joins its values with `+`.

    >>> value_of("language+source", (("language", "de"), ("source", "docs")))
    'de+docs'
    """
    attributes = dict(segment)
    return "+".join(attributes.get(name, UNSET) for name in dimension.split("+"))


def assign(segments: Sequence[Segment], dimensions: Sequence[str], *, cap: int) -> Mapping[str, tuple[str, ...]]:
    """The segment of each anchor in each dimension, `all` included; values beyond the cap become `other`.

    Args:
        segments: attributes of A anchors.
        dimensions: names of attributes, or combinations joined with `+`.
        cap: the most segments a dimension may have; the most frequent stay, ties by name.

    Returns:
        dimension -> A segment names; the first dimension is `all`.
    """
    made: dict[str, tuple[str, ...]] = {ALL: (ALL,) * len(segments)}
    for dimension in dimensions:
        values = [value_of(dimension, segment) for segment in segments]
        counted = Counter(values)
        kept = set(sorted(counted, key=lambda value: (-counted[value], value))[:cap])
        made[dimension] = tuple(value if value in kept else OTHER for value in values)
    return made


def groups(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Distinct names, sorted, and the (A,) int64 index of each anchor's name among them."""
    distinct = tuple(sorted(set(names)))
    at = {name: index for index, name in enumerate(distinct)}
    return distinct, np.array([at[name] for name in names], np.int64)
