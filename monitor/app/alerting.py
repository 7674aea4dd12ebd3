"""Alert rules of a configuration: the policy's rules, and what is normal for this monitor."""

from typing import Literal

from monitor.app.configuration import Configuration
from monitor.app.traffic_section import TrafficSection
from monitor.core.alarms.alarms import ENOUGH
from monitor.core.judging.alerts.alert import AlertGroup, AlertScope, Links
from monitor.core.judging.alerts.evidence_alerts import evidence_group
from monitor.core.judging.alerts.migration_alerts import migration_group
from monitor.core.judging.alerts.pipeline_alerts import ExpectedTiming, pipeline_group
from monitor.core.judging.alerts.policy_alerts import policy_groups
from monitor.core.judging.alerts.rules_text import kubernetes_rules, prometheus_rules
from monitor.core.judging.alerts.traffic_alerts import traffic_group

RulesFormat = Literal["prometheus", "kubernetes"]
_TURN_SPARE = 60.0
"""Seconds beside a whole replay that a turn may take."""
_DAY = 86_400.0


def alert_rules(configuration: Configuration, form: RulesFormat) -> str:
    """The text of a rules file."""
    alerts = configuration.alerts
    links = Links(alerts.runbook_base, alerts.dashboard_base, alerts.monitor_base)
    write = kubernetes_rules if form == "kubernetes" else prometheus_rules
    return write(alert_groups(configuration), _scope(configuration), links)


def alert_groups(configuration: Configuration) -> tuple[AlertGroup, ...]:
    """The same as values."""
    scope = _scope(configuration)
    traffic = configuration.traffic or TrafficSection.model_construct()
    own = pipeline_group(scope, _pace(configuration)), migration_group(scope)
    evidence = evidence_group(scope, length=configuration.round_seconds, enough=ENOUGH)
    return (
        evidence,
        *policy_groups(configuration.rules(), scope),
        *own,
        traffic_group(scope, traffic.least_coverage),
    )


def _scope(configuration: Configuration) -> AlertScope:
    alerts = configuration.alerts
    return AlertScope(configuration.corpus.name, alerts.selector, alerts.keep_firing_for, alerts.unknown_for)


def _pace(configuration: Configuration) -> ExpectedTiming:
    source, dense, measure = configuration.source, configuration.dense, configuration.measure
    return ExpectedTiming(
        stream=not source.adapter.bounded,
        stale=source.stale_after,
        batch=source.batch,
        barrier=source.barrier_timeout,
        turn=configuration.replay_seconds + _TURN_SPARE,
        full_replay=dense.full_replay_seconds if dense.adapter is not None else 0.0,
        audit=measure.audit_seconds if measure.audit_chunks else 0.0,
        baseline=configuration.alerts.baseline_days * _DAY,
    )
