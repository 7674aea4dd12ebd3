"""Apache Kafka that can be killed and comes back with its data and its address."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.stack import (
    CLUSTER_ID,
    KAFKA_READY_SECONDS,
    STOP_SECONDS,
    free_ports,
    kafka_jars,
    kafka_properties,
    program,
    running,
    wait_for,
)

QUICK_RETURN = "broker.session.timeout.ms=2000\nbroker.heartbeat.interval.ms=500\n"
"""A broker that was killed is let in again only when its old session is over: 9 s by default."""


@dataclass
class MortalBroker:
    """A broker on one address; `kill` is SIGKILL, `revive` starts it again on what it left."""

    bootstrap: str
    _command: list[str] = field(repr=False)
    _folder: Path = field(repr=False)
    _lives: int = 0
    _life: ExitStack = field(default_factory=ExitStack, repr=False)
    _server: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def revive(self) -> None:
        """Start it; returns when it serves."""
        self._lives += 1
        log = self._folder / f"kafka-{self._lives}.log"
        self._server = self._life.enter_context(running(self._command, log))
        wait_for(lambda: "Kafka Server started" in log.read_text(), self._server, log, KAFKA_READY_SECONDS)

    def kill(self) -> None:
        """End it at once, as a machine that loses power does."""
        assert self._server is not None
        self._server.send_signal(signal.SIGKILL)
        self._server.wait(STOP_SECONDS)

    def close(self) -> None:
        """Stop it for good."""
        self._life.close()


@contextmanager
def mortal_broker() -> Iterator[MortalBroker]:
    """A running broker of its own, with its data in a temporary folder."""
    java, classes = program("java"), f"{kafka_jars()}/*"
    plain, sasl, controller = free_ports(3)
    with TemporaryDirectory(prefix="corpus-drift-kafka-") as folder:
        here = Path(folder)
        properties = here / "server.properties"
        written = kafka_properties(here / "data", plain, sasl, controller) + QUICK_RETURN
        properties.write_text(written, encoding="utf-8")
        base = [java, "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", classes]
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", str(properties)]
        subprocess.run([*base, *tool], check=True, capture_output=True, timeout=KAFKA_READY_SECONDS)
        broker = MortalBroker(f"127.0.0.1:{plain}", [*base, "kafka.Kafka", str(properties)], here)
        try:
            broker.revive()
            yield broker
        finally:
            broker.close()
