"""The section of the configuration that alert rules are written from, beside the policy."""

from pydantic import Field, field_validator

from monitor.core.alarms.budget import PageBudget
from monitor.core.alarms.hours import HourClasses
from monitor.kinds import Section

_BASE = r"^[^\s{}\"'`]*[^\s{}\"'`/]$"
"""An address or a folder: without white space, quotes or braces, and without a slash at the end."""


class AlertsSection(Section):
    """The budget of false pages; how alerts find this monitor's series, and where they lead."""

    false_pages: str = "1 per 30d"
    hours: dict[str, str] = Field(default_factory=lambda: {"working": "Mon-Fri 07-19"})
    """Hours of the week with a normal churn of their own: those in which people edit, the rest being others."""
    selector: str = Field('job="corpus-drift"', pattern=r'^[a-zA-Z_]\w*=~?"[^"{}\n]+"(,[a-zA-Z_]\w*=~?"[^"{}\n]+")*$')
    runbook_base: str = Field("deploy/runbooks", pattern=_BASE)
    dashboard_base: str = Field("http://127.0.0.1:3000", pattern=_BASE)
    monitor_base: str = Field("http://127.0.0.1:9464", pattern=_BASE)
    keep_firing_for: float = Field(120.0, ge=0)
    unknown_for: float = Field(900.0, gt=0)
    baseline_days: float = Field(90.0, gt=0)

    @field_validator("false_pages")
    @classmethod
    def _budgeted(cls, said: str) -> str:
        PageBudget.of(said)
        return said

    @field_validator("hours")
    @classmethod
    def _named(cls, said: dict[str, str]) -> dict[str, str]:
        HourClasses.of(said)
        return said

    @property
    def budget(self) -> PageBudget:
        """The budget of false pages."""
        return PageBudget.of(self.false_pages)

    @property
    def classes(self) -> HourClasses:
        """The classes of hours."""
        return HourClasses.of(self.hours)
