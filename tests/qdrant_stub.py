"""A small HTTP server that speaks enough of Qdrant's REST protocol for qdrant-client, and misbehaves on demand.

Its rules are those of Qdrant 1.18's source: authentication before all else, in plain text (`src/actix/auth.rs`);
statuses and the form of errors, which carry `time` and `usage` (`src/actix/helpers.rs`); validation, 422
(`src/actix/mod.rs`); strict mode, 400 (`lib/collection/src/operations/verification`); points that are hidden from
reads, and the status of a collection (`lib/collection/src/shards/local_shard`). Scores are computed by brute force
from the vectors the stub was given, in float32 as a server does, or from float16 and uint8 ones as it stores them; it
has no other scores to give, except where `engine` computes them: hybrid and sparse queries are Qdrant's own. Equal
scores come in an arbitrary order, cosine vectors are normalised when stored, and the answer is cut at `limit` within
ties.
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

from monitor.core.model.scoring import Distance
from tests.qdrant_engine import EngineCollection

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
    """Set by `stop`: what hangs or drips waits on it."""
    status: str = "green"
    version: str = "1.18.0"
    datatype: str = ""
    """Of the stored vectors: float16, uint8, or float32 where it is not said."""
    api_key: str = ""
    """Expected of every request but that for the version; empty expects none."""
    other_keys: set[str] = field(default_factory=set)
    """Keys that exist and do not allow to read this collection."""
    strict: dict[str, Json] = field(default_factory=dict)
    """`strict_mode_config`; on where it is not empty."""
    indexed: set[str] = field(default_factory=set)
    """Payload fields with an index."""
    hidden: set[Point] = field(default_factory=set)
    """Points deferred until they are optimised: in no search, retrieval, scroll or count."""
    warnings: Sequence[str] = ()
    engine: EngineCollection | None = None
    """What answers queries that are no plain search for the nearest vectors: Qdrant's engine itself."""
    params: dict[str, Json] = field(default_factory=dict)
    """More parameters of the vector, such as `multivector_config`."""
    optimizer: dict[str, Json] = field(default_factory=dict)
    """More of the optimiser's configuration."""
    more: dict[str, Json] = field(default_factory=dict)
    """More parameters of the collection, such as `sparse_vectors`."""
    aliases: set[str] = field(default_factory=set)
    """Other names of the collection."""
    bare: set[Point] = field(default_factory=set)
    """Points that have no vector of the name, because only others of theirs are written yet."""

    def put(self, point: Point, vector: NDArray[np.float32], payload: Mapping[str, Json]) -> None:
        """Store a point as a server would."""
        self.points[point] = (self._rounded(self._normalised(vector)), dict(payload))

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
            ("GET", "/aliases"): lambda _: {
                "aliases": [{"alias_name": name, "collection_name": self.collection} for name in sorted(self.aliases)]
            },
            ("POST", "/points/count"): lambda asked: {"count": len(self._passing(asked.get("filter")))},
            ("POST", "/points/query/batch"): lambda batch: [{"points": self._search(q)} for q in batch["searches"]],
            ("POST", "/points/scroll"): self._scroll,
        }
        found = known.get((method, path))
        return None if found is None else found(body)

    def refused(self, method: str, path: str, headers: Mapping[str, str], body: Json) -> tuple[int, Json] | None:
        """Status and body (text, or what stands behind `status.error`) where a server does not do it."""
        given = headers.get("api-key", "")
        if self.api_key and given != self.api_key and given not in self.other_keys:
            missing = "Must provide an API key or an Authorization bearer token"
            return 401, ("Invalid API key or JWT" if given else missing).encode()
        if given in self.other_keys:
            return 403, f'Forbidden: Global access is required for collection "{self.collection}"'
        if path is None or not path.startswith(f"/collections/{self.collection}"):
            return 404, "Not found: Collection `other` doesn't exist!"
        for query in (body or {}).get("searches", [body]) if method == "POST" else []:
            if query.get("limit", 1) < 1:
                return 422, "Validation error in JSON body: [limit: value 0 invalid, must be 1 or larger]"
        said = self._strictly(path.removeprefix(f"/collections/{self.collection}"), body) if self.strict else ""
        return (400, f"Bad request: {said}") if said else None

    def _strictly(self, path: str, body: Json) -> str:
        """What strict mode has against a request, "" where nothing."""
        strict = self.strict
        if path == "/points/count" and body.get("exact") and strict.get("search_allow_exact") is False:
            return "Exact search disabled!. Help: Set exact=false."
        searches = body["searches"] if path == "/points/query/batch" else []
        if len(searches) > strict.get("search_max_batchsize", len(searches)):
            return f'Limit exceeded {len(searches)} > {strict["search_max_batchsize"]} for "search batch size"'
        queries = searches or ([body] if path == "/points/scroll" else [])
        return next((said for query in queries if (said := self._strictly_of(query))), "")

    def _strictly_of(self, query: Json) -> str:
        strict, params = self.strict, query.get("params") or {}
        limit = query.get("limit", 10)
        if limit > strict.get("max_query_limit", limit):
            return f'Limit exceeded {limit} > {strict["max_query_limit"]} for "limit"'
        for key, values in asked_fields(query.get("filter")):
            if strict.get("unindexed_filtering_retrieve") is False and key not in self.indexed:
                return f'Index required but not found for "{key}" of one of the following types: [keyword]'
            if values > strict.get("condition_max_size", values):
                return f"Condition size limit reached ({values} > {strict['condition_max_size']})"
        if params.get("exact") and strict.get("search_allow_exact") is False:
            return "Exact search disabled!. Help: Set exact=false."
        ef = params.get("hnsw_ef") or 0
        return (
            f'Limit exceeded {ef} > {strict["search_max_hnsw_ef"]} for "hnsw_ef"'
            if ef > strict.get("search_max_hnsw_ef", ef)
            else ""
        )

    @property
    def _seen(self) -> dict[Point, tuple[NDArray[np.float32], dict[str, Json]]]:
        return {point: held for point, held in self.points.items() if point not in self.hidden}

    def _passing(self, condition: Json) -> list[Point]:
        seen = self._seen.items()
        return [point for point, (_, payload) in seen if passes(condition, payload, bare=point in self.bare)]

    def _rounded(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """As stored: uint8 cuts off what is behind the point, and what is negative."""
        if self.datatype == "uint8":
            return np.floor(np.clip(vector, 0, 255)).astype(np.float32)
        kept: NDArray[np.float32] = (
            vector.astype(np.float16).astype(np.float32) if self.datatype == "float16" else vector
        )
        return kept

    def _normalised(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        length = np.sqrt(np.sum(vector * vector, dtype=np.float32))
        if self.distance is not Distance.COSINE or length == 0 or abs(length - 1) < 1e-6:
            return vector  # the engine, too, leaves unit vectors as they are
        made: NDArray[np.float32] = (vector / length).astype(np.float32)
        return made

    def _search(self, query: Json) -> list[Json]:
        if self.engine is not None and (query.get("prefetch") or not isinstance(query["query"].get("nearest"), list)):
            found = self.engine.query(query)
            return [of | {"version": 1} | self._shown(of["payload"], query.get("with_payload")) for of in found]
        wanted = self._rounded(self._normalised(np.array(query["query"]["nearest"], np.float32)))
        passing = [point for point in self._passing(query.get("filter")) if point not in self.bare]
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
        return [self._record(point, body) for point in body["ids"] if point in self._seen]

    def _scroll(self, body: Json) -> Json:
        passing, begin = self._passing(body.get("filter")), body.get("offset")
        passing = [p for p in sorted(passing, key=in_order) if begin is None or in_order(p) >= in_order(begin)]
        page, rest = passing[: body["limit"]], passing[body["limit"] :]
        return {"points": [self._record(p, body) for p in page], "next_page_offset": rest[0] if rest else None}

    def _record(self, point: Point, body: Json) -> Json:
        wanted = body.get("with_vector")
        if wanted is False:
            return {"id": point} | self._payload(point, body.get("with_payload"))
        vector: Json = self.points[point][0].tolist()
        assert wanted == ([self.vector_name] if self.vector_name else True), wanted
        named = {self.vector_name: vector} if self.vector_name else vector
        named = {} if point in self.bare else named
        return {"id": point, "vector": named} | self._payload(point, body.get("with_payload"))

    def _payload(self, point: Point, wanted: Json) -> Json:
        if not wanted:
            return {}
        return self._shown(self.points[point][1], wanted)

    @staticmethod
    def _shown(payload: Mapping[str, Json], wanted: Json) -> Json:
        if wanted is True:
            return {"payload": payload}
        roots = {path.split(".")[0] for path in wanted or ()} | set(wanted or ())
        return {"payload": {key: value for key, value in payload.items() if key in roots}}

    def _described(self) -> Json:
        distance = {"cosine": "Cosine", "dot": "Dot", "euclid": "Euclid"}[self.distance.value]
        vector = {"size": self.dimension, "distance": distance} | self.params
        if self.datatype:
            vector["datatype"] = self.datatype
        queue = {"length": 0} | ({"deferred_points": len(self.hidden)} if self.hidden else {})
        return {
            "status": self.status,
            "optimizer_status": "ok",
            **({"warnings": [{"message": said} for said in self.warnings]} if self.warnings else {}),
            "indexed_vectors_count": 0,
            "points_count": len(self.points),
            "segments_count": 1,
            "payload_schema": {name: {"data_type": "keyword", "points": 0} for name in sorted(self.indexed)},
            "update_queue": queue,
            "config": {
                "params": {"vectors": {self.vector_name: vector} if self.vector_name else vector} | self.more,
                **({"strict_mode_config": {"enabled": True} | self.strict} if self.strict else {}),
                "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
                "optimizer_config": {
                    "deleted_threshold": 0.2,
                    "vacuum_min_vector_number": 1000,
                    "default_segment_number": 0,
                    "flush_interval_sec": 5,
                }
                | self.optimizer,
            },
        }


def in_order(point: Point) -> tuple[bool, Point]:
    """Numbers before UUIDs, each in their own order."""
    return isinstance(point, str), point


def passes(condition: Json, payload: Mapping[str, Json], *, bare: bool = False) -> bool:
    """Whether a payload passes a filter: must, should, match value (types count), match any, has vector."""
    if condition is None:
        return True
    if "has_vector" in condition:
        return not bare
    if "key" in condition:
        value: Json = payload
        for quoted, plain in re.findall(r'"([^"]*)"|([^."]+)', condition["key"]):
            value = value.get(quoted or plain) if isinstance(value, Mapping) else None
        match = condition["match"]
        accepted = match["any"] if "any" in match else [match["value"]]
        return any(type(value) is type(one) and value == one for one in accepted)
    should: Sequence[Json] = condition.get("should") or []
    return all(passes(one, payload, bare=bare) for one in condition.get("must") or []) and (
        not should or any(passes(one, payload, bare=bare) for one in should)
    )


def asked_fields(condition: Json) -> list[tuple[str, int]]:
    """The payload fields of a filter, and how many values each is asked for (match any)."""
    if not condition:
        return []
    if "has_vector" in condition:
        return []
    if "key" in condition:
        return [(condition["key"], len(condition["match"].get("any", ())))]
    inner = [*(condition.get("must") or []), *(condition.get("should") or [])]
    return [found for one in inner for found in asked_fields(one)]


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
        refused = self.stub.refused(self.command, path, dict(self.headers), body)
        try:
            if inside in self.stub.misbehave:
                self.stub.misbehave[inside](self, result)
            elif (self.command, path) == ("GET", "/"):  # needs no key
                self.reply(200, {"title": "qdrant - vector search engine", "version": self.stub.version})
            elif refused is not None:
                self.fail(*refused)
            elif result is None:
                self.fail(404, f"Not found: {path}")
            else:
                self.reply(200, {"result": result, "status": "ok", "time": 0.0, "usage": {"hardware": None}})
        except OSError:
            self.close_connection = True  # the client went away, as some tests want

    def fail(self, status: int, error: Json, headers: Mapping[str, str] | None = None) -> None:
        """An error as a server says it: text where its authentication refuses, else with `time` and `usage`."""
        if isinstance(error, bytes):
            self.reply(status, error, {"Content-Type": "text/plain; charset=utf-8"} | dict(headers or {}))
        else:
            usage = {"hardware": None, "inference": None}
            self.reply(status, {"status": {"error": error}, "time": 0.0, "usage": usage}, headers)

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
