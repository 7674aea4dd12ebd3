"""What the loop saw at one position of the stream, and what is to be measured of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.index.statistics.measured import Measurable
from monitor.core.measures.comparison.facts import Facts, MemberFacts
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem
from monitor.core.model.report import CauseEvidence, Leg, Measurement


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What the loop saw at one position of the stream.

    `lists` are by leg; `hashes` are content hashes by chunk key, of the chunks in the lists at least, and may be a
    live view that is read during the evaluation only; `failures` name the anchors (rows) that the real index did not
    answer for; `corpus` holds counts; `problems` are reasons why nothing may be concluded.
    """

    deploy_id: str
    now: int
    positions: Mapping[str, int]
    lists: Mapping[ListLeg, RankedLists]
    hashes: Mapping[int, str]
    settling: frozenset[int]
    """Anchors (rows) whose documents production may still be writing: no recall, no parity."""
    failures: Mapping[int, str]
    corpus: Mapping[str, float]
    chunks: tuple[Measurement, ...]
    """Measurements of the corpus itself (see `core.measures.content`)."""
    problems: tuple[Problem, ...]
    changed: NDArray[np.int64] | None = None
    """Keys of all chunks of which anything changed since the evaluation before, what the index says of them included;
    None: measure everything anew."""
    facts: Facts = field(default_factory=lambda: MemberFacts({}, {}))
    """What the listed chunks are; may be a live view, like `hashes`."""
    served: Mapping[int, str] = field(default_factory=dict)
    """Content hash by chunk key as the real index states it."""
    rewrites: Mapping[ListLeg, RankedLists] = field(default_factory=dict)
    """Exact lists of all rewrites, in the order of the anchors; a leg that does not ask them is absent."""
    again: RankedLists | None = None
    """What production served when it was asked a second time at the same position."""
    strangers: Mapping[int, str] = field(default_factory=dict)
    """What production calls those of its results that are no chunk, by the key they have in its lists."""
    unanswered: Mapping[int, str] = field(default_factory=dict)
    """Why anchors (rows) have no list of production's."""
    brief: bool = False
    """Whether what the lists hold may be shown as it was last measured; never where a deploy is judged."""
    index: tuple[CauseEvidence, ...] = ()
    """What the real index says of itself that points at a cause."""
    configuration: IndexConfig | None = None
    """How the real index is configured, by its own words; None where it does not say."""
    remarks: tuple[str, ...] = ()
    """What is to be known beside the numbers; it makes nothing unknown."""
    profile: Measurable | None = None
    """The corpus itself, measured when the report is made; None where only lists were kept."""

    @classmethod
    def kept(
        cls,
        snapshot: Snapshot,
        lists: Mapping[ListLeg, RankedLists],
        *,
        now: int,
        deploy_id: str = "",
        positions: Mapping[str, int] | None = None,
        failures: Mapping[int, str] | None = None,
        corpus: Mapping[str, float] | None = None,
        problems: tuple[Problem, ...] = (),
    ) -> "Observation":
        """Lists that were kept, with what a snapshot kept of the chunks in them; the other arguments as above."""
        return cls(
            deploy_id=deploy_id,
            now=now,
            positions=positions or {},
            lists=lists,
            hashes={key: member.content_hash for key, member in snapshot.members.items()},
            settling=frozenset(),
            failures=failures or {},
            corpus=corpus or {},
            chunks=(),
            problems=problems,
            facts=MemberFacts(snapshot.members, snapshot.shingles),
            strangers=snapshot.strangers,
            unanswered=(failures or {}) if "production" in lists else {},
        )

    def missing(self, leg: Leg) -> Mapping[int, str]:
        """Why anchors (rows) have no list of a leg."""
        return self.unanswered if leg == "production" else self.failures


@dataclass(frozen=True, slots=True)
class MeasureConfig:
    """What to measure: depths, production's thresholds on the first score and on the gap by leg, whether scores are
    distances.
    """

    depths: tuple[int, ...]
    thresholds: Mapping[str, float]
    distances: bool
    gaps: Mapping[str, float] = field(default_factory=dict)
    settle_ties: bool = True
    """Whether a tie at the cut of a dense list that is broken otherwise counts as no change."""
    fused: bool = False
    """Whether the served lists are those of a fused query: neither scores nor index can be told from them."""

    def score_threshold(self, leg: str) -> float | None:
        """Production's threshold on a leg's first score; one on a distance is negated, as the scores are."""
        found = self.thresholds.get(leg)
        return found if found is None or leg != "dense" or not self.distances else -abs(found)
