"""The alert rules: what is committed is what the generator writes; every alert fires when it should and only then."""

import shutil
from pathlib import Path

import pytest

from monitor.app.alerting import alert_groups, alert_rules
from monitor.app.configuration import load
from tests.deploy import promtool
from tests.deploy.migration_cases import MIGRATION_BOARD
from tests.deploy.pipeline_cases import cases_of, pipeline_cases
from tests.deploy.policy_cases import policy_cases
from tests.deploy.promtool import Case

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "prometheus"
CONFIGURATION = load(FOLDER / "corpus-drift.toml", {})
PROMTOOL = shutil.which("promtool")
RULES = CONFIGURATION.rules()
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")


def all_cases() -> list[Case]:
    return [*pipeline_cases(), *policy_cases(RULES), *cases_of(MIGRATION_BOARD)]


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


@pytest.mark.stack
@needs_promtool
def test_a_case_that_does_not_hold_is_found(tmp_path: Path) -> None:
    wrong = promtool.Case("wrong", [], [promtool.Firing(0, "CorpusDriftWatchdog")])
    found = promtool.run(str(PROMTOOL), tmp_path, alert_rules(CONFIGURATION, "prometheus"), [wrong])
    assert "CorpusDriftWatchdog" in found
