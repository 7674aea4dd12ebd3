"""What of the traffic the anchors represent: weighted shares with their intervals, by segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.divergence import jensen_shannon
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.segments import assign
from monitor.core.traffic.ledger import TrafficLedger
from monitor.core.traffic.model import ANONYMOUS, VALUE_UNIT
from monitor.core.traffic.representing import represented
from monitor.core.traffic.shares import ShareEstimate, capped_weights, effective_size, unseen_mass, wilson

WINDOW = 28
"""Days that shares are of."""
HISTORICAL = 0.001
"""An anchor is historical where the upper bound of its share of traffic is below this."""
BY_ANCHOR = "anchor"
"""The dimension whose segments are the anchors themselves, in the divergence of the mixes."""
TrafficWeight = Literal["asks", "value"]


@dataclass(frozen=True, slots=True)
class CoverageFigure:
    """The share of a segment's traffic that anchors represent.

    Args:
        dimension, segment: of the traffic; `all` for all of it.
        weight: whether asks count, or what they are worth.
        estimate: over the clients that asked.
    """

    dimension: str
    segment: str
    weight: TrafficWeight
    estimate: ShareEstimate


@dataclass(frozen=True, slots=True)
class AnchorTraffic:
    """The share of traffic that one anchor speaks for."""

    anchor_id: str
    estimate: ShareEstimate

    @property
    def historical(self) -> bool:
        """Whether users have left it for certain."""
        return self.estimate.n > 0.0 and self.estimate.upper < HISTORICAL


@dataclass(frozen=True, slots=True, eq=False)
class AskTable:
    """The asks of a window as arrays, one row each, in the order of day, question and client.

    Args:
        questions: marks, sorted.
        question: (n,) int64, index of each ask's question.
        client: (n,) int64, index of its client, -1 for an anonymous one.
        day: (n,) int64.
        count: (n,) float64.
        value: (n,) float64.
        weight: (n,) float64, the count where every client is capped.
    """

    questions: tuple[bytes, ...]
    question: NDArray[np.int64]
    client: NDArray[np.int64]
    day: NDArray[np.int64]
    count: NDArray[np.float64]
    value: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, ledger: TrafficLedger, days: int = WINDOW) -> "AskTable":
        """The newest days of a ledger."""
        keys = sorted(key for key in ledger.asks if key[0] > ledger.newest - days)
        questions, clients = sorted({of[1] for of in keys}), sorted({of[2] for of in keys} - {ANONYMOUS})
        place, who = ({mark: at for at, mark in enumerate(of)} for of in (questions, clients))
        counted = np.array([ledger.asks[key] for key in keys], np.int64).reshape(-1, 2)
        count, client = counted[:, 0].astype(np.float64), np.array([who.get(of[2], -1) for of in keys], np.int64)
        named = client >= 0
        asked = np.bincount(client[named], count[named], len(clients))
        factor = capped_weights(asked, besides=float(count[~named].sum())) / np.where(asked > 0, asked, 1.0)
        weight = count.copy()
        weight[named] *= factor[client[named]]
        return cls(
            tuple(questions),
            np.array([place[of[1]] for of in keys], np.int64),
            client,
            np.array([of[0] for of in keys], np.int64),
            count,
            counted[:, 1] / VALUE_UNIT,
            weight,
        )

    def __len__(self) -> int:
        return len(self.question)

    @property
    def valued(self) -> bool:
        """Whether any record said what its query is worth."""
        return bool((self.value != self.count).any())

    def share(
        self, rows: NDArray[np.bool_], hits: NDArray[np.bool_], weight: TrafficWeight = "asks"
    ) -> ShareEstimate:
        """The weighted share of some rows that hit, with Wilson's interval on the effective sample size.

        The clients are what is sampled: what one of them asks is no independent observation. An anonymous ask is one
        of its own.

        Args:
            rows: (n,) bool, which count.
            hits: (n,) bool, which of them hit.
            weight: `asks`: the capped counts; `value`: the values, scaled as the counts are.
        """
        factor = self.weight / self.count
        each = self.weight if weight == "asks" else self.value * factor
        total = float(each[rows].sum())
        if total <= 0.0:
            return wilson(float("nan"), 0.0)
        named, alone = rows & (self.client >= 0), rows & (self.client < 0)
        by_client = np.bincount(self.client[named], each[named])
        single = np.repeat(each[alone] / self.count[alone], self.count[alone].astype(np.int64))
        n = effective_size(np.concatenate((by_client, single)))
        return wilson(min(1.0, float(each[rows & hits].sum()) / total), n)


@dataclass(frozen=True, slots=True, eq=False)
class CoverageShares:
    """All shares of one window.

    Args:
        coverage: of all traffic first, then by dimension and segment.
        judged: the share of the traffic of which it is known whether an anchor represents it.
        unseen: the share of coming asks whose question nobody asked yet.
        anchors: by anchor, in their order.
        divergence: by dimension, how far the anchors' mix of segments is from the traffic's, in bits.
    """

    coverage: tuple[CoverageFigure, ...]
    judged: ShareEstimate
    unseen: ShareEstimate
    anchors: tuple[AnchorTraffic, ...]
    divergence: Mapping[str, float]


def coverage_shares(
    table: AskTable, ledger: TrafficLedger, anchors: AnchorSet, *, dimensions: Sequence[str], cap: int
) -> CoverageShares:
    """What of a window's traffic the anchors represent.

    Args:
        table: the asks of the window.
        ledger: knows how their questions stand.
        anchors: of now.
        dimensions: by whose segments shares are told apart.
        cap: the most segments of a dimension; the others are `other`.
    """
    kept = [ledger.questions[mark] for mark in table.questions]
    standing = [of.standing for of in kept]
    known = np.array([of is not None for of in standing], np.bool_)[table.question]
    hit = np.array([of is not None and represented(of) for of in standing], np.bool_)[table.question]
    own = [of.segment for of in anchors.anchors]
    segments = assign([*own, *(of.segment for of in kept)], dimensions, cap=cap)
    figures: list[CoverageFigure] = []
    divergence: dict[str, float] = {}
    weights: tuple[TrafficWeight, ...] = ("asks", "value") if table.valued else ("asks",)
    for dimension, names in segments.items():
        asked = np.array(names[len(own) :], object)[table.question]
        for name in sorted(set(asked.tolist())):
            rows = known & (asked == name)
            figures += [CoverageFigure(dimension, name, of, table.share(rows, hit, of)) for of in weights]
        if dimension != "all":
            divergence[dimension] = _divergence(names[: len(own)], anchors.weights, asked.tolist(), table.weight)
    digests = [anchor_digest(of) for of in anchors.anchors]
    nearest = np.array([of.nearest if of is not None and represented(of) else "" for of in standing], object)
    spoken = nearest[table.question] if len(table) else np.zeros(0, object)
    divergence[BY_ANCHOR] = _divergence(digests, anchors.weights, spoken[known].tolist(), table.weight[known])
    return CoverageShares(
        tuple(figures),
        table.share(np.ones(len(table), np.bool_), known),
        unseen_mass(_askers(table).tolist()),
        tuple(
            AnchorTraffic(of.id, table.share(known, spoken == digest))
            for of, digest in zip(anchors.anchors, digests, strict=True)
        ),
        divergence,
    )


def _askers(table: AskTable) -> NDArray[np.int64]:
    """By question, the clients that asked it; each anonymous ask is one."""
    named = table.client >= 0
    pairs = np.unique(np.stack((table.question[named], table.client[named])), axis=1)
    alone = np.bincount(table.question[~named], table.count[~named], len(table.questions))
    return np.bincount(pairs[0], minlength=len(table.questions)) + alone.astype(np.int64)


def _divergence(
    own: Sequence[str], own_weights: NDArray[np.float64], theirs: Sequence[str], weights: NDArray[np.float64]
) -> float:
    names = sorted({*own, *theirs})
    place = {name: at for at, name in enumerate(names)}
    sides = (
        np.bincount(np.array([place[of] for of in side], np.int64), weight, len(names)).astype(np.float64)
        for side, weight in ((own, own_weights), (theirs, weights))
    )
    return float(jensen_shannon(*sides))
