"""Real servers without containers: Apache Kafka from its own jars, Prometheus and Alertmanager.

Each is a context manager: started on free ports of 127.0.0.1 with its data in a temporary folder, ready when it
yields, stopped by its process id. Where a program is not on this machine they raise `Missing`.
"""

import itertools
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

FETCH = Path(__file__).parent.parent / ".ci" / "stack"
KAFKA_READY_SECONDS = 180.0
WEB_READY_SECONDS = 120.0
STOP_SECONDS = 60.0
_PORTS = itertools.count(10_000 + os.getpid() % 500 * 40)
"""Forty for a process, and those of the next one behind them; the range of the system begins at 32,768."""
CLUSTER_ID = "corpus-drift-test-clust"
USER, PASSWORD = "monitor", "a-test-secret"


class Missing(Exception):  # noqa: N818 - it says what is missing, not what went wrong
    """A program that this machine does not have; the message is what."""


class NotReadyError(Exception):
    """A server that ended or did not get ready; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class KafkaBroker:
    """A running broker: a plain listener and one with SASL/PLAIN for `USER`."""

    bootstrap: str
    sasl_bootstrap: str
    log: Path = field(repr=False)


@contextmanager
def kafka_broker(
    listeners: Mapping[str, int] = MappingProxyType({}), more: str = "", *, formatted: Sequence[str] = ()
) -> Iterator[KafkaBroker]:
    """Apache Kafka in KRaft mode, one node, 512 MB heap.

    Args:
        listeners: ports of the listeners TLS and SCRAM, where they are wanted.
        more: properties besides.
        formatted: options for the formatting of the storage.
    """
    java, classes = program("java"), f"{kafka_jars()}/*"
    plain, sasl, controller = free_ports(3)
    with TemporaryDirectory(prefix="corpus-drift-kafka-") as folder:
        here = Path(folder)
        properties = here / "server.properties"
        written = kafka_properties(here / "data", plain, sasl, controller, listeners) + more
        properties.write_text(written, encoding="utf-8")
        base = [java, "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", classes]
        tool = [
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            CLUSTER_ID,
            "--config",
            str(properties),
            *formatted,
        ]
        subprocess.run([*base, *tool], check=True, capture_output=True, timeout=KAFKA_READY_SECONDS)
        log = here / "kafka.log"
        with running([*base, "kafka.Kafka", str(properties)], log) as server:
            wait_for(lambda: "Kafka Server started" in log.read_text(), server, log, KAFKA_READY_SECONDS)
            yield KafkaBroker(f"127.0.0.1:{plain}", f"127.0.0.1:{sasl}", log)


@contextmanager
def prometheus(config_text: str, *options: str) -> Iterator[str]:
    """Prometheus with this configuration and more options; yields its base URL. Reloads on POST /-/reload."""
    base = ["--web.enable-lifecycle", "--storage.tsdb.retention.time=1d"]
    with _web("prometheus", config_text, [*base, *options]) as url:
        yield url


@contextmanager
def alertmanager(config_text: str) -> Iterator[str]:
    """Alertmanager with this configuration, alone; yields its base URL."""
    with _web("prometheus-alertmanager", config_text, ["--cluster.listen-address="]) as url:
        yield url


def program(name: str) -> str:
    """Where a program is; raises Missing."""
    found = shutil.which(name)
    if found is None:
        raise Missing(name)
    return found


def kafka_jars() -> Path:
    """Folder of Kafka's jars, fetched once and kept; raises Missing where they cannot be had."""
    program("java")
    program("mvn")
    got = subprocess.run([str(FETCH)], check=False, capture_output=True, text=True, timeout=600)
    if got.returncode != 0:
        message = f"Apache Kafka from Maven ({(got.stderr or got.stdout).strip()[-300:]})"
        raise Missing(message)
    return Path(got.stdout.strip().splitlines()[-1])


def free_ports(n: int) -> list[int]:
    """Ports of 127.0.0.1 that are free, never the same one twice.

    They are below the range in which the system gives ports to outgoing connections and to who asks for any: those
    would now and then take one between this look and the moment that its server listens.
    """
    found: list[int] = []
    while len(found) < n:
        port = next(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its output in `log`; asked to stop at the end, killed where it does not."""
    with log.open("wb") as output:
        # In a session of its own: Ctrl-C is for whoever started it, who then stops it in order.
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=environment,
            start_new_session=True,
        )
        try:
            yield server
        finally:
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(STOP_SECONDS)


def wait_for(ready: Callable[[], bool], server: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Return when `ready`; NotReadyError with the end of the log when the server died or the time is over."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not ready():
        tail = log.read_text(errors="replace")[-2000:]
        if server.poll() is not None or time.monotonic() >= deadline:
            ended = f"ended with {server.returncode}" if server.poll() is not None else f"not ready after {seconds} s"
            message = f"{server.args!r} {ended}: {tail}"
            raise NotReadyError(message)
        pause.wait(0.05)


@contextmanager
def _web(name: str, config_text: str, options: list[str]) -> Iterator[str]:
    binary = program(name)
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with TemporaryDirectory(prefix=f"corpus-drift-{name}-") as folder:
        here = Path(folder)
        config = here / "config.yml"
        config.write_text(config_text, encoding="utf-8")
        storage = "--storage.tsdb.path" if name == "prometheus" else "--storage.path"
        base = [binary, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
        log = here / "server.log"
        with running([*base, f"{storage}={here / 'data'}", *options], log) as server:
            wait_for(lambda: answers(f"{url}/-/ready"), server, log, WEB_READY_SECONDS)
            yield url


def answers(url: str) -> bool:
    """Whether a GET gives status 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
    except OSError:
        return False


def kafka_properties(
    data: Path, plain: int, sasl: int, controller: int, more: Mapping[str, int] = MappingProxyType({})
) -> str:
    """The broker's `server.properties`: one node in both roles, a plain listener, one with SASL/PLAIN, and `more`."""
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    opened = "".join(f",{name}://127.0.0.1:{port}" for name, port in more.items())
    names = "PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,SCRAM:SASL_SSL"
    return "\n".join(
        [
            "process.roles=broker,controller",
            "node.id=1",
            f"controller.quorum.voters=1@127.0.0.1:{controller}",
            f"listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}{opened}",
            f"advertised.listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl}{opened}",
            f"listener.security.protocol.map={names}",
            "inter.broker.listener.name=PLAIN",
            "controller.listener.names=CONTROLLER",
            "sasl.enabled.mechanisms=PLAIN",
            f'listener.name.sasl.plain.sasl.jaas.config={login} user_{USER}="{PASSWORD}";',
            f"log.dirs={data}",
            "auto.create.topics.enable=false",
            "offsets.topic.replication.factor=1",
            "offsets.topic.num.partitions=1",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "transaction.state.log.num.partitions=1",
            "group.initial.rebalance.delay.ms=0",
            "log.retention.check.interval.ms=500",
            "log.retention.ms=-1",
            "log.cleaner.backoff.ms=200",
            "log.initial.task.delay.ms=500",
            "file.delete.delay.ms=500",
            "",
        ]
    )
