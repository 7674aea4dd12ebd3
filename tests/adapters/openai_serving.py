"""A real HTTP server on 127.0.0.1 that speaks the embeddings interface and misbehaves as scripted, for tests."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

Step = Callable[["Handler", dict[str, Any]], None]


@dataclass
class Script:
    """What to do with the next requests (the last step repeats), and what came in."""

    steps: list[Step]
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def do_POST(self) -> None:
        script = self.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.bodies.append({"path": self.path, **body})
        script.headers.append({name.lower(): value for name, value in self.headers.items()})
        step = script.steps.pop(0) if len(script.steps) > 1 else script.steps[0]
        try:
            step(self, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client gave up, as it should

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""

    def reply(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", headers.pop("Content_Length", str(len(content))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)


def vector_of(text: str, dimension: int = 3) -> list[float]:
    """The vector this server gives a text: its length and first characters."""
    return [float(len(text)), *(float(ord(text[at])) if at < len(text) else 0.0 for at in range(dimension - 1))]


def good(
    handler: Handler, body: dict[str, Any], *, change: Callable[[list[dict[str, Any]]], object] | None = None
) -> None:
    """The right answer, in reverse order, in the encoding asked for; `change` may spoil it."""
    items: list[dict[str, Any]] = []
    for index, text in enumerate(body["input"]):
        vector = vector_of(text)
        encoded = b64encode(np.array(vector, "<f4").tobytes()).decode()
        items.append(
            {
                "object": "embedding",
                "index": index,
                "embedding": encoded if body["encoding_format"] == "base64" else vector,
            }
        )
    items.reverse()
    if change is not None:
        change(items)
    handler.reply(200, json.dumps({"object": "list", "data": items, "usage": {"total_tokens": 1}}).encode())


def spoiled(change: Callable[[list[dict[str, Any]]], object]) -> Step:
    return lambda handler, body: good(handler, body, change=change)


def status(code: int, content: bytes = b"{}", **headers: str) -> Step:
    return lambda handler, _: handler.reply(code, content, **headers)


def raw(content: bytes) -> Step:
    return lambda handler, _: handler.reply(200, content)


def hang(handler: Handler, _: dict[str, Any]) -> None:
    """Answer nothing until the test is over."""
    handler.script.stop.wait(120)
    handler.close_connection = True


def drip(handler: Handler, _: dict[str, Any]) -> None:
    """A valid head, then one byte every 20 ms: no single read is ever slow."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.script.stop.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def drip_head(handler: Handler, _: dict[str, Any]) -> None:
    """The status line and then a header that never ends, byte by byte."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.script.stop.wait(0.02):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def cut(handler: Handler, _: dict[str, Any]) -> None:
    """Half an answer, then the connection closes."""
    handler.reply(200, b'{"data": [', Content_Length="1000")
    handler.close_connection = True


def flood(handler: Handler, _: dict[str, Any]) -> None:
    """Spaces without end."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(1 << 30))
    handler.end_headers()
    while not handler.script.stop.is_set():
        handler.wfile.write(b" " * 65_536)


def numbers(dimension: int) -> Step:
    """An embeddings endpoint whose vectors have so many numbers."""

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        vectors = [vector_of(text, dimension) for text in body["input"]]
        coded = [b64encode(np.array(vector, "<f4").tobytes()).decode() for vector in vectors]
        made = coded if body.get("encoding_format") == "base64" else vectors
        items = [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(made)]
        document = {"object": "list", "data": items, "model": body["model"], "usage": {}}
        handler.reply(200, json.dumps(document).encode(), Content_Type="application/json")

    return answer


@contextmanager
def serving(*steps: Step) -> Iterator[Script]:
    """Serve the steps on a free port; everything is stopped at the end."""
    script = Script(list(steps) or [good])
    handler = type("Scripted", (Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield script
    finally:
        script.stop.set()
        server.shutdown()
        server.server_close()
        thread.join(60)
