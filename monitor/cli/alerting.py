"""The command that writes alert rules."""

from typing import Annotated, Literal

import typer

from monitor.cli.common import PASS, ConfigFile, configured


def rules(
    config: ConfigFile,
    form: Annotated[
        Literal["prometheus", "kubernetes"],
        typer.Option("--format", help="prometheus: a rules file. kubernetes: a PrometheusRule."),
    ] = "prometheus",
) -> int:
    """Write Prometheus alert rules: those of the policy that the gate uses, and some on the monitor itself."""
    from monitor.app.alerting import alert_rules

    typer.echo(alert_rules(configured(config), form), nl=False)
    return PASS
