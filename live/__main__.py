"""A living example without containers: `make live`, or `python -m live --help`.

Broker, Prometheus, Alertmanager and monitor start on free ports of 127.0.0.1 with their data in a temporary folder.
The demo's corpus is played in rounds: an ordinary update, one that cuts everything anew, an incident, the way back.
Ctrl-C stops all of it by process id and removes the folder.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from live.servers import (
    Missing,
    NotReadyError,
    alertmanager,
    answers,
    free_ports,
    kafka_broker,
    prometheus,
    running,
    wait_for,
)

PACKAGES = {
    "java": "openjdk-17-jre-headless",
    "mvn": "maven",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
}
"""What has to be there, and the Debian package that brings it."""
TOPIC = "corpus-changes"
PREPARED_SECONDS = 600.0
"""Reading the documentation of this Python, and fitting an encoder to it."""
STARTED_SECONDS = 180.0
BETWEEN_LOOKS = 0.2
ALERTMANAGER = """
route:
  receiver: page
  group_by: [alertname, segment]
  group_wait: 1s
  group_interval: 5s
receivers:
  - name: page
"""
PROMETHEUS = """
global:
  scrape_interval: 2s
  evaluation_interval: 2s
rule_files: [{rules}]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["{alertmanager}"]}}]
scrape_configs:
  - job_name: corpus-drift
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@dataclass(frozen=True, slots=True)
class Play:
    """How the corpus is played.

    Args:
        rest: seconds between two deploys.
        rounds: 0 without end.
        most: about how many chunks; 0 is all there are.
        hold: seconds that a limit is exceeded before its alert fires.
    """

    rest: float
    rounds: int
    most: int
    hold: float


def main(argv: Sequence[str] | None = None) -> int:
    """Start everything, say where it is, wait for Ctrl-C; 0 where it was told to stop, 2 where something lacks."""
    parser = argparse.ArgumentParser(prog="make live", description=__doc__, formatter_class=_Formatter)
    parser.add_argument("--rest", type=float, default=60.0, help="seconds between two deploys (60)")
    parser.add_argument("--rounds", type=int, default=0, help="rounds to play; 0 is without end (0)")
    parser.add_argument("--most", type=int, default=3_000, help="about how many chunks; 0 is all there are (3000)")
    parser.add_argument("--hold", type=float, default=10.0, help="seconds before an alert fires (10)")
    options = parser.parse_args(argv)
    lacking = [f"{name} (apt install {package})" for name, package in PACKAGES.items() if shutil.which(name) is None]
    if lacking:
        return _refused(f"not on this machine: {', '.join(lacking)}")
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with _stack(Play(options.rest, options.rounds, options.most, options.hold), stopping) as everything:
            everything.follow(stopping)
    except Missing as missing:
        return _refused(f"not on this machine: {missing}")
    except NotReadyError as error:
        return _refused(str(error), 4)
    except _Stopped:
        pass
    _say("all is stopped, and its folder is gone")
    return 0


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """As it is written."""


class _Stopped(Exception):  # noqa: N818 - somebody said so
    """Told to stop before everything was up."""


@dataclass(frozen=True, slots=True)
class Everything:
    """All that runs."""

    producer: "subprocess.Popen[bytes]"
    monitor: "subprocess.Popen[bytes]"
    produced: Path
    monitored: Path

    def follow(self, stopping: threading.Event) -> None:
        """Say what is played and what is judged, until somebody stops it.

        Raises:
            NotReadyError: the producer or the monitor ended by itself with an error.
        """
        said = {self.produced: 0, self.monitored: 0}
        while not stopping.is_set():
            for log, at in said.items():
                lines = log.read_text(errors="replace").splitlines()
                for line in lines[at:]:
                    _say(f"  {line}")
                said[log] = len(lines)
            for of, log in ((self.producer, self.produced), (self.monitor, self.monitored)):
                if of.poll():
                    message = f"{of.args!r} ended with {of.returncode}: {log.read_text(errors='replace')[-1000:]}"
                    raise NotReadyError(message)
            stopping.wait(BETWEEN_LOOKS)


@contextmanager
def _stack(play: Play, stopping: threading.Event) -> Iterator[Everything]:
    program = str(Path(sys.executable).with_name("corpus-drift"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="corpus-drift-live-")))
        _say("Apache Kafka ... (the first time its jars are fetched from Maven Central)")
        broker = stack.enter_context(kafka_broker())
        _created(broker.bootstrap)
        _say("the corpus: documentation strings of this Python, and an encoder fitted to them ...")
        made, produced = folder / "live", folder / "produced.log"
        tempo = ["--rest", str(play.rest), "--rounds", str(play.rounds), "--most", str(play.most), "--pace", "0"]
        command = [program, "produce", broker.bootstrap, "--topic", TOPIC, "--folder", str(made), *tempo]
        producer = stack.enter_context(running(command, produced, _plain()))
        config = made / "corpus-drift.toml"
        wait_for(lambda: config.exists() or _stopped(stopping), producer, produced, PREPARED_SECONDS)
        written = config.read_text(encoding="utf-8").replace("for = 60.0", f"for = {play.hold}")
        (port,) = free_ports(1)
        page = f"http://127.0.0.1:{port}"
        served = f'\n[http]\nport = {port}\n\n[alerts]\nmonitor_base = "{page}"\n'
        (own := made / "monitor.toml").write_text(written + served, encoding="utf-8")
        rules = folder / "rules.yml"
        with rules.open("wb") as file:
            subprocess.run([program, "rules", "-c", str(own)], check=True, stdout=file, env=_plain())
        _say("monitor, Alertmanager, Prometheus ...")
        monitored = folder / "monitored.log"
        monitor = stack.enter_context(running([program, "run", "-c", str(own)], monitored, _plain()))
        wait_for(lambda: answers(f"{page}/healthz") or _stopped(stopping), monitor, monitored, STARTED_SECONDS)
        manager = stack.enter_context(alertmanager(ALERTMANAGER))
        named = {"rules": rules, "alertmanager": manager.removeprefix("http://"), "port": port}
        # What fires before Alertmanager is discovered would not be sent again for a minute.
        server = stack.enter_context(prometheus(PROMETHEUS.format(**named), "--rules.alert.resend-delay=5s"))
        for what, where in (
            ("page", page), ("metrics", f"{page}/metrics"), ("Prometheus", server), ("Alertmanager", manager),
            ("Kafka", broker.bootstrap), ("files", folder),
        ):  # fmt: skip
            _say(f"{what + ':':<14}{where}")
        minutes = max(1, round(3 * play.rest / 60))
        _say(
            f"the incident comes after about {minutes} min, its alert {play.hold:g} s later; Ctrl-C stops everything"
        )
        yield Everything(producer, monitor, produced, monitored)


def _created(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for future in admin.create_topics([NewTopic(TOPIC, 1, 1)]).values():
        future.result(30)


def _stopped(stopping: threading.Event) -> bool:
    """False, or `_Stopped` where somebody said so meanwhile."""
    if stopping.is_set():
        raise _Stopped
    return False


def _plain() -> dict[str, str]:
    """The environment without settings of this program: the configuration file alone decides."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CORPUS_DRIFT_")}


def _refused(message: str, code: int = 2) -> int:
    sys.stderr.write(f"make live: {message}\n")
    return code


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
