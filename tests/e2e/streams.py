"""A seeded corpus stream with malformed records in it, as one file and as the partitions of a topic."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.native_form import native
from monitor.core.model.events import CorpusEvent, Deploy
from tests import corpora

PARTITIONS = 6
KeyValue = tuple[bytes | None, bytes | None]

MALFORMED: tuple[tuple[bytes, bytes, str], ...] = (
    (b"bad#0", b"not json at all", "not_json"),
    (b"bad#1", b"[1, 2, 3]", "not_object"),
    (
        b"bad#2",
        b'{"op": "upsert", "chunk_id": "bad#2", "doc_id": "bad", "event_time": "2026-08-19T10:12:00Z"}',
        "missing_field",
    ),
    (b"bad#3", b'{"op": "vanish", "chunk_id": "bad#3"}', "unknown_op"),
    (
        b"bad#4",
        b'{"op": "upsert", "chunk_id": "bad#4", "doc_id": "bad", "text": "t", "vector": [1, 2], '
        b'"event_time": "2026-08-19T10:12:00Z"}',
        "wrong_dimension",
    ),
    (b"bad#5", b'{"op": "delete", "chunk_id": "bad#5", "event_time": "yesterday"}', "bad_time"),
    (
        b"bad#6",
        b'{"op": "delete", "chunk_id": "bad\\u0000", "event_time": "2026-08-19T10:12:00Z"}',
        "control_character",
    ),
    (b"bad#7", b'{"op": "heartbeat", "event_time": "\xff"}', "not_utf8"),
)
"""(key, value, reason) of records that are no events of this corpus."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What is written: an event, or the index of a malformed record; in order."""

    items: tuple[CorpusEvent | int, ...]

    def upto(self, deploy: str) -> "Stream":
        """Up to and with the marker of a deploy."""
        at = next(at for at, item in enumerate(self.items) if isinstance(item, Deploy) and item.deploy_id == deploy)
        return Stream(self.items[: at + 1])

    def behind(self, deploy: str) -> "Stream":
        """What comes after the marker of a deploy."""
        return Stream(self.items[len(self.upto(deploy).items) :])

    @property
    def deploys(self) -> list[str]:
        """Ids of the deploys, in order."""
        return [item.deploy_id for item in self.items if isinstance(item, Deploy)]

    @property
    def events(self) -> int:
        """How many are events."""
        return sum(not isinstance(item, int) for item in self.items)

    @property
    def reasons(self) -> list[str]:
        """Why the malformed ones are refused, sorted."""
        return sorted(MALFORMED[item][2] for item in self.items if isinstance(item, int))

    def lines(self) -> bytes:
        """As JSON Lines."""
        values = (MALFORMED[item][1] if isinstance(item, int) else native(item)[1] for item in self.items)
        return b"".join(value + b"\n" for value in values)

    def partitioned(self) -> list[list[KeyValue]]:
        """As records of six partitions: by key, but every partition gets its copy of a deploy marker."""
        made: list[list[KeyValue]] = [[] for _ in range(PARTITIONS)]
        for item in self.items:
            key, value = MALFORMED[item][:2] if isinstance(item, int) else native(item)
            places: Iterable[int] = range(PARTITIONS) if isinstance(item, Deploy) else [crc32(key) % PARTITIONS]
            for place in places:
                made[place].append((key, value))
        return made


def stream(seed: int, shape: corpora.Shape, *, malformed_every: int = 97) -> Stream:
    """The events of `tests.corpora` with a malformed record after each `malformed_every` events."""

    def mixed() -> Iterator[CorpusEvent | int]:
        bad = 0
        for at, event in enumerate(corpora.events(seed, shape), start=1):
            yield event
            if at % malformed_every == 0 and not isinstance(event, Deploy):
                yield bad % len(MALFORMED)
                bad += 1

    return Stream(tuple(mixed()))


def configured(folder: Path, origin: str, *, seed: int, shape: corpora.Shape, **sections: str) -> Path:
    """A configuration with its anchors in a folder of its own; returns the file's path.

    Args:
        folder: created.
        origin: the lines of the source, with their table's name.
        seed: of the anchors.
        shape: of the corpus.
        sections: more lines by section, such as dense='engine = "none"'.
    """
    folder.mkdir(parents=True)
    write_anchors(folder / "anchors.jsonl", corpora.anchors(seed, shape))
    given: Mapping[str, str] = {
        "corpus": f'name = "shop"\ndimension = {corpora.DIMENSION}\nembedding_version = "{corpora.VERSION}"',
        "segments": 'dimensions = ["source", "language"]\nmin_anchors = 20',
        "anchors": 'path = "anchors.jsonl"',
        "baseline": 'bootstrap = "first-deploy"',
        "http": "port = 0",
        "state": 'path = "state.db"',
    } | sections
    path = folder / "corpus-drift.toml"
    parts = [f"[{name}]\n{lines}\n" for name, lines in given.items()]
    path.write_text("".join([*parts, origin]), encoding="utf-8")
    return path


def kafka_source(bootstrap: str, topic: str, extra: str = "") -> str:
    """The source of a configuration: one topic."""
    return f'[source.kafka]\nbootstrap_servers = ["{bootstrap}"]\ntopics = ["{topic}"]\n{extra}\n'
