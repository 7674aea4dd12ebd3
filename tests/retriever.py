"""A small real HTTP retriever on loopback: a hybrid of shared words, in the forms of the APIs that production has."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class Reply(NamedTuple):
    """What is sent back; a body that is no bytes is sent as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = {}


Answer = Callable[[Asked], Reply]


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that went away before its answer is what some tests are about."""


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """An HTTP server on a free port of loopback; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                body = json.loads(content) if content else None
            except ValueError:
                body = content
            reply = answer(Asked(self.command, self.path, dict(self.headers), body))
            sent = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            """Nothing to the terminal."""

    server = _Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Retriever:
    """Answers by shared words over the texts it holds, best first, ties by id; in the form that Dify asks for.

    Args:
        texts: by chunk id.
        rerank: from the ranked ids to what is served: a reranker, a filter, a fault.
    """

    texts: dict[str, str]
    rerank: Callable[[list[str]], list[str]] = list
    asked: list[Asked] = field(default_factory=list)
    failing: int = 0
    """A status that every request is answered with; 0: they are answered."""

    def ranked(self, query: str) -> list[str]:
        words = set(query.lower().split())
        scores = {name: len(words & set(text.lower().split())) for name, text in self.texts.items()}
        return sorted((name for name, score in scores.items() if score), key=lambda name: (-scores[name], name))

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.failing:
            return Reply({"error_code": 1, "error_msg": "down"}, self.failing)
        k = asked.body["retrieval_setting"]["top_k"]
        found = self.rerank(self.ranked(asked.body["query"]))[:k]
        records = [
            {
                "content": self.texts[name],
                "score": 1.0 / at,
                "title": name.partition("#")[0],
                "metadata": {"id": name},
            }
            for at, name in enumerate(found, 1)
        ]
        return Reply({"records": records})
