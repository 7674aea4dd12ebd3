"""The program as people run it: its own process, its commands, its endpoints; every wait has a deadline."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

SCRIPT = str(Path(sys.executable).with_name("corpus-drift"))
START_SECONDS = 180.0
STOP_SECONDS = 60.0
COMMAND_SECONDS = 300.0
BETWEEN_LOOKS = 0.1
LISTENING = "listening on "
Found = TypeVar("Found")
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Running:
    """A monitor in its own process."""

    server: subprocess.Popen[bytes]
    log: Path = field(repr=False)

    def said(self) -> str:
        """Everything it wrote so far."""
        return self.log.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Its base URL, as it announced it."""
        return self.said().split(LISTENING)[1].split()[0]

    def get(self, path: str, **query: str) -> Any:
        """The JSON answer of an endpoint that answers 200."""
        code, body = self.ask(path, **query)
        assert code == 200, f"{path} {query}: {code} {body[:500]!r}"
        return json.loads(body)

    def ask(self, path: str, **query: str) -> tuple[int, bytes]:
        """Status and body of an endpoint, whatever it answers."""
        return fetched(f"{self.url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else ""))

    def judged(self, deploy: str, seconds: float = START_SECONDS, *, settled: bool = True) -> Document:
        """The report of a deploy, once it is judged; `settled`: for good, not until its index can be asked."""
        states = ("judged",) if settled else ("judged", "unsettled")
        self.wait(lambda: self.get("/api/v1/gate", deploy=deploy)["state"] in states, seconds, f"deploy {deploy}")
        made: Document = self.get("/api/v1/report", deploy=deploy)
        return made

    def verdict(self) -> Document:
        """The verdict on the corpus as it is now."""
        made: Document = self.get("/api/v1/report")["verdict"]
        return made

    def metrics(self) -> dict[str, float]:
        """Every series of /metrics by its name with labels, as written."""
        code, body = self.ask("/metrics")
        assert code == 200
        lines = [line for line in body.decode().splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def wait(self, condition: Callable[[], Found], seconds: float, what: str) -> Found:
        """The first true value of a condition; fails with the log when the process ends or the time is over."""

        def look() -> Found:
            assert self.server.poll() is None, f"ended with {self.server.returncode}: {self.said()[-2000:]}"
            return condition()

        return eventually(look, seconds, what, self.said)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.server.send_signal(number)
        return self.server.wait(STOP_SECONDS)


@contextmanager
def monitor(config: Path, *options: str) -> Iterator[Running]:
    """`corpus-drift run -c config` until the end of the block; yields when it listens."""
    log = config.with_name(f"run-{time.monotonic_ns()}.log")
    with log.open("wb") as output:
        command = [SCRIPT, "run", "-c", str(config), *options]
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=_plain()
        )
        started = Running(server, log)
        try:
            started.wait(lambda: LISTENING in started.said(), START_SECONDS, "listening")
            yield started
        finally:
            if server.poll() is None:
                server.kill()
            server.wait(STOP_SECONDS)


def command(*arguments: str | Path, seconds: float = COMMAND_SECONDS) -> Ended:
    """Run `corpus-drift` with these arguments to its end; a hang is a failure."""
    done = subprocess.run(
        [SCRIPT, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=seconds,
        env=_plain(),
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))


def eventually(look: Callable[[], Found], seconds: float, what: str, log: Callable[[], str] = str) -> Found:
    """The first true value of `look` within `seconds`."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s; {log()[-2000:]}"
        pause.wait(BETWEEN_LOOKS)
    return found


def fetched(url: str) -> tuple[int, bytes]:
    """Status and body of a GET on this machine, past any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def without(document: Document, *keys: str) -> Document:
    """A document without some of its keys."""
    return {key: value for key, value in document.items() if key not in keys}


def _plain() -> dict[str, str]:
    """The environment without settings of this program: the configuration file alone decides."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CORPUS_DRIFT_")}
