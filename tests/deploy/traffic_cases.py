"""For the alert on the anchors beside the traffic: series under which it fires, and under which it must not."""

from tests.deploy.pipeline_cases import Known, own
from tests.deploy.promtool import TARGET, Series, Values, always

ALL = 'dimension="all",segment="all",stat="upper",weight="asks"'


def covered(values: Values, labels: str = ALL) -> tuple[Series, ...]:
    return (own("anchor_traffic_coverage_ratio", values, labels),)


TRAFFIC_BOARD = (
    Known(
        "CorpusDriftAnchorsBehindTraffic",
        "warning",
        29,
        32,
        covered(always(0.3)),
        (
            covered(always(0.5)),
            covered(always("NaN")),
            covered(always(0.3), ALL.replace("upper", "lower")),
            covered(always(0.3), ALL.replace('segment="all"', 'segment="de"')),
        ),
        f"{TARGET},{ALL}",
    ),
)
