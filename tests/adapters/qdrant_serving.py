"""A stub of a server and a retriever on it, and the misbehaviours that several tests use."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.server import ServerRetriever
from monitor.core.model.scoring import Distance
from monitor.ports import Replay
from tests.contracts.retrievers import anchor_set
from tests.qdrant_stub import Handler, Json, Misbehaviour, QdrantStub

D = 4
KEY = "a-secret-key"
QUERY, FETCH, INFO, SCROLL, COUNT = "/points/query/batch", "/points", "", "/points/scroll", "/points/count"


@contextmanager
def served(stub: QdrantStub, **settings: Any) -> Iterator[ServerRetriever]:
    fields: dict[str, Any] = {"chunk_id_field": "chunk_id", "api_key": KEY, "timeout": 2.0, "batch": 2} | settings
    retriever = ServerRetriever(
        ServerSettings(stub.start(), stub.collection, stub.dimension, stub.distance, **fields)
    )
    try:
        retriever.start()
        yield retriever
    finally:
        retriever.close()
        stub.stop()


def thirty() -> QdrantStub:
    """c0 to c29 at the points 0 to 29, cosine."""
    made = QdrantStub(Distance.COSINE, D)
    for at, vector in enumerate(np.random.default_rng(1).standard_normal((30, D), np.float32)):
        made.put(at, vector, {"chunk_id": f"c{at}", "number": at, "even": at % 2 == 0})
    return made


def ask(retriever: ServerRetriever, deadline: float = 60.0, k: int = 3) -> Replay:
    anchors = anchor_set(np.eye(D, dtype=np.float32), Distance.COSINE)
    return retriever.replay(anchors, np.arange(D), k=k, deadline=deadline)


def answers(change: Any) -> Misbehaviour:
    """Send what would have been sent, changed in place or replaced."""

    def send(handler: Handler, result: Json) -> None:
        changed = change(result)
        handler.reply(200, {"result": result if changed is None else changed, "status": "ok", "time": 0.0})

    return send


def status(code: int, message: str | bytes = "", headers: Mapping[str, str] | None = None) -> Misbehaviour:
    """An error of this status; bytes are sent as plain text."""
    return lambda handler, _: handler.fail(code, message, headers)


def hang(handler: Handler, _: Json) -> None:
    handler.stub.released.wait()
