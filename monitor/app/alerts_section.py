"""The section of the configuration that alert rules are written from, beside the policy."""

from pydantic import Field

from monitor.kinds import Section

_BASE = r"^[^\s{}\"'`]*[^\s{}\"'`/]$"
"""An address or a folder: without white space, quotes or braces, and without a slash at the end."""


class AlertsSection(Section):
    """How alerts find this monitor's series, and where they lead."""

    selector: str = Field('job="corpus-drift"', pattern=r'^[a-zA-Z_]\w*=~?"[^"{}\n]+"(,[a-zA-Z_]\w*=~?"[^"{}\n]+")*$')
    runbook_base: str = Field("deploy/runbooks", pattern=_BASE)
    dashboard_base: str = Field("http://127.0.0.1:3000", pattern=_BASE)
    monitor_base: str = Field("http://127.0.0.1:9464", pattern=_BASE)
    keep_firing_for: float = Field(120.0, ge=0)
    unknown_for: float = Field(900.0, gt=0)
    baseline_days: float = Field(90.0, gt=0)
