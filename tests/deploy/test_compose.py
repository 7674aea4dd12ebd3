"""The living demo: valid by the specification's schema, on loopback only, and everything it names is there."""

import json
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from monitor.app.alerts_section import AlertsSection
from monitor.cli import main
from tests.stack import CLUSTER_ID, KAFKA_READY_SECONDS, free_ports, kafka_jars, need, program

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "deploy" / "compose" / "compose.yaml"
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
GRAFANA = ROOT / "deploy" / "grafana" / "provisioning"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
OURS = {name for name, service in SERVICES.items() if service["image"] == "corpus-drift"}
WANTED = {"kafka", "qdrant", "producer", "monitor", "prometheus", "alertmanager", "grafana"}


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Source and place of each volume."""
    parts = [volume.split(":") for volume in service.get("volumes", ())]
    return [(part[0], part[1]) for part in parts]


def port_of(service: str) -> set[str]:
    return {port.rpartition(":")[2] for port in SERVICES[service].get("ports", ())}


def test_valid_by_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(json.dumps({"services": {"kafka": {"imagine": "apache/kafka"}}}), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(wrong)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_the_whole_system_is_there_with_pinned_images() -> None:
    assert set(SERVICES) >= WANTED
    for name in set(SERVICES) - OURS:
        _, _, tag = SERVICES[name]["image"].partition(":")
        assert tag.strip("v")[:1].isdigit(), name


def test_every_port_is_on_loopback() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(published) >= 6
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_runs_says_whether_it_is_well_and_is_waited_for() -> None:
    for name, service in SERVICES.items():
        assert name in ONCE or service["healthcheck"]["test"][0] == "CMD", name
        for other, wait in service.get("depends_on", {}).items():
            once = wait["condition"] == "service_completed_successfully"
            assert once == (other in ONCE), f"{name} waits for {other}"


def test_every_mount_leads_somewhere() -> None:
    used = set()
    for name, service in SERVICES.items():
        for source, _ in mounts(service):
            if source.startswith("."):
                assert (FILE.parent / source).exists(), f"{name}: {source}"
            else:
                used.add(source)
    assert used == set(COMPOSE["volumes"])


def test_what_is_built_here_is_built_from_the_dockerfile_and_hardened() -> None:
    (built,) = (service for service in SERVICES.values() if "build" in service)
    context = FILE.parent / built["build"]["context"]
    assert (context / built["build"]["dockerfile"]).resolve() == ROOT / "deploy" / "Dockerfile"
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in SERVICES[name]


def test_the_programs_commands_parse(capsys: pytest.CaptureFixture[str]) -> None:
    said = [shlex.split(SERVICES[name]["command"]) for name in ("producer", "monitor")]
    said.append(SERVICES["monitor"]["healthcheck"]["test"][2:])
    said.append(shlex.split(SERVICES["rules"]["command"][0].partition(">")[0])[1:])
    for arguments in said:
        assert main([*arguments, "--help"]) == 0, capsys.readouterr().err
    written = "/corpus/corpus-drift.toml"
    assert all(written in arguments for arguments in said[1:])
    assert SERVICES["producer"]["healthcheck"]["test"] == ["CMD", "test", "-f", written]


def test_the_links_of_alerts_are_the_published_ports() -> None:
    defaults = AlertsSection()
    for base, service in ((defaults.monitor_base, "monitor"), (defaults.dashboard_base, "grafana")):
        assert urlsplit(base).hostname == "127.0.0.1"
        assert str(urlsplit(base).port) in port_of(service)


def test_prometheus_scrapes_the_monitor_and_tells_alertmanager() -> None:
    told = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))
    (job,) = told["scrape_configs"]
    assert AlertsSection().selector == f'job="{job["job_name"]}"'
    (manager,) = told["alerting"]["alertmanagers"]
    for target in (job["static_configs"][0]["targets"][0], manager["static_configs"][0]["targets"][0]):
        host, _, port = target.partition(":")
        assert port in port_of(host)
    rules = dict(mounts(SERVICES["prometheus"]))["rules"]
    assert Path(rules) == Path("/etc/prometheus") / Path(told["rule_files"][0]).parent
    assert dict(mounts(SERVICES["rules"]))["rules"] in SERVICES["rules"]["command"][0]


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    (source,) = yaml.safe_load((GRAFANA / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert urlsplit(source["url"]).hostname == "prometheus"
    assert str(urlsplit(source["url"]).port) in port_of("prometheus")
    (provider,) = yaml.safe_load((GRAFANA / "dashboards" / "corpus-drift.yaml").read_text())["providers"]
    (boards,) = (source for source, place in mounts(SERVICES["grafana"]) if place == provider["options"]["path"])
    assert (FILE.parent / boards).resolve() == ROOT / "dashboards"
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.parent == Path(provider["options"]["path"])
    known = {path.name for path in (ROOT / "dashboards").glob("*.json")}
    assert home.name in known


@pytest.mark.stack
def test_promtool_takes_the_scrape_configuration(tmp_path: Path) -> None:
    with ExitStack() as stack:
        promtool = need(found("promtool"), stack)
    shutil.copy(PROMETHEUS, tmp_path)
    (tmp_path / "rules").mkdir()
    shutil.copy(PROMETHEUS.with_name("rules.yml"), tmp_path / "rules")
    command = [promtool, "check", "config", str(tmp_path / PROMETHEUS.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


@contextmanager
def found(name: str) -> Iterator[str]:
    yield program(name)


@contextmanager
def jars() -> Iterator[Path]:
    yield kafka_jars()


@pytest.mark.stack
def test_kafka_takes_the_brokers_settings(tmp_path: Path) -> None:
    """The image turns KAFKA_NODE_ID into node.id and so on; Kafka itself says whether that is a configuration."""
    given = SERVICES["kafka"]["environment"]
    settings = {name.removeprefix("KAFKA_").replace("_", ".").lower(): value for name, value in given.items()}
    settings["log.dirs"] = str(tmp_path / "data")
    properties = tmp_path / "server.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
    with ExitStack() as stack:
        classes = f"{need(jars(), stack)}/*"
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", str(properties)]
    done = subprocess.run(
        [program("java"), "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", classes, *tool],
        capture_output=True, text=True, check=False, timeout=KAFKA_READY_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "data" / "meta.properties").is_file()


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, False), (None, False)])
def test_qdrants_check_reads_the_status(status: int | None, well: bool) -> None:
    """The image has no HTTP client: bash asks by itself."""
    with ready(status) as port:
        *_, script = SERVICES["qdrant"]["healthcheck"]["test"]
        done = subprocess.run(["bash", "-c", script.replace("6333", str(port))], capture_output=True, check=False)
    assert (done.returncode == 0) == well


@contextmanager
def ready(status: int | None) -> Iterator[int]:
    """A server whose /readyz has a status; None is nobody."""
    if status is None:
        yield free_ports(1)[0]
        return

    answer = status

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ready)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
