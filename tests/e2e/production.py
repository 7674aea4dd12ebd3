"""A production system of tests: it writes its updates to an event file and to a Qdrant server that can be down."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from monitor.core.model.events import CorpusEvent, Delete, Upsert
from monitor.core.model.scoring import Distance
from tests import corpora
from tests.qdrant_stub import Handler, QdrantStub

READING = {
    ("GET", ""),
    ("POST", "/points"),
    ("POST", "/points/count"),
    ("POST", "/points/query/batch"),
    ("POST", "/points/scroll"),
}
"""Requests that change nothing: verb, and path behind the collection."""


class AnyVerb(Handler):
    """Takes down every verb that arrives, and says nothing more once the server is down."""

    def _serve(self) -> None:
        if self.stub.released.is_set():
            self.reset()
        else:
            super()._serve()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # noqa: N815 - the base class's names


@dataclass
class Server(QdrantStub):
    """The stub on an address that it keeps over `stop` and `start`."""

    port: int = 0

    def start(self) -> str:
        """Serve; returns the URL."""
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), AnyVerb)
        self._server.daemon_threads = True
        self._server.stub = self  # type: ignore[attr-defined] # the handler's way back
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return f"http://127.0.0.1:{self.port}"

    def foreign(self) -> set[tuple[str, str]]:
        """Requests that were no reading of the collection, nor of the server's version."""
        root = f"/collections/{self.collection}"
        return {(one.method, one.path.removeprefix(root)) for one in self.sent} - READING - {("GET", "/")}


@dataclass
class Production:
    """The system: its corpus, its index, and the file its updates are announced in."""

    shape: corpora.Shape
    seed: int
    events: Path
    server: Server = field(default_factory=lambda: Server(Distance.COSINE, corpora.DIMENSION))
    _deploys: int = 0
    _told: int = 0

    def __post_init__(self) -> None:
        self.world = corpora.World(np.random.default_rng(self.seed), self.shape)

    def load(self) -> str:
        """The initial corpus; the deploy's id."""
        for at in range(self.shape.chunks):
            source = corpora.SOURCES[at % len(corpora.SOURCES)]
            self.world.upsert(f"doc{at // 4}#{at % 4}", self.world.text(at % corpora.TOPICS), source)
        return self._deployed()

    def update(self) -> str:
        """Another text for the same chunk, and one chunk that comes and goes: the drift stays small."""
        self.world.upsert("doc0#0", self.world.text(0), "guide")
        if "extra#0" in self.world.live:
            self.world.delete("extra#0")
        else:
            self.world.upsert("extra#0", self.world.text(0), "guide")
        return self._deployed()

    def _deployed(self) -> str:
        self.world.deploy(self._deploys)
        self._deploys += 1
        made = self.world.made[self._told :]
        self._told += len(made)
        self._indexed(made)
        with self.events.open("ab") as file:
            file.write(corpora.written(made))
        return f"d{self._deploys - 1}"

    def _indexed(self, made: Sequence[CorpusEvent]) -> None:
        """What the pipeline of production does: the index first, then the announcement."""
        for event in made:
            if isinstance(event, Upsert):
                chunk = event.chunk
                assert chunk.vector is not None
                payload = {"chunk_id": chunk.chunk_id, "content_hash": chunk.content_hash}
                self.server.put(_point(chunk.chunk_id), chunk.vector, payload)
            elif isinstance(event, Delete):
                del self.server.points[_point(event.chunk_id)]


def _point(chunk_id: str) -> str:
    return str(uuid5(NAMESPACE_URL, chunk_id))
