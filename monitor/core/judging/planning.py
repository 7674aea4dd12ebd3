"""How many anchors would decide, and the smallest harm that this many can show."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from monitor.core.judging.bounds import ALPHA

POWER = 0.8
MOST = 1_000_000
"""More anchors than this are as good as never."""
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class DecisionPlan:
    """What a decision rests on.

    Args:
        deviation: of the harm per cluster.
        ends: least and greatest harm of an anchor.
        tolerance: the harm that is allowed.
        tests: m, how many tests of this one's weight share the level: a FAIL is at level ALPHA / m.
    """

    deviation: float
    ends: tuple[float, float]
    tolerance: float
    tests: float

    def clusters_needed(self, harm: float) -> int:
        """Clusters with which a true harm is decided with 80% power: c with z s / sqrt(c) + reach / c <= distance.

        z is the normal quantile of the level (of PASS below the tolerance; above it that of FAIL after Bonferroni,
        the first and hardest step) plus that of the power; reach is the cost of the cluster at the range's end.

        Returns:
            at least 1; 0 where no number does: the harm is the tolerance itself, or neither its spread nor its range
            is known. Fewer than two clusters show no spread: then it is the fewest that could decide.
        """
        below = harm <= self.tolerance
        distance = abs(self.tolerance - harm)
        spread = 0.0 if math.isnan(self.deviation) else self._z(below=below) * self.deviation
        reach = abs((self.ends[1] if below else self.ends[0]) - harm)
        reach = 0.0 if math.isinf(reach) else reach * (-math.log(ALPHA) if below else 1.0)
        if not distance > 0.0 or spread + reach == 0.0:
            return 0
        root = (spread + math.sqrt(spread * spread + 4.0 * distance * reach)) / (2.0 * distance)
        return min(MOST, max(1, math.ceil(root * root)))

    def detectable(self, clusters: int) -> float:
        """The smallest harm that FAILs with 80% power; NaN where even the greatest would not."""
        if clusters < 2 or math.isnan(self.deviation):
            return math.nan
        low, high = self.ends
        raised = self.tolerance + self._z(below=False) * self.deviation / math.sqrt(clusters)
        if not math.isinf(low):
            raised = (raised - low / clusters) / (1.0 - 1.0 / clusters)
        return raised if raised <= high else math.nan

    def _z(self, *, below: bool) -> float:
        level = ALPHA if below else ALPHA / max(1.0, self.tests)
        return _NORMAL.inv_cdf(1.0 - level) + _NORMAL.inv_cdf(POWER)
