"""The gate's example files, held against what their tools document, over the answers of a running monitor.

* Argo Rollouts, "Analysis & Progressive Delivery" and "Web Metrics": a status outside 2xx is an error; a result that
  meets neither condition is inconclusive; `failureLimit`, `inconclusiveLimit`, `consecutiveSuccessLimit` end a run.
* Flagger, "Webhooks": the payload's fields, what each type of hook does with success and failure.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

from monitor.adapters.web.server import HttpSettings
from monitor.core.model.report import VerdictName
from monitor.core.records.committed import DeployRecord
from monitor.core.records.documents import gate_schema
from tests.adapters.serving import Served, Shown, served
from tests.adapters.views import view
from tests.adapters.web.test_server import CANARY, record

DEPLOY = Path(__file__).parents[1] / "deploy"
GATES = DEPLOY / "gates"
KINDS = {"argo-rollouts": "AnalysisTemplate", "flagger": "Canary", "tekton": "Task"}
TOKEN = "hush-hush"
VERDICTS: tuple[VerdictName, ...] = ("pass", "fail", "inconclusive", "unknown")
SERVICE = "http://corpus-drift.corpus-drift.svc:9464"


def loaded(name: str) -> Any:
    return yaml.safe_load((GATES / f"{name}.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def at() -> Iterator[Served]:
    """A monitor with a token whose deploys are called after their verdicts."""
    records: dict[str, DeployRecord] = {verdict: record(verdict) for verdict in VERDICTS}
    with served(Shown(view(["s"]), records), HttpSettings(port=0, token=TOKEN)) as made:
        yield made


def test_there_is_one_for_each_and_each_is_what_it_says() -> None:
    assert {path.stem for path in GATES.glob("*.yml")} == {"github-actions", *KINDS}
    for name, kind in KINDS.items():
        assert loaded(name)["kind"] == kind


# ---------------------------------------------------------------- one secret, one service, one way in


def secrets(document: object) -> Iterator[tuple[str, str]]:
    """Every secret that a document refers to, as name and key."""
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from secrets(value)
    if isinstance(document, dict):
        for kind in ("secretKeyRef", "credentials"):
            if kind in document:
                yield document[kind]["name"], document[kind]["key"]


def test_the_secret_is_the_one_that_the_manifests_mount() -> None:
    base = DEPLOY / "kubernetes" / "base"
    monitor = yaml.safe_load((base / "statefulset.yaml").read_text(encoding="utf-8"))
    pod = monitor["spec"]["template"]["spec"]
    (volume,) = (volume for volume in pod["volumes"] if "secret" in volume)
    (path,) = (of["value"] for of in pod["containers"][0]["env"] if of["name"] == "CORPUS_DRIFT_HTTP__TOKEN_FILE")
    expected = volume["secret"]["secretName"], Path(path).name
    said = (base / "kustomization.yaml").read_text(encoding="utf-8")
    assert f"kubectl create secret generic {expected[0]} --from-file={expected[1]}=" in said
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"secret\s+`{expected[0]}` with the key `{expected[1]}`", readme)
    scraped = yaml.safe_load((base / "podmonitor.yaml").read_text(encoding="utf-8"))
    for document in (scraped, loaded("argo-rollouts"), loaded("tekton")):
        assert [*secrets(document)] == [expected]


def test_the_addresses_are_the_service_and_the_policy_lets_their_namespaces_in() -> None:
    service = yaml.safe_load((DEPLOY / "kubernetes/base/service.yaml").read_text(encoding="utf-8"))
    overlay = yaml.safe_load(
        (DEPLOY / "kubernetes/overlays/production/kustomization.yaml").read_text(encoding="utf-8")
    )
    (port,) = service["spec"]["ports"]
    assert f"http://{service['metadata']['name']}.{overlay['namespace']}.svc:{port['port']}" == SERVICE
    policy = yaml.safe_load((DEPLOY / "kubernetes/base/networkpolicy.yaml").read_text(encoding="utf-8"))
    admitted = [of["namespaceSelector"]["matchLabels"] for of in policy["spec"]["ingress"][0]["from"] if len(of) == 1
                and "namespaceSelector" in of]  # fmt: skip
    for name in KINDS:
        text = (GATES / f"{name}.yml").read_text(encoding="utf-8")
        assert set(re.findall(r"http://[\w.-]+:\d+", text)) == {SERVICE}
        (label,) = re.findall(r"kubectl label namespace \S+ (\S+)=true", text)
        assert {label: "true"} in admitted


# ---------------------------------------------------------------- Argo Rollouts


def argo(metric: Mapping[str, Any], measure: Callable[[], tuple[int, Any]]) -> tuple[str, int]:
    """How an analysis run ends, by the documented rules, and after how many measurements."""
    conditions = {
        name: re.fullmatch(r'result == "(\w+)"', metric[f"{name}Condition"]) for name in ("success", "failure")
    }
    words = {name: found[1] for name, found in conditions.items() if found}
    (field,) = re.fullmatch(r"\{\$\.(\w+)\}", metric["provider"]["web"]["jsonPath"]).groups()  # type: ignore[union-attr]
    assert set(words.values()) <= set(gate_schema()["properties"][field]["enum"])
    succeeded = failed = inconclusive = errors = measured = 0
    while True:
        status, body = measure()
        measured += 1
        errors = 0 if 200 <= status < 300 else errors + 1
        if not errors:
            result = body[field]
            failed += result == words["failure"]
            succeeded = succeeded + 1 if result == words["success"] else 0
            inconclusive += result not in words.values()
        if failed > metric.get("failureLimit", 0):
            return "Failed", measured
        if inconclusive > metric.get("inconclusiveLimit", 0):
            return "Inconclusive", measured
        if errors > metric.get("consecutiveErrorLimit", 4):
            return "Error", measured
        if succeeded >= metric.get("consecutiveSuccessLimit", 0) > 0:
            return "Successful", measured
        if measured >= metric["count"] and not errors:
            return ("Inconclusive" if metric.get("consecutiveSuccessLimit") else "Successful"), measured


def asked_by_argo(at: Served, deploy: str, token: str) -> Callable[[], tuple[int, Any]]:
    web = loaded("argo-rollouts")["spec"]["metrics"][0]["provider"]["web"]
    args = {arg["name"] for arg in loaded("argo-rollouts")["spec"]["args"]}
    given = {"{{args.deploy}}": deploy, "{{args.token}}": token}
    assert {f"{{{{args.{name}}}}}" for name in args} == set(given)

    def filled(text: str) -> str:
        return re.sub(r"\{\{.*?\}\}", lambda of: given[of[0]], text)

    headers = {of["key"]: filled(of["value"]) for of in web["headers"]}

    def measure() -> tuple[int, Any]:
        reply = at.ask(filled(web["url"]).removeprefix(SERVICE), method=web.get("method", "GET"), headers=headers)
        return reply.status, reply.json()

    return measure


@pytest.mark.parametrize(
    ("deploy", "token", "ends"),
    [
        ("pass", TOKEN, ("Successful", 1)),
        ("fail", TOKEN, ("Failed", 1)),
        ("inconclusive", TOKEN, ("Inconclusive", 10)),
        ("unknown", TOKEN, ("Inconclusive", 10)),
        ("never-seen", TOKEN, ("Inconclusive", 10)),
        ("pass", "wrong", ("Error", 5)),
    ],
)
def test_argo_ends_as_the_verdict_says(at: Served, deploy: str, token: str, ends: tuple[str, int]) -> None:
    (metric,) = loaded("argo-rollouts")["spec"]["metrics"]
    assert argo(metric, asked_by_argo(at, deploy, token)) == ends


def test_argo_waits_for_a_barrier_that_closes(at: Served) -> None:
    (metric,) = loaded("argo-rollouts")["spec"]["metrics"]
    asked = [asked_by_argo(at, deploy, TOKEN) for deploy in ("pass", *["never-seen"] * 9)]
    assert argo(metric, lambda: asked.pop()()) == ("Successful", 10)


# ---------------------------------------------------------------- Flagger


PAUSES = {"confirm-rollout", "confirm-traffic-increase", "confirm-promotion"}


def flagger(at: Served, deploy: str, token: str, most: int = 100) -> tuple[str, int]:
    """Where a canary ends, by the documented rules, and on which look; "waiting" where nothing would ever end it."""
    given = {"CORPUS_DEPLOY": deploy, "CORPUS_DRIFT_TOKEN": token}
    analysis = loaded("flagger")["spec"]["analysis"]
    hooks = analysis["webhooks"]
    failed = 0

    def succeeds(hook: Mapping[str, Any]) -> bool:
        metadata = {name: Template(value).substitute(given) for name, value in hook["metadata"].items()}
        reply = at.post(hook["url"].removeprefix(SERVICE), {**CANARY, "metadata": metadata})
        return reply.status <= 202

    for look in range(1, most + 1):
        if any(succeeds(hook) for hook in hooks if hook["type"] == "rollback"):
            return "rolled back", look
        if failed >= analysis["threshold"]:
            return "rolled back", look
        if all(succeeds(hook) for hook in hooks if hook["type"] in ("pre-rollout", "rollout")):
            if all(succeeds(hook) for hook in hooks if hook["type"] in PAUSES):
                return "promoted", look
        else:
            failed += 1
    return "waiting", most


@pytest.mark.parametrize(
    ("deploy", "token", "ends"),
    [
        ("pass", TOKEN, ("promoted", 1)),
        ("fail", TOKEN, ("rolled back", 1)),
        ("inconclusive", TOKEN, ("rolled back", 11)),
        ("unknown", TOKEN, ("rolled back", 11)),
        ("never-seen", TOKEN, ("rolled back", 11)),
        ("pass", "wrong", ("rolled back", 11)),
        ("fail", "wrong", ("rolled back", 11)),
    ],
)
def test_flagger_ends_as_the_verdict_says(at: Served, deploy: str, token: str, ends: tuple[str, int]) -> None:
    assert flagger(at, deploy, token) == ends


def test_flagger_is_told_only_what_it_knows() -> None:
    """The fields and types of a webhook in Flagger's own resource definition."""
    for hook in loaded("flagger")["spec"]["analysis"]["webhooks"]:
        assert set(hook) <= {"name", "type", "url", "timeout", "retries", "metadata", "muteAlert", "disableTLS"}
        assert hook["type"] in {"rollback", "pre-rollout", "rollout", "post-rollout", "event", *PAUSES}
        assert re.match(r"^[0-9]+(m|s)", hook["timeout"])
        assert all(isinstance(value, str) for value in hook["metadata"].values())


