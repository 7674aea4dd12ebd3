"""Alert rules as files: what Prometheus loads, and the PrometheusRule of the Prometheus operator."""

import re
from collections.abc import Sequence

from monitor.core.judging.alerts.alert import Alert, AlertGroup, AlertScope, Links, duration
from monitor.core.judging.alerts.yaml_text import Node, yaml_text

_GENERATED = "# Written by `corpus-drift rules`: change the policy and write it again.\n"


def prometheus_rules(groups: Sequence[AlertGroup], scope: AlertScope, links: Links) -> str:
    """A file of rules for Prometheus, in YAML."""
    return _GENERATED + yaml_text(_groups(groups, scope, links))


def kubernetes_rules(groups: Sequence[AlertGroup], scope: AlertScope, links: Links) -> str:
    """A PrometheusRule, in YAML."""
    name = "corpus-drift-" + re.sub(r"[^a-z0-9]+", "-", scope.corpus.lower()).strip("-")
    head: Node = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "corpus-drift"}},
        "spec": _groups(groups, scope, links),
    }
    return _GENERATED + yaml_text(head)


def _groups(groups: Sequence[AlertGroup], scope: AlertScope, links: Links) -> Node:
    return {
        "groups": [
            {"name": group.name, "rules": [_rule(alert, scope, links) for alert in group.alerts]}
            for group in groups
            if group.alerts
        ]
    }


def _rule(alert: Alert, scope: AlertScope, links: Links) -> Node:
    made: dict[str, Node] = {"alert": alert.name, "expr": alert.expr}
    if alert.hold:
        made["for"] = duration(alert.hold)
    if alert.keep:
        made["keep_firing_for"] = duration(alert.keep)
    made["labels"] = {"severity": alert.severity, "corpus": scope.corpus, **dict(alert.labels)}
    made["annotations"] = {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{links.runbooks}/{alert.name}.md",
        "dashboard_url": links.dashboards + alert.dashboard,
        "page_url": links.monitor + alert.page,
    }
    return made
