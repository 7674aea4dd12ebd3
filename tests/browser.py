"""Headless Chromium for tests, spoken to over its own pipe (DevTools protocol): no driver, no port, no download."""

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.stack import STOP_SECONDS, program

PATIENCE = 60.0
"""Seconds for any one answer on a busy machine."""
Answer = dict[str, Any]


class Pipe:
    """The protocol: one JSON object per message, each ended by a zero byte."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._rest = b""
        self._last = 0
        self.events: list[Answer] = []

    def ask(self, method: str, session: str = "", **parameters: object) -> Answer:
        """Send one command and wait for its answer; what else arrives is kept in `events`."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        os.write(self._writing, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            got = self._next(until, method)
            if got.get("id") == self._last:
                assert "error" not in got, f"{method}: {got['error']}"
                answer: Answer = got["result"]
                return answer
            self.events.append(got)

    def wait(self, method: str, session: str) -> None:
        """Until an event of this name has arrived for a session."""
        until = time.monotonic() + PATIENCE
        while not any(of.get("method") == method and of.get("sessionId") == session for of in self.events):
            self.events.append(self._next(until, method))

    def _next(self, until: float, method: str) -> Answer:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._reading], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"{method}: no answer within {PATIENCE:.0f} s"
            read = os.read(self._reading, 1 << 20)
            assert read, f"{method}: the browser is gone"
            self._rest += read
        first, _, self._rest = self._rest.partition(b"\0")
        got: Answer = json.loads(first)
        return got


@dataclass(frozen=True)
class Tab:
    """One page at one width and colour scheme, loaded."""

    pipe: Pipe = field(repr=False)
    session: str
    width: int

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives, asked from outside: the page itself may run none."""
        made = self.pipe.ask("Runtime.evaluate", self.session, expression=expression, returnByValue=True)
        assert "exceptionDetails" not in made, made
        return made["result"].get("value")

    def screenshot(self, *, whole: bool = False) -> bytes:
        """A PNG of what is in view, or of the whole page."""
        # What is loaded is not painted yet, and a tab behind another one never is: two frames later it is.
        self.pipe.ask("Page.bringToFront", self.session)
        painted = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.pipe.ask("Runtime.evaluate", self.session, expression=painted, awaitPromise=True)
        made = self.pipe.ask("Page.captureScreenshot", self.session, format="png", captureBeyondViewport=whole)
        return base64.b64decode(made["data"])

    def accessible(self) -> list[tuple[str, str]]:
        """Role and name of every node that a screen reader is told of."""
        nodes = self.pipe.ask("Accessibility.getFullAXTree", self.session)["nodes"]
        return [
            (str(node["role"]["value"]), str(node.get("name", {}).get("value", "")))
            for node in nodes
            if not node["ignored"]
        ]

    def requested(self) -> list[str]:
        """Every address that the page asked for."""
        return [str(of["request"]["url"]) for of in self._events("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """What the browser logged: policy violations, errors."""
        return [str(of["entry"]["text"]) for of in self._events("Log.entryAdded")]

    def _events(self, method: str) -> list[Mapping[str, Any]]:
        self.pipe.ask("Runtime.evaluate", self.session, expression="0")  # whatever came before it has arrived
        mine = (of for of in self.pipe.events if of.get("sessionId") == self.session)
        return [of["params"] for of in mine if of.get("method") == method]


@dataclass(frozen=True)
class Browser:
    """A running browser."""

    pipe: Pipe

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Tab:
        """Load an address in a tab of its own."""
        target = self.pipe.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.pipe.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.pipe.ask(f"{domain}.enable", session)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.pipe.ask("Emulation.setDeviceMetricsOverride", session, **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.pipe.ask("Emulation.setEmulatedMedia", session, features=scheme)
        self.pipe.ask("Page.navigate", session, url=url)
        self.pipe.wait("Page.loadEventFired", session)
        return Tab(self.pipe, session, width)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium with a profile of its own; killed by its process id. Raises Missing where there is none."""
    (to_read, to_write), (from_read, from_write) = os.pipe(), os.pipe()
    with TemporaryDirectory(prefix="corpus-drift-browser-", ignore_cleanup_errors=True) as folder:
        options = ["--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-dev-shm-usage"]
        options += ["--remote-debugging-pipe", f"--user-data-dir={folder}"]
        options += ["--no-sandbox"] if os.geteuid() == 0 else []
        # The browser reads commands from descriptor 3 and answers on 4.
        moved = f'exec "$0" "$@" 3<&{to_read} 4>&{from_write}'
        command = ["bash", "-c", moved, program("chromium"), *options, "about:blank"]
        with (Path(folder) / "log").open("wb") as log:
            running = subprocess.Popen(command, pass_fds=(to_read, from_write), stdout=log, stderr=log)
        os.close(to_read)
        os.close(from_write)
        try:
            yield Browser(Pipe(from_read, to_write))
        finally:
            os.close(to_write)  # the browser ends when its pipe does
            os.close(from_read)
            try:
                running.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait(STOP_SECONDS)