# ---------------------------------------------------------------- scripts


def run_as(script: str, folder: Path, *, by: str = "sh", **variables: str) -> subprocess.CompletedProcess[str]:
    """A script as its tool runs it, with the program and the interpreter of these tests on its path."""
    here = str(Path(sys.executable).parent)
    environment = {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", **variables}
    command = [by, "-e", "-c", script] if by == "bash" else [by, "-c", script]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize(("deploy", "code"), [("pass", 0), ("fail", 1), ("unknown", 3), ("away", 4)])
def test_tekton_decides_by_the_exit_code_and_always_has_its_result(
    at: Served, tmp_path: Path, deploy: str, code: int
) -> None:
    spec = loaded("tekton")["spec"]
    (step,) = spec["steps"]
    url = "http://127.0.0.1:1" if deploy == "away" else at.url
    params = {of["name"]: of.get("default", "") for of in spec["params"]} | {"deploy": deploy, "monitor": url}
    variables = {
        of["name"]: TOKEN
        if "valueFrom" in of
        else re.sub(r"\$\(params\.([\w-]+)\)", lambda m: params[m[1]], of["value"])
        for of in step["env"]
    }
    result = tmp_path / "verdict"
    script = step["script"].replace("/tmp/", f"{tmp_path}/").replace("$(results.verdict.path)", str(result))
    assert "$(" not in script
    done = run_as(script, tmp_path, **variables)
    assert done.returncode == code, done.stderr
    assert result.read_text() == ("unknown" if deploy == "away" else deploy)
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(("deploy", "code"), [("pass", 0), ("fail", 1), ("away", 4)])
def test_github_uploads_what_the_gate_said_whatever_it_said(
    at: Served, tmp_path: Path, deploy: str, code: int
) -> None:
    job = loaded("github-actions")["jobs"]["gate"]
    judge, page, upload = job["steps"]
    assert set(job["env"]) == {"CORPUS_DRIFT_HTTP__TOKEN", "MONITOR", "DEPLOY"}
    variables = {
        "CORPUS_DRIFT_HTTP__TOKEN": TOKEN,
        "MONITOR": "http://127.0.0.1:1" if deploy == "away" else at.url,
        "DEPLOY": deploy,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    assert run_as(judge["run"], tmp_path, by="bash", **variables).returncode == code
    assert "if" not in judge
    assert "continue-on-error" not in judge
    assert (page["if"], page["continue-on-error"], upload["if"]) == ("always()", True, "always()")
    assert upload["uses"].partition("@")[0] == "actions/upload-artifact"
    suite = ET.parse(tmp_path / upload["with"]["path"]).getroot()  # noqa: S314 - our own output
    kept = deploy if deploy == "away" else "d1"  # both answers are of one kept record
    assert (suite.get("name"), len(suite.findall("testcase/failure")) > 0) == (f"corpus-drift {kept}", code == 1)
    assert run_as(page["run"], tmp_path, by="bash", **variables).returncode == code
    verdict = "UNKNOWN" if deploy == "away" else deploy.upper()
    assert (tmp_path / "summary").read_text().startswith(f"## Corpus drift gate: {verdict}")
