"""The part of Kustomize that deploy/kubernetes uses, so that it is tested on machines without kubectl.

Where kubectl is there, the tests compare this with what it makes of the same folder.
"""

import copy
from pathlib import Path
from typing import Any

import yaml

KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "patches", "configMapGenerator"}
Resource = dict[str, Any]


def documents(path: Path) -> list[Resource]:
    """The YAML documents of a file."""
    return [made for made in yaml.safe_load_all(path.read_text(encoding="utf-8")) if made is not None]


def rendered(folder: Path) -> list[Resource]:
    """All resources of a base or an overlay; generated names get no hash."""
    (told,) = documents(folder / "kustomization.yaml")
    assert set(told) <= KNOWN, f"{folder}: {set(told) - KNOWN} is not known here"
    made: list[Resource] = []
    for name in told.get("resources", ()):
        at = folder / name
        made += rendered(at) if at.is_dir() else documents(at)
    made += [_config_map(folder, one) for one in told.get("configMapGenerator", ())]
    for patch in told.get("patches", ()):
        for change in documents(folder / patch["path"]):
            (target,) = (one for one in made if named(one) == named(change))
            made[made.index(target)] = merged(target, change)
    for image in told.get("images", ()):
        for one in made:
            _retag(one, image)
    if "namespace" in told:
        for one in made:
            if one["kind"] != "Namespace":
                one["metadata"]["namespace"] = told["namespace"]
    return made


def named(resource: Resource) -> tuple[str, str]:
    """Kind and name."""
    return resource["kind"], resource["metadata"]["name"]


def merged(under: Any, over: Any) -> Any:
    """A strategic merge: tables key by key, lists of named things by name, everything else replaced."""
    if isinstance(under, dict) and isinstance(over, dict):
        made = dict(under)
        for key, value in over.items():
            made[key] = merged(made[key], value) if key in made else copy.deepcopy(value)
        return made
    if isinstance(under, list) and isinstance(over, list) and all("name" in one for one in (*under, *over)):
        known = {one["name"]: one for one in under}
        for one in over:
            known[one["name"]] = merged(known.get(one["name"], {}), one)
        return list(known.values())
    return over


def pod(resources: list[Resource]) -> Resource:
    """The pod template of the one StatefulSet."""
    (found,) = (one for one in resources if one["kind"] == "StatefulSet")
    made: Resource = found["spec"]["template"]
    return made


def _config_map(folder: Path, told: Resource) -> Resource:
    labels = told.get("options", {}).get("labels", {})
    data = {name: (folder / name).read_text(encoding="utf-8") for name in told["files"]}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": told["name"], "labels": labels},
        "data": data,
    }


def _retag(resource: Resource, image: Resource) -> None:
    if resource["kind"] == "StatefulSet":
        for container in resource["spec"]["template"]["spec"]["containers"]:
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
