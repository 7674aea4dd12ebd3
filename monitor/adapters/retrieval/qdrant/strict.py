"""A collection's strict mode: what the server refuses (400) of the reads that replays are made of.

The rules are those of `lib/collection/src/operations/verification` in Qdrant 1.18: each query's limit, also that of a
scroll; queries in one batch; `hnsw_ef`; exact search; values in one condition; filters on fields without an index.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from qdrant_client import models

from monitor.adapters.retrieval.answers import UNLIMITED


class Asking(Protocol):
    """The settings that strict mode can forbid."""

    @property
    def exact(self) -> bool:
        """Whether everything is scanned."""
        ...

    @property
    def hnsw_ef(self) -> int | None:
        """Candidates of a graph search, None where the server chooses."""
        ...

    @property
    def depth(self) -> int:
        """Depth k of the replays, 0 where it is not known."""
        ...

    @property
    def chunk_id_field(self) -> str:
        """Payload field that chunks are looked for by, empty where point ids are."""
        ...


@dataclass(frozen=True, slots=True)
class StrictModeLimits:
    """What strict mode allows: the most results of one query, queries of one batch, candidates of a graph search and
    values of one condition; whether exact searches, and filters on fields other than `indexed`.
    """

    results: int = UNLIMITED
    batch: int = UNLIMITED
    hnsw_ef: int = UNLIMITED
    values: int = UNLIMITED
    exact: bool = True
    unindexed: bool = True
    indexed: frozenset[str] = frozenset()

    def obstacles(self, asking: Asking) -> Iterator[str]:
        """What forbids every replay."""
        if asking.exact and not self.exact:
            yield "search_allow_exact = false and dense.exact = true: every query is refused"
        if asking.hnsw_ef is not None and asking.hnsw_ef > self.hnsw_ef:
            yield f"search_max_hnsw_ef = {self.hnsw_ef}, dense.hnsw_ef = {asking.hnsw_ef}: every query is refused"
        if asking.depth > self.results:
            yield f"max_query_limit = {self.results}, below the depth k = {asking.depth}: no list can be had"

    def remarks(self, asking: Asking) -> Iterator[str]:
        """What replays do without because of it."""
        if asking.depth <= self.results < 2 * asking.depth:
            yield (
                f"strict mode: max_query_limit = {self.results}, below 2k = {2 * asking.depth}: "
                "lists are asked for no deeper, and which of equal scores at k is served is the server's choice"
            )
        if not self.exact:
            yield "strict mode: search_allow_exact = false: points cannot be counted"
        if asking.chunk_id_field and not self.unindexed and asking.chunk_id_field not in self.indexed:
            yield (
                f"strict mode: unindexed_filtering_retrieve = false and {asking.chunk_id_field!r} has no index: "
                "chunks cannot be looked for by id"
            )


def limits(found: models.StrictModeConfigOutput | None, indexed: frozenset[str]) -> StrictModeLimits:
    """The limits of a collection; none where strict mode is off."""
    if found is None or not found.enabled:
        return StrictModeLimits(indexed=indexed)
    return StrictModeLimits(
        results=_or_unlimited(found.max_query_limit),
        batch=_or_unlimited(found.search_max_batchsize),
        hnsw_ef=_or_unlimited(found.search_max_hnsw_ef),
        values=_or_unlimited(found.condition_max_size),
        exact=found.search_allow_exact is not False,
        unindexed=found.unindexed_filtering_retrieve is not False,
        indexed=indexed,
    )


def _or_unlimited(limit: int | None) -> int:
    return UNLIMITED if limit is None else max(1, limit)
