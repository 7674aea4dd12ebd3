"""The overlay with a Ray cluster: its resource against the fields that we use, pods by Kubernetes' own schemas.

The schema of the operator is in no package. `CORPUS_DRIFT_RAYCLUSTER_CRD` names a file with it, for whoever has one.
"""

import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from ray.scripts.scripts import start

from monitor.adapters.shards.ray.local_cluster import NODE_FOLDER
from monitor.adapters.shards.ray.section import RaySection
from monitor.app.configuration import load
from tests.deploy.kustomize import Resource, documents, named, pod, rendered
from tests.deploy.test_kubernetes import LABEL, VERSIONS, container, one

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
OVERLAY = FOLDER / "overlays" / "ray"
CRD = "CORPUS_DRIFT_RAYCLUSTER_CRD"
NODE = {"corpus-drift/ray": "node"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
GROUP = {"rayStartParams": TEXTS, "template": {"type": "object", "required": ["metadata", "spec"]}}
USED = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayCluster"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"],
            "properties": {
                "rayVersion": {"type": "string"},
                "authOptions": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"mode": {"const": "token"}, "secretName": {"type": "string"}},
                },
                "headGroupSpec": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": [*GROUP],
                    "properties": GROUP,
                },
                "workerGroupSpecs": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["groupName", "replicas", "minReplicas", "maxReplicas", *GROUP],
                        "properties": {
                            "groupName": {"type": "string"},
                            **{name: {"type": "integer"} for name in ("replicas", "minReplicas", "maxReplicas")},
                            **GROUP,
                        },
                    },
                },
            },
        },
    },
}
"""The fields of a RayCluster that stand in our file; what else the operator knows is not needed here."""


def cluster() -> Resource:
    return one(rendered(OVERLAY), "RayCluster")


def groups() -> list[Resource]:
    spec = cluster()["spec"]
    return [spec["headGroupSpec"], *spec["workerGroupSpecs"]]


def settings(of: Resource) -> dict[str, str]:
    """Variables of a container, but for those from secrets."""
    return {item["name"]: item["value"] for item in of["env"] if "value" in item}


