"""Streams for the source contract: each case opens the same records again and again, in a new source every time."""

import gzip
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.sources.git.history import HistorySelection
from monitor.adapters.sources.git.source import GitHistorySource
from monitor.adapters.sources.jsonl.source import JsonLinesSource
from monitor.adapters.sources.qdrant.kind import TOPIC, QdrantSection
from monitor.adapters.sources.qdrant.source import QdrantSource, ScanPace
from monitor.app.embedding import Embedder
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import Located, Partition, Record
from monitor.core.model.scoring import Distance
from monitor.kinds import FieldPathsSection, PointsContext, SourceContext
from monitor.ports import Source
from tests.contracts.toys import TOY_SOURCE, WITH_TOYS, every_case
from tests.qdrant_stub import QdrantStub

LINES = [b'{"n": %d, "text": "\xc3\xa9t\xc3\xa9 %d"}' % (n, n) for n in range(40)]
DEADLINE = 60.0
Content = list[tuple[bytes | None, bytes | None]]


@dataclass(frozen=True)
class Case:
    """One implementation over one stream.

    Args:
        open: gives a source that was not started, over the same records each time.
        expected: (key, value) of every record, by partition, where the stream was written by the test itself.
        bounded: whether the stream has an end that the source can know.
        count: records of a stream without an end, where they are not written down in `expected`.
    """

    name: str
    open: Callable[[], AbstractContextManager[Source]]
    expected: Mapping[Partition, Content] | None
    bounded: bool = True
    count: int | None = None


def file_case(folder: Path, _resources: ExitStack) -> Case:
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(LINES))  # the last line has no newline
    return _case("file", lambda: JsonLinesSource(path))


def followed_case(folder: Path, _resources: ExitStack) -> Case:
    path = folder / "growing.jsonl"
    path.write_bytes(b"\n".join(LINES) + b"\n")
    return _case("file, followed", lambda: JsonLinesSource(path, follow=True), bounded=False)


def gzip_case(folder: Path, _resources: ExitStack) -> Case:
    path = folder / "events.jsonl.gz"
    half = len(LINES) // 2
    members = (b"\r\n".join(part) + b"\r\n" for part in (LINES[:half], LINES[half:]))
    path.write_bytes(b"".join(map(gzip.compress, members)))
    return _case("gzip file", lambda: JsonLinesSource(path))


def pipe_case(_folder: Path, _resources: ExitStack) -> Case:
    @contextmanager
    def opened() -> Iterator[Source]:
        reading, writing = os.pipe()
        source = JsonLinesSource(f"/dev/fd/{reading}")
        writer = threading.Thread(target=_write_in_pieces, args=(writing, b"\n".join(LINES) + b"\n"))
        writer.start()
        try:
            yield source
        finally:
            source.close()
            os.close(reading)
            writer.join(DEADLINE)

    return Case("pipe", opened, _one_partition("file"))


def git_case(folder: Path, _resources: ExitStack) -> Case:
    repository = folder / "handbook"
    build_repository(repository)
    return Case("git", _closing(lambda: GitHistorySource(repository, HistorySelection(deploys="daily"))), None)


def kafka_case(_folder: Path, resources: ExitStack) -> Case:
    """Three partitions on a TCP broker, one of them with a tombstone; the sources read one topic."""
    mock = pytest.importorskip("tests.kafka_mock", reason="the Kafka source is not there")
    parts: list[Content] = [[(b"k%d" % n, LINES[n]) for n in range(at, len(LINES), 3)] for at in range(3)]
    parts[1][4] = (b"gone", None)
    cluster = resources.enter_context(mock.mock_cluster(partitions=len(parts)))
    topic = cluster.fresh()
    for at, records in enumerate(parts):
        cluster.produce(topic, at, records)
    expected = {Partition(topic, at): records for at, records in enumerate(parts)}
    opened = _closing(lambda: mock.KafkaSource(mock.settings_for(cluster, topic)))
    return Case("kafka", opened, expected, bounded=False)


def toy_case(folder: Path, _resources: ExitStack) -> Case:
    """Built as the wiring builds it: of its section."""
    (folder / "events.jsonl").write_bytes(b"\n".join(LINES) + b"\n")
    kind = TOY_SOURCE
    context = SourceContext(lambda path: folder / path, 1 << 20)
    opened = _closing(lambda: kind.build(kind.section(path="events.jsonl"), context))
    return Case("toy", opened, _one_partition("toy"))


def qdrant_case(_folder: Path, resources: ExitStack) -> Case:
    """Forty points and the deploy marker; each start finds the table as it was committed at its positions."""
    stub = QdrantStub(Distance.COSINE, 4)
    for at, vector in enumerate(np.random.default_rng(1).standard_normal((40, 4), np.float32)):
        stub.put(at, vector, {"text": f"text {at}", "doc_id": f"doc{at % 7}"})
    url = stub.start()
    resources.callback(stub.stop)
    return Case("qdrant", _closing(lambda: Committed(url)), None, bounded=False, count=41)


