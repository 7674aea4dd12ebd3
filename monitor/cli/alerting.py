"""The command that writes alert rules."""

from typing import Annotated

import typer

from monitor.app.alerting import RulesFormat, alert_rules
from monitor.cli.common import PASS, ConfigFile, configured


def rules(
    config: ConfigFile,
    form: Annotated[
        RulesFormat, typer.Option("--format", help="prometheus: a rules file. kubernetes: a PrometheusRule.")
    ] = "prometheus",
) -> int:
    """Alert rules from the same policy that the gate uses, and on the monitor itself."""
    typer.echo(alert_rules(configured(config), form), nl=False)
    return PASS
