"""Base and overlay: valid against Kubernetes' own schemas, restricted, and everything that is named is there."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from monitor.app.alerting import alert_rules
from monitor.app.alerts_section import AlertsSection
from monitor.app.configuration import load
from monitor.app.wiring.retrieval import Space
from monitor.app.wiring.sources import build_source
from monitor.core.index.corpus import Corpus
from tests.deploy.kustomize import Resource, documents, named, pod, rendered

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
BASE, OVERLAY = FOLDER / "base", FOLDER / "overlays" / "production"
VERSIONS = ("1.29", kubernetes_validate.latest_version())
CUSTOM = {"PodMonitor", "PrometheusRule"}
"""Kinds of the Prometheus operator: their schemas are in no package, so they have tests of their own below."""
LABEL = {"app.kubernetes.io/name": "corpus-drift"}
HASHED = re.compile(r"corpus-drift-[a-z0-9]{10}\b")
both = pytest.mark.parametrize("folder", [BASE, OVERLAY], ids=lambda path: path.name)


def one(resources: list[Resource], kind: str) -> Resource:
    (found,) = (resource for resource in resources if resource["kind"] == kind)
    return found


def container(resources: list[Resource]) -> Resource:
    (found,) = pod(resources)["spec"]["containers"]
    made: Resource = found
    return made


def environment(resources: list[Resource]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container(resources)["env"]}


@both
@pytest.mark.parametrize("version", VERSIONS)
def test_valid_by_the_schemas_of_kubernetes(folder: Path, version: str) -> None:
    checked = 0
    for resource in rendered(folder):
        if resource["kind"] not in CUSTOM:
            kubernetes_validate.validate(resource, version, strict=True)
            checked += 1
    assert checked >= 6


def test_what_is_wrong_is_found() -> None:
    wrong = one(rendered(BASE), "StatefulSet")
    container([wrong])["ports"][0]["containerPort"] = "many"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


RENDERERS = ["ours", *(["kubectl"] if shutil.which("kubectl") else [])]


@both
@pytest.mark.parametrize("renderer", RENDERERS)
def test_our_rendering_is_what_kubectl_makes(folder: Path, renderer: str) -> None:
    if renderer == "kubectl":
        done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, check=True, text=True)
        made = [resource for resource in yaml.safe_load_all(HASHED.sub("corpus-drift", done.stdout)) if resource]
    else:
        made = yaml.safe_load(json.dumps(rendered(folder)))
    assert sorted(map(comparable, made)) == sorted(map(comparable, rendered(folder)))


def comparable(resource: Resource) -> str:
    """One text for one resource: variables of a container in the order of their names."""
    made = json.loads(json.dumps(resource))
    if made["kind"] == "StatefulSet":
        container([made])["env"].sort(key=lambda item: item["name"])
    return json.dumps(made, sort_keys=True)


@both
def test_every_file_is_used(folder: Path) -> None:
    (told,) = documents(folder / "kustomization.yaml")
    files = [name for made in told.get("configMapGenerator", ()) for name in made["files"]]
    used = {*told["resources"], *files, *(patch["path"] for patch in told.get("patches", ())), "kustomization.yaml"}
    assert {path.name for path in folder.iterdir() if path.is_file()} == {name for name in used if ".." not in name}


@both
def test_the_pod_is_restricted(folder: Path) -> None:
    spec = pod(rendered(folder))["spec"]
    security = spec["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"] > 0) == (True, True)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not any("hostPath" in volume for volume in spec["volumes"])
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec)
    (only,) = spec["containers"]
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(only["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in only["resources"]["limits"]


@both
def test_everything_the_pod_names_is_there(folder: Path) -> None:
    resources = rendered(folder)
    stateful = one(resources, "StatefulSet")
    spec = pod(resources)["spec"]
    only = container(resources)
    volumes = {
        volume["name"]
        for volume in (
            *spec["volumes"],
            *({"name": claim["metadata"]["name"]} for claim in stateful["spec"]["volumeClaimTemplates"]),
        )
    }
    assert {mount["name"] for mount in only["volumeMounts"]} == volumes
    names = {named(resource) for resource in resources}
    for volume in spec["volumes"]:
        if "configMap" in volume:
            assert ("ConfigMap", volume["configMap"]["name"]) in names
        if "persistentVolumeClaim" in volume:
            assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in names
    assert ("ServiceAccount", spec["serviceAccountName"]) in names
    assert ("Service", stateful["spec"]["serviceName"]) in names
    ports = {port["name"] for port in only["ports"]}
    probes = [only[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert {probe["port"] for probe in probes} | {"http"} == ports
    assert [probe["path"] for probe in probes] == ["/healthz", "/healthz", "/readyz"]
    assert stateful["spec"]["replicas"] == 1


@both
def test_what_selects_the_pod_finds_it(folder: Path) -> None:
    resources = rendered(folder)
    labels = pod(resources)["metadata"]["labels"]
    assert labels == LABEL
    assert one(resources, "StatefulSet")["spec"]["selector"]["matchLabels"] == labels
    assert one(resources, "Service")["spec"]["selector"] == labels
    policy = one(resources, "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule.get("from") for rule in policy["ingress"])
    assert all(rule.get("to") for rule in policy["egress"])


@both
def test_prometheus_scrapes_the_pod_under_the_name_that_the_rules_select(folder: Path) -> None:
    resources = rendered(folder)
    spec = one(resources, "PodMonitor")["spec"]
    assert spec["selector"]["matchLabels"] == pod(resources)["metadata"]["labels"]
    (endpoint,) = spec["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("http", "/metrics")
    job = pod(resources)["metadata"]["labels"][spec["jobLabel"]]
    assert AlertsSection().selector == f'job="{job}"'
    secret = endpoint["authorization"]["credentials"]
    assert environment(resources)["CORPUS_DRIFT_HTTP__TOKEN_FILE"].endswith(f"/{secret['key']}")


@both
def test_secrets_are_files_of_one_secret(folder: Path) -> None:
    resources = rendered(folder)
    (volume,) = (volume for volume in pod(resources)["spec"]["volumes"] if "secret" in volume)
    (mount,) = (m for m in container(resources)["volumeMounts"] if m["name"] == volume["name"])
    files = [value for name, value in environment(resources).items() if name.endswith("_FILE")]
    assert files
    assert all(Path(value).parent == Path(mount["mountPath"]) for value in files)
    assert not any(resource["kind"] == "Secret" for resource in resources)


@both
def test_the_configuration_loads_with_the_pods_environment(folder: Path, tmp_path: Path) -> None:
    resources = rendered(folder)
    (tmp_path / "corpus-drift.toml").write_text(one(resources, "ConfigMap")["data"]["corpus-drift.toml"])
    (tmp_path / "secret").write_text("a-secret")
    given = {
        name: str(tmp_path / "secret") if name.endswith("_FILE") else value
        for name, value in environment(resources).items()
    }
    configuration = load(tmp_path / "corpus-drift.toml", given)
    assert configuration.http.token.get_secret_value() == "a-secret"
    mounts = [Path(mount["mountPath"]) for mount in container(resources)["volumeMounts"]]
    for path in (configuration.state.path, configuration.anchors.path):
        assert Path(path).parent in mounts
    if folder == BASE:
        build_source(configuration, Space(0, "", None), Corpus(0))


def test_the_rules_are_those_of_the_configuration() -> None:
    written = (BASE / "prometheus-rule.yaml").read_text(encoding="utf-8")
    made = alert_rules(load(BASE / "corpus-drift.toml", {}), "kubernetes")
    assert written == made, "run: corpus-drift rules -c deploy/kubernetes/base/corpus-drift.toml --format kubernetes"


def test_the_overlay_changes_what_it_says() -> None:
    resources = rendered(OVERLAY)
    assert container(resources)["image"] == "images.example.org/corpus-drift:0.1.0"
    namespace: dict[str, Any] = one(resources, "Namespace")["metadata"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [resource for resource in resources if resource["kind"] != "Namespace"]
    assert {resource["metadata"]["namespace"] for resource in others} == {namespace["name"]}
    assert container(resources)["resources"]["requests"]["memory"] == "8Gi"
    assert len(environment(resources)) > len(environment(rendered(BASE)))
