"""The alerts of single rules, as text: limits on both sides, one segment, hostile words."""

import pytest

from monitor.core.judging.alerts.alert import Alert, AlertScope, Links, duration
from monitor.core.judging.alerts.policy_alerts import policy_groups
from monitor.core.judging.alerts.rules_text import kubernetes_rules, prometheus_rules
from monitor.core.judging.policy import Rule

SCOPE = AlertScope("My_Docs.v2", 'job="j"', 120.0, 900.0)
LINKS = Links("https://wiki/runbooks", "https://grafana", "https://monitor")


def rule(**fields: object) -> Rule:
    given: dict[str, object] = {"name": "r", "metric": "swaps", "leg": "dense", "stat": "mean", "k": 10, "max": 2.0}
    return Rule(**(given | fields))  # type: ignore[arg-type]  # by name


def alerts(**fields: object) -> tuple[Alert, ...]:
    limits, twins = policy_groups([rule(**fields)], SCOPE)
    return (*limits.alerts, *twins.alerts)


def test_the_expression_asks_for_the_value_and_for_enough_anchors() -> None:
    exceeded, unknown = alerts(dimension="source", segment='a"b', min_anchors=30)
    assert exceeded.expr == (
        '(corpus_drift_swaps{job="j",leg="dense",k="10",stat="mean",dimension="source",segment="a\\"b"} > 2)'
        ' and on (job, instance, dimension, segment) corpus_drift_measured_anchors{job="j",leg="dense"} >= 30'
    )
    assert unknown.expr == 'corpus_drift_rule_verdict{job="j",rule="r",verdict="unknown"} == 1'


def test_a_floor_and_both_limits() -> None:
    only_min, _ = alerts(max=None, min=0.5)
    assert "} < 0.5)" in only_min.expr
    assert "allowed at least 0.5." in only_min.description
    both, _ = alerts(min=0.5)
    assert "} > 2 or corpus_drift_swaps" in both.expr
    assert "} < 0.5)" in both.expr
    assert "at least 0.5 and at most 2" in both.description


@pytest.mark.parametrize(
    ("leg", "counted"),
    [("corpus", 'chunks{job="j",leg="corpus",stat="mean"}'), ("both", 'segment_anchors{job="j"}')],
)
def test_what_a_leg_rests_on(leg: str, counted: str) -> None:
    assert f"corpus_drift_{counted} >= 20" in alerts(leg=leg)[0].expr


def test_an_estimate_warns_and_a_warning_has_no_twin() -> None:
    assert [alert.severity for alert in alerts(severity="warning")] == ["warning"]
    assert [alert.severity for alert in alerts()] == ["warning", "critical"]
    assert ("policy_severity", "critical") in alerts()[0].labels


def test_it_holds_as_long_as_the_rule_says_and_clears_sooner() -> None:
    exceeded, unknown = alerts(hold=60.0)
    assert (exceeded.hold, exceeded.keep) == (60.0, 60.0)
    assert (unknown.hold, unknown.keep) == (900.0, 120.0)


def test_what_is_said() -> None:
    exceeded, unknown = alerts(ground="because {{ 1 }}")
    assert "{{" not in exceeded.summary + unknown.summary
    assert 'Ground: because {{ "{{" }} 1 }}.' in exceeded.description
    assert "point estimate" in exceeded.description
    assert "confidence bound" in exceeded.description


def test_links_and_labels_are_in_the_file() -> None:
    text = prometheus_rules(policy_groups([rule()], SCOPE), SCOPE, LINKS)
    for part in (
        'runbook_url: "https://wiki/runbooks/CorpusDriftExceeded.md"',
        'dashboard_url: "https://grafana/d/corpus-drift-segment?var-dimension={{ $labels.dimension | urlquery }}',
        'https://monitor/?segment={{ printf "%s=%s" $labels.dimension $labels.segment | urlquery }}',
        'corpus: "My_Docs.v2"',
        'rule: "r"',
        'for: "5m"',
        'keep_firing_for: "2m"',
    ):
        assert part in text


def test_a_kubernetes_name_is_one() -> None:
    assert 'name: "corpus-drift-my-docs-v2"' in kubernetes_rules(policy_groups([rule()], SCOPE), SCOPE, LINKS)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (86_400, "1d"), (5_400, "90m"), (0.0015, "2ms"), (7, "7s")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