def test_the_cluster_has_the_fields_of_the_operator() -> None:
    jsonschema.validate(cluster(), USED)
    wrong = cluster()
    wrong["spec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] = 0
    with pytest.raises(jsonschema.ValidationError, match="0 is not of type 'string'"):
        jsonschema.validate(wrong, USED)
    if CRD in os.environ:
        (of,) = documents(Path(os.environ[CRD]))
        (version,) = (one for one in of["spec"]["versions"] if one["name"] == "v1")
        jsonschema.validate(cluster(), strict(version["schema"]["openAPIV3Schema"]))


def strict(schema: Any) -> Any:
    """The same, in which a field that it does not know is wrong; a server would drop it without a word."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(one) for name, one in schema.items() if name != "x-kubernetes-int-or-string"}
    if "x-kubernetes-int-or-string" in schema:
        return {}
    if made.get("properties") and "additionalProperties" not in made and made.get("type") == "object":
        if "metadata" in made["properties"]:
            made["properties"]["metadata"] = {"type": "object"}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_all_else_is_valid_by_the_schemas_of_kubernetes(version: str) -> None:
    resources = [of for of in rendered(OVERLAY) if of["kind"] not in {"PodMonitor", "PrometheusRule", "RayCluster"}]
    assert len(resources) >= 8
    for resource in resources:
        kubernetes_validate.validate(resource, version, strict=True)
    for group in groups():
        template = group["template"]
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", **template["metadata"]}}
        kubernetes_validate.validate({**made, "spec": template["spec"]}, version, strict=True)


def test_nobody_ends_the_monitor_while_shards_load() -> None:
    startup = container(rendered(OVERLAY))["startupProbe"]
    assert startup["httpGet"]["path"] == "/healthz"
    assert startup["periodSeconds"] * startup["failureThreshold"] > RaySection().start_timeout


def test_every_file_is_used() -> None:
    (told,) = documents(OVERLAY / "kustomization.yaml")
    used = {*told["resources"], *(patch["path"] for patch in told["patches"]), "kustomization.yaml"}
    assert {path.name for path in OVERLAY.iterdir()} == {name for name in used if ".." not in name}


def test_pods_are_restricted() -> None:
    for spec in (*(group["template"]["spec"] for group in groups()), pod(rendered(OVERLAY))["spec"]):
        security = spec["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 10001)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not any("hostPath" in volume for volume in spec["volumes"])
        (only,) = spec["containers"]
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(only["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in only["resources"]["limits"]


def test_nodes_are_spoken_to_by_nodes_alone() -> None:
    resources = rendered(OVERLAY)
    (policy,) = (of["spec"] for of in resources if named(of) == ("NetworkPolicy", "corpus-drift-ray"))
    assert policy["podSelector"]["matchLabels"] == NODE
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"from": [{"podSelector": {"matchLabels": NODE}}]}]
    assert policy["egress"][0] == {"to": [{"podSelector": {"matchLabels": NODE}}]}
    assert [port["port"] for port in policy["egress"][1]["ports"]] == [53, 53]
    assert all(group["template"]["metadata"]["labels"] == NODE for group in groups())
    assert pod(resources)["metadata"]["labels"] == {**LABEL, **NODE}
    assert cluster()["spec"]["authOptions"] == {"mode": "token", "secretName": "corpus-drift-ray"}
    secret = {"secretKeyRef": {"name": "corpus-drift-ray", "key": "auth_token"}}
    only = container(resources)
    assert [item["valueFrom"] for item in only["env"] if item["name"] == "RAY_AUTH_TOKEN"] == [secret]
    assert settings(only)["RAY_AUTH_MODE"] == "token"


def test_what_the_nodes_name_is_there() -> None:
    names = {named(resource) for resource in rendered(OVERLAY)}
    for group in groups():
        spec = group["template"]["spec"]
        (only,) = spec["containers"]
        assert {mount["name"] for mount in only["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}
        claims = [v["persistentVolumeClaim"]["claimName"] for v in spec["volumes"] if "persistentVolumeClaim" in v]
        assert {("PersistentVolumeClaim", name) for name in claims} <= names
        ports = {port["name"] for port in only["ports"]}
        assert {only[f"{kind}Probe"]["tcpSocket"]["port"] for kind in ("liveness", "readiness")} == ports
        assert all(port["containerPort"] in {6379, 6380} for port in only["ports"])


def test_the_coordinator_and_the_nodes_agree(tmp_path: Path) -> None:
    resources = rendered(OVERLAY)
    only = container(resources)
    (tmp_path / "corpus-drift.toml").write_text(one(resources, "ConfigMap")["data"]["corpus-drift.toml"])
    (tmp_path / "secret").write_text("a-secret")
    given = {
        name: str(tmp_path / "secret") if name.endswith("_FILE") else value
        for name, value in settings(only).items()
        if name.startswith("CORPUS_DRIFT_")
    }
    shards = load(tmp_path / "corpus-drift.toml", given).shards
    keys: RaySection = shards.settings
    head, workers = groups()
    assert (shards.engine, shards.count) == ("ray", workers["replicas"])
    assert keys.address == f"{cluster()['metadata']['name']}-head-svc:{head_port(head)}"
    assert f"--address={keys.address} " in only["args"][0]
    (node,) = workers["template"]["spec"]["containers"]
    mounts = {mount["mountPath"] for mount in node["volumeMounts"]}
    assert keys.folder.startswith(f"${NODE_FOLDER}/")
    assert {settings(node)[NODE_FOLDER], keys.archive} <= mounts
    assert workers["rayStartParams"]["node-manager-port"] == str(node["ports"][0]["containerPort"])
    asked = int(node["resources"]["requests"]["memory"].removesuffix("Gi")) * 2**30
    kept = int(workers["rayStartParams"]["object-store-memory"])
    assert keys.cpus <= float(workers["rayStartParams"]["num-cpus"]) < float(node["resources"]["requests"]["cpu"])
    assert keys.memory_gb * 1e9 + kept < 0.95 * asked
    images = {of["image"] for of in (only, node, head["template"]["spec"]["containers"][0])}
    assert images == {"corpus-drift-ray"}


def head_port(head: Resource) -> int:
    port: int = head["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]
    return port


def test_what_ray_is_started_with_is_what_it_takes() -> None:
    options = {name for parameter in start.params for name in parameter.opts}
    told = [f"--{name}" for group in groups() for name in group["rayStartParams"]]
    command = container(rendered(OVERLAY))["args"][0]
    began, _, then = command.partition(" && ")
    told += re.findall(r"--[a-z-]+", began)
    assert len(told) == 10
    assert set(told) <= options
    assert then == "exec corpus-drift run -c /etc/corpus-drift/corpus-drift.toml"


def test_health_thresholds_are_names_that_the_head_knows() -> None:
    import ray

    server = Path(ray.__file__).parent / "core/src/ray/gcs/gcs_server"
    (head,) = groups()[0]["template"]["spec"]["containers"]
    names = [name.removeprefix("RAY_") for name in settings(head) if name.startswith("RAY_health")]
    assert len(names) == 3
    program = server.read_bytes()
    assert all(name.encode() in program for name in names)
    assert b"health_check_nothing_ms" not in program


def test_the_version_is_that_of_the_lock() -> None:
    lock = (FOLDER.parent.parent / "requirements" / "ray.txt").read_text(encoding="utf-8")
    assert f"\nray=={cluster()['spec']['rayVersion']} " in lock
    assert yaml.safe_load("2.60.0") == "2.60.0"  # a text, not a number
