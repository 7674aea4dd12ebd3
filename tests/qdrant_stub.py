"""A small HTTP server that speaks enough of Qdrant's REST protocol for qdrant-client, and misbehaves on demand.

No real Qdrant server was run against in this repository's tests: what is known of the protocol here comes from
qdrant-client's own models and from the engine in process (qdrant-edge-py). Scores are computed by brute force from
the vectors the stub was given, in float32 as a server does; it has no other scores to give. Equal scores come in an
arbitrary order, cosine vectors are normalised when stored, and the answer is cut at `limit` within ties.
"""

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from monitor.core.scoring import Distance

Point = int | str
Json = Any
Misbehaviour = Callable[["Handler", Json], None]
"""Sends the answer (or not) in place of the stub, given what it would have answered."""


@dataclass
class Sent:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Json


@dataclass
class QdrantStub:
    """A collection of points, served on a free port of 127.0.0.1 between `start` and `stop`."""

    distance: Distance
    dimension: int
    vector_name: str = ""
    collection: str = "chunks"
    points: dict[Point, tuple[NDArray[np.float32], dict[str, Json]]] = field(default_factory=dict)
    misbehave: dict[str, Misbehaviour] = field(default_factory=dict)
    """By the path behind the collection, such as `/points/query/batch`."""
    sent: list[Sent] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    status: str = "green"
    """Set by `stop`: what hangs or drips waits on it."""

    def put(self, point: Point, vector: NDArray[np.float32], payload: Mapping[str, Json]) -> None:
        """Store a point as a server would."""
        self.points[point] = (self._normalised(vector), dict(payload))

    def start(self) -> str:
        """Serve; returns the URL."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.stub = self  # type: ignore[attr-defined] # the handler's way back
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Let go of all that hangs, and end."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, body: Json) -> Json:
        """The `result` of a request, or None for a path that is not known."""
        known: dict[tuple[str, str], Callable[[Json], Json]] = {
            ("GET", ""): lambda _: self._described(),
            ("POST", "/points"): self._retrieve,
            ("POST", "/points/count"): lambda _: {"count": len(self.points)},
            ("POST", "/points/query/batch"): lambda batch: [{"points": self._search(q)} for q in batch["searches"]],
            ("POST", "/points/scroll"): self._scroll,
        }
        found = known.get((method, path))
        return None if found is None else found(body)

    def _normalised(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        length = np.sqrt(np.sum(vector * vector, dtype=np.float32))
        if self.distance is not Distance.COSINE or length == 0 or abs(length - 1) < 1e-6:
            return vector  # the engine, too, leaves unit vectors as they are
        made: NDArray[np.float32] = (vector / length).astype(np.float32)
        return made

    def _search(self, query: Json) -> list[Json]:
        wanted = self._normalised(np.array(query["query"]["nearest"], np.float32))
        passing = [p for p, (_, payload) in self.points.items() if passes(query.get("filter"), payload)]
        if not passing:
            return []
        held = np.stack([self.points[point][0] for point in passing])
        if self.distance is Distance.EUCLID:
            scores = np.sqrt(((held - wanted) ** 2).sum(axis=1, dtype=np.float32))
        else:
            scores = -(held @ wanted)
        shuffle = np.random.default_rng(len(passing)).permutation(len(passing))
        order = shuffle[np.argsort(scores[shuffle], kind="stable")][: query["limit"]]
        sign = 1 if self.distance is Distance.EUCLID else -1
        return [
            {"id": passing[at], "version": 1, "score": float(sign * scores[at])}
            | self._payload(passing[at], query.get("with_payload"))
            for at in order.tolist()
        ]

    def _retrieve(self, body: Json) -> list[Json]:
        return [self._record(point, body) for point in body["ids"] if point in self.points]

    def _scroll(self, body: Json) -> Json:
        passing = [p for p, (_, payload) in self.points.items() if passes(body.get("filter"), payload)]
        passing = [p for p in sorted(passing, key=str) if body.get("offset") is None or str(p) >= str(body["offset"])]
        page, rest = passing[: body["limit"]], passing[body["limit"] :]
        return {"points": [self._record(p, body) for p in page], "next_page_offset": rest[0] if rest else None}

    def _record(self, point: Point, body: Json) -> Json:
        wanted = body.get("with_vector")
        if wanted is False:
            return {"id": point} | self._payload(point, body.get("with_payload"))
        vector: Json = self.points[point][0].tolist()
        assert wanted == ([self.vector_name] if self.vector_name else True), wanted
        named = {self.vector_name: vector} if self.vector_name else vector
        return {"id": point, "vector": named} | self._payload(point, body.get("with_payload"))

    def _payload(self, point: Point, wanted: Json) -> Json:
        if not wanted:
            return {}
        payload = self.points[point][1]
        roots = {path.split(".")[0] for path in wanted} | set(wanted)
        return {"payload": {key: value for key, value in payload.items() if key in roots}}

    def _described(self) -> Json:
        distance = {"cosine": "Cosine", "dot": "Dot", "euclid": "Euclid"}[self.distance.value]
        vector = {"size": self.dimension, "distance": distance}
        return {
            "status": self.status,
            "optimizer_status": "ok",
            "indexed_vectors_count": 0,
            "points_count": len(self.points),
            "segments_count": 1,
            "payload_schema": {},
            "config": {
                "params": {"vectors": {self.vector_name: vector} if self.vector_name else vector},
                "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
                "optimizer_config": {
                    "deleted_threshold": 0.2,
                    "vacuum_min_vector_number": 1000,
                    "default_segment_number": 0,
                    "flush_interval_sec": 5,
                },
            },
        }


def passes(condition: Json, payload: Mapping[str, Json]) -> bool:
    """Whether a payload passes a filter: must, should, match value (types count), match any."""
    if condition is None:
        return True
    if "key" in condition:
        value: Json = payload
        for quoted, plain in re.findall(r'"([^"]*)"|([^."]+)', condition["key"]):
            value = value.get(quoted or plain) if isinstance(value, Mapping) else None
        match = condition["match"]
        accepted = match["any"] if "any" in match else [match["value"]]
        return any(type(value) is type(one) and value == one for one in accepted)
    should: Sequence[Json] = condition.get("should") or []
    return all(passes(one, payload) for one in condition.get("must") or []) and (
        not should or any(passes(one, payload) for one in should)
    )


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    @property
    def stub(self) -> QdrantStub:
        found: QdrantStub = self.server.stub  # type: ignore[attr-defined] # put there by `start`
        return found

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        path, root = urlsplit(self.path).path, f"/collections/{self.stub.collection}"
        self.stub.sent.append(Sent(self.command, path, dict(self.headers), body))
        inside = path.removeprefix(root)
        result = self.stub.answer(self.command, inside, body) if path.startswith(root) else None
        try:
            if inside in self.stub.misbehave:
                self.stub.misbehave[inside](self, result)
            elif result is None:
                self.reply(404, {"status": {"error": f"Not found: {path}"}})
            else:
                self.reply(200, {"result": result, "status": "ok", "time": 0.0})
        except OSError:
            self.close_connection = True  # the client went away, as some tests want

    def reply(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer; bytes are sent as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def reset(self) -> None:
        """Break the connection the hard way (RST)."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
