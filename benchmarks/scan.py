"""Looking through a Qdrant collection: the whole run, or the scan alone, against a server of rendered bytes.

The server is a process of its own that speaks the three reads a scan is made of; its vectors repeat after 4,000. A
first look fills the table, a second finds nothing changed. `--alone` leaves out engine and state.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.sources.qdrant.kind import QdrantSection
from monitor.adapters.sources.qdrant.source import QdrantSource, ScanPace
from monitor.app.configuration import load
from monitor.app.embedding import Embedder
from monitor.app.wiring import open_monitor
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import Located
from monitor.core.model.scoring import Distance
from monitor.kinds import FieldPathsSection, PointsContext

POOL = 4_000
WORDS = [f"word{at:04d}" for at in range(5_000)]


def serve(points: int, dimension: int, pipe: Connection) -> None:
    """Answer reads of a collection of so many points, for ever."""
    rng = np.random.default_rng(1)
    numbers = rng.standard_normal((POOL, dimension)).astype(np.float32)
    vectors = [",".join(f"{one:.8f}" for one in row).encode() for row in numbers]
    texts = [" ".join(WORDS[at] for at in rng.zipf(1.3, 80) % len(WORDS)).encode() for _ in range(POOL)]

    def rendered(at: int, wanted: object) -> bytes:
        if not wanted:
            return b'{"id":%d}' % at
        form = b'{"id":%d,"payload":{"text":"%s %d","doc_id":"doc%d"},"vector":[%s]}'
        return form % (at, texts[at % POOL], at, at // 8, vectors[at % POOL])

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

        def do_GET(self) -> None:
            params = {"vectors": {"size": dimension, "distance": "Cosine"}}
            info = {"status": "green", "points_count": points, "config": {"params": params}}
            self._send(json.dumps({"result": info}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "ids" in body:
                there = (b'{"id":%d}' % at for at in body["ids"] if at < points)
                return self._send(b'{"result":[%s]}' % b",".join(there))
            first = body.get("offset") or 0
            last = min(points, first + body["limit"])
            page = b",".join(rendered(at, body["with_vector"]) for at in range(first, last))
            following = b"null" if last == points else b"%d" % last
            return self._send(b'{"result":{"points":[%s],"next_page_offset":%s}}' % (page, following))

        def _send(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    pipe.send(server.server_address[1])
    server.serve_forever()


def alone(url: str, points: int, dimension: int) -> None:
    """The scan and the chunk table, without engine, index and state."""
    table = Corpus(dimension)
    reads = decoder("auto", FormOptions(embedding_version="v"), EventLimits(dimension=dimension))
    context = PointsContext(QdrantSection(url=url), FieldPathsSection(), reads, table, Distance.COSINE, False)
    embedder = Embedder(dimension, Distance.COSINE)
    for what in ("first look", "look without a change"):
        settings = ServerSettings(url, "docs", dimension, Distance.COSINE, timeout=60.0)
        source = QdrantSource(settings, context, ScanPace(500, 3_600.0, 0.5), topic="__qdrant__")
        begun = time.perf_counter(), time.process_time()
        source.start({})
        while not source.looks:
            records = source.poll(1_024, 1.0).records
            events = [Located(one.position, event) for one in records if (event := reads.decode(one))]
            table.apply(embedder.embed(events)[0])
        source.close()
        _say(what, points, begun)


def whole(url: str, points: int, dimension: int, anchors: int) -> None:
    """As `corpus-drift run --until-end` does it: both legs, near copies, state and a report."""
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "anchors.jsonl").open("w", encoding="utf-8") as file:
            for at in range(anchors):
                text = " ".join(WORDS[word] for word in rng.zipf(1.3, 6) % len(WORDS))
                anchor = {"id": f"q{at}", "text": text, "vector": rng.standard_normal(dimension).tolist()}
                file.write(json.dumps(anchor) + "\n")
        (folder / "c.toml").write_text(
            f'[corpus]\ndimension = {dimension}\nembedding_version = "v"\n[anchors]\npath = "anchors.jsonl"\n'
            f'[source.qdrant]\nurl = "{url}"\ncollection = "docs"\n'
            "[measure]\naudit_chunks = 0\n[http]\nenabled = false\n"
        )
        for what in ("first look", "look without a change"):
            with open_monitor(load(folder / "c.toml", {})) as monitor:
                begun = time.perf_counter(), time.process_time()
                monitor.run(until_end=True)
                _say(what, points, begun)


def _say(what: str, points: int, begun: tuple[float, float]) -> None:
    wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    each = 1e6 * cpu / points
    cost = f"{wall:.1f} s, {cpu:.1f} s of a core ({each:.0f} us each), peak {peak:,} MB"
    print(f"{what}: {points:,} points: {cost}", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--anchors", type=int, default=500)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args(argv)
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(options.points, options.dimension, theirs), daemon=True
    )
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    try:
        if options.alone:
            alone(url, options.points, options.dimension)
        else:
            whole(url, options.points, options.dimension, options.anchors)
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
