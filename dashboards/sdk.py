"""The builders of Grafana's foundation SDK for classic dashboards, which it calls deprecated when imported.

Classic JSON is what every Grafana since 10 takes, by provisioning and by hand.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        bargauge,
        common,
        dashboard,
        prometheus,
        stat,
        statetimeline,
        table,
        timeseries,
    )
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common as common_models
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models import prometheus as queries_models

__all__ = [
    "JSONEncoder", "bargauge", "common", "common_models", "dashboard", "models", "prometheus", "queries_models",
    "stat", "statetimeline", "table", "timeseries",
]  # fmt: skip
