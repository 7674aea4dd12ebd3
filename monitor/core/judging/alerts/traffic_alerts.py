"""The alert on the anchors beside the traffic; where none is read it has no series and never fires."""

from monitor.core.judging.alerts.alert import Alert, AlertGroup, AlertScope, number, series
from monitor.core.judging.alerts.pipeline_alerts import OVERVIEW_BOARD

HOLD = 1_800.0
"""Seconds: shares of 28 days do not come back within minutes, and nobody needs to get up for them."""


def traffic_group(scope: AlertScope, least: float) -> AlertGroup:
    """What somebody has to do something about on the next working day.

    Args:
        scope: whose series.
        least: coverage below which the anchors no longer speak for the traffic, for certain.
    """
    upper = series(
        "anchor_traffic_coverage_ratio", scope.selector, dimension="all", segment="all", weight="asks", stat="upper"
    )
    alert = Alert(
        "CorpusDriftAnchorsBehindTraffic",
        f"{upper} < {number(least)}",
        HOLD,
        "warning",
        "The anchors no longer speak for the traffic",
        "At most {{ $value | humanizePercentage }} of what users asked in 28 days is represented by an anchor (upper "
        f"bound; limit {least:.0%}): what the rules say of the anchors says little of the users.",
        OVERVIEW_BOARD,
        keep=scope.keep,
    )
    return AlertGroup(f"corpus-drift-{scope.corpus}-traffic", (alert,))
