"""The alert rules: what is committed is what the generator writes; every alert fires when it should and only then."""

import re
import shutil
from pathlib import Path

import pytest

from monitor.app.alerting import alert_groups, alert_rules
from monitor.app.configuration import load
from monitor.core.alarms.alarms import ENOUGH
from monitor.core.judging.alerts.alert import AlertScope, Links
from monitor.core.judging.alerts.evidence_alerts import evidence_group
from monitor.core.judging.alerts.rules_text import prometheus_rules
from tests.deploy import promtool
from tests.deploy.evidence_cases import evidence, evidence_cases
from tests.deploy.migration_cases import MIGRATION_BOARD
from tests.deploy.pipeline_cases import cases_of, own, pipeline_cases
from tests.deploy.policy_cases import policy_cases
from tests.deploy.promtool import Case, Firing, Saying, always
from tests.deploy.traffic_cases import TRAFFIC_BOARD

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "prometheus"
CONFIGURATION = load(FOLDER / "corpus-drift.toml", {})
PROMTOOL = shutil.which("promtool")
RULES = CONFIGURATION.rules()
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")


def all_cases() -> list[Case]:
    return [
        *pipeline_cases(),
        *policy_cases(RULES),
        *cases_of(MIGRATION_BOARD),
        *evidence_cases(),
        *cases_of(TRAFFIC_BOARD),
    ]


@pytest.mark.parametrize(("form", "name"), [("prometheus", "rules.yml"), ("kubernetes", "prometheus-rule.yaml")])
def test_committed_is_generated(form: str, name: str) -> None:
    made = alert_rules(CONFIGURATION, form)  # type: ignore[arg-type]  # the two forms there are
    assert (FOLDER / name).read_text(encoding="utf-8") == made, f"run: corpus-drift rules --format {form}"


def test_every_alert_has_a_case() -> None:
    tested = {firing.alert for case in all_cases() for firing in case.expected}
    fired = {f.alert for case in all_cases() for f in case.expected if f.labels}
    assert tested == fired == {alert.name for group in alert_groups(CONFIGURATION) for alert in group.alerts}


@pytest.mark.stack
@needs_promtool
def test_policy_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    cases = list(policy_cases(RULES))
    assert promtool.run(str(PROMTOOL), tmp_path, alert_rules(CONFIGURATION, "prometheus"), cases) == ""


@pytest.mark.stack
@needs_promtool
def test_pipeline_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    found = promtool.run(str(PROMTOOL), tmp_path, alert_rules(CONFIGURATION, "prometheus"), list(pipeline_cases()))
    assert found == ""


@pytest.mark.stack
@needs_promtool
def test_migration_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    cases = list(cases_of(MIGRATION_BOARD))
    assert promtool.run(str(PROMTOOL), tmp_path, alert_rules(CONFIGURATION, "prometheus"), cases) == ""


PAGES = {
    "CorpusDriftEvidence", "CorpusDriftUnknown", "CorpusDriftVerdictUnknown", "CorpusDriftMonitorDown",
    "CorpusDriftLoopStuck", "CorpusDriftInputStale", "CorpusDriftStreamGap", "CorpusDriftMixedEmbeddings",
    "CorpusDriftAuditMismatch", "CorpusDriftMigrationResurrected", "CorpusDriftMigrationMixed",
    "CorpusDriftMigrationRollBack", "CorpusDriftShardAway",
}  # fmt: skip
"""Evidence; what is broken or unknown; and what was counted over everything there is, not estimated."""


def test_only_evidence_and_what_is_broken_or_unknown_pages() -> None:
    found = [alert for group in alert_groups(CONFIGURATION) for alert in group.alerts]
    assert {alert.name for alert in found if alert.severity == "critical"} == PAGES
    assert {alert.severity for alert in found if alert.name == "CorpusDriftExceeded"} == {"warning"}


def test_docs_say_which_page() -> None:
    text = (FOLDER.parent.parent / "docs" / "alerts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+)\]\(runbooks/\w+\.md\) \| (page|warning|none) \|", text, re.MULTILINE)
    words = {"critical": "page", "warning": "warning", "none": "none"}
    alerts = {alert.name: words[alert.severity] for group in alert_groups(CONFIGURATION) for alert in group.alerts}
    assert dict(rows) == alerts


@pytest.mark.stack
@needs_promtool
def test_alerts_on_evidence_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    scope, links = AlertScope("docs", 'job="corpus-drift"', 120.0, 900.0), Links("r", "d", "m")
    group = evidence_group(scope, length=3_600.0, enough=ENOUGH)
    assert group == alert_groups(CONFIGURATION)[0]
    rules = prometheus_rules((group,), scope, links)
    assert promtool.run(str(PROMTOOL), tmp_path, rules, list(evidence_cases())) == ""


@pytest.mark.stack
@needs_promtool
def test_the_alert_on_evidence_names_the_hours_whose_normal_was_taken(tmp_path: Path) -> None:
    """As Prometheus writes it, whatever the segment is called; and without them where nobody knows them."""
    place = r'dimension="source",leg="dense",segment="a\\\\\"b"'
    fires = [evidence("", 5.0, place), evidence("limit_", 4.0, place)]
    normal = own("normal_churn_ratio", always(0.02), f'{place},hours="working"')
    other = own("normal_churn_ratio", always(0.02), 'dimension="source",leg="dense",segment="b",hours="nightly"')
    for series, expected in (([normal, other], "normal (hours: working). The"), ([other], "normal. The")):
        case = Saying("hours", [*fires, *series], [Firing(1, "CorpusDriftEvidence")])
        said = promtool.run(str(PROMTOOL), tmp_path, alert_rules(CONFIGURATION, "prometheus"), [case])
        assert f"are exchanged than was learnt to be {expected}" in said
        assert "nightly" not in said


@pytest.mark.stack
@needs_promtool
def test_the_traffic_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    cases = list(cases_of(TRAFFIC_BOARD))
    assert promtool.run(str(PROMTOOL), tmp_path, alert_rules(CONFIGURATION, "prometheus"), cases) == ""


@pytest.mark.stack
@needs_promtool
def test_a_case_that_does_not_hold_is_found(tmp_path: Path) -> None:
    wrong = promtool.Case("wrong", [], [promtool.Firing(0, "CorpusDriftWatchdog")])
    found = promtool.run(str(PROMTOOL), tmp_path, alert_rules(CONFIGURATION, "prometheus"), [wrong])
    assert "CorpusDriftWatchdog" in found