class Committed(QdrantSource):
    """What is before the positions of a start is in the table and in the bookmark, as the loop leaves it."""

    def __init__(self, url: str) -> None:
        self._url, self._table = url, Corpus(4)
        settings = ServerSettings(url, "chunks", 4, Distance.COSINE, section="source.qdrant")
        section = QdrantSection(url=url, collection="chunks")
        reader = decoder("auto", FormOptions(paths=FieldPaths(), embedding_version="v1"), EventLimits(dimension=4))
        points = PointsContext(section, FieldPathsSection(), reader, self._table, Distance.COSINE, False)
        super().__init__(settings, points, ScanPace(9, 3_600.0, 0.5), topic=TOPIC, wall=lambda: 1_780_000_000.0)
        self._embedder, self._reads = Embedder(4, Distance.COSINE), reader

    def start(self, positions: Mapping[Partition, int]) -> None:
        before = positions.get(self.partition, 0)
        if before:
            with closing(Committed(self._url)) as whole:
                whole.start({})
                self._apply(drain(whole, Case("whole", lambda: nullcontext(whole), None), before))
                self.reopen(whole.bookmark({self.partition: before}))
        super().start(positions)

    def _apply(self, records: Sequence[Record]) -> None:
        events = [Located(record.position, event) for record in records if (event := self._reads.decode(record))]
        self._table.apply(self._embedder.embed(events)[0])


Write = Callable[[Path, ExitStack], Case]
STREAMS: Mapping[str, Mapping[str, Write]] = {
    "file": {"file": file_case, "followed": followed_case, "gzip": gzip_case, "pipe": pipe_case},
    "git": {"git": git_case},
    "kafka": {"kafka": kafka_case},
    "qdrant": {"qdrant": qdrant_case},
    "toy": {"toy": toy_case},
}
"""By registered kind, the streams over which its contract is run."""
CASES = every_case(WITH_TOYS.sources, STREAMS, "STREAMS of tests/contracts/sources.py")


def _case(name: str, make: Callable[[], Source], *, bounded: bool = True) -> Case:
    return Case(name, _closing(make), _one_partition("file"), bounded)


def _one_partition(topic: str) -> dict[Partition, Content]:
    return {Partition(topic, 0): [(None, line) for line in LINES]}


def _closing(make: Callable[[], Source]) -> Callable[[], AbstractContextManager[Source]]:
    @contextmanager
    def opened() -> Iterator[Source]:
        source = make()
        try:
            yield source
        finally:
            source.close()

    return opened


def _write_in_pieces(descriptor: int, content: bytes) -> None:
    """Writes as a slow producer does: pieces that end in the middle of lines."""
    try:
        for at in range(0, len(content), 97):
            os.write(descriptor, content[at : at + 97])
    except BrokenPipeError:
        return  # the test closed the source before the end of the stream
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- reading


def drain(source: Source, case: Case, count: int | None = None, step: int = 7) -> list[Record]:
    """Polls until the end of a bounded stream, or until `count` records are there; fails at the deadline."""
    limit = time.monotonic() + DEADLINE
    records: list[Record] = []
    while count is None or len(records) < count:
        assert time.monotonic() < limit, f"{case.name}: {len(records)} records after {DEADLINE} s, {count} expected"
        polled = source.poll(step if count is None else min(step, count - len(records)), 0.2)
        assert not polled.faults
        records += polled.records
        if polled.exhausted:
            break
    return records


def by_partition(records: Sequence[Record]) -> dict[Partition, list[Record]]:
    parts: dict[Partition, list[Record]] = {}
    for record in records:
        parts.setdefault(record.position.source, []).append(record)
    return parts


# ---------------------------------------------------------------- a repository


def git(repository: Path, *arguments: str, day: int = 1, stdin: bytes | None = None) -> bytes:
    """Runs git as a fixed author at noon of a day in January 2024 (days over 31 go on)."""
    stamp = f"{1_704_110_400 + 86_400 * (day - 1)} +0000"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        **{f"GIT_{who}_DATE": stamp for who in ("AUTHOR", "COMMITTER")},
    }
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, check=True).stdout


def commit(repository: Path, pages: Mapping[str, str | bytes | None], *, day: int, message: str = "change") -> None:
    """Writes and removes pages, and commits everything."""
    for name, text in pages.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    git(repository, "add", "-A")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", message, day=day)


def build_repository(repository: Path) -> None:
    """Six days of a small handbook: pages written, edited, moved and removed."""
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=main")
    pages = {f"docs/page{n}.md": f"# Page {n}\n\nintro {n}\n\n## Use\n\nuse {n}\n" for n in range(6)}
    commit(repository, pages, day=1)
    commit(repository, {"docs/page0.md": "# Page 0\n\nnew intro\n\n## Use\n\nuse 0\n"}, day=2)
    commit(repository, {"docs/page1.md": None, "docs/de/page1.md": pages["docs/page1.md"]}, day=3)
    commit(repository, {"guide.rst": "Guide\n=====\n\ntext\n\nMore\n----\n\nmore\n"}, day=4)
    commit(repository, {"docs/page2.md": None}, day=6)
