"""What the stream says: corpus events, the chunks they carry and where in the stream they stood."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.core.model.value_class import value_class
from monitor.errors import InputError

Segment = tuple[tuple[str, str], ...]
"""Segment attributes as (name, value) pairs, sorted by name: hashable and canonical."""


BOOTSTRAP = "__bootstrap__"
"""Topic, or first part of it, of what the table was filled with before a stream was read, by a scan or from files: it
yields to every event of the stream."""
BOOTSTRAP_DEPLOY = "bootstrap"
"""The deploy that ends when the stream has caught up with that."""
Version = int | tuple[int, ...]
"""What orders the events of one chunk: a number, or several that count one after the other (MySQL: binlog file,
position). Numbers may be larger than 64 bits; versions compare only within one mode, see `version_mode`."""


def version_mode(version: Version | None) -> int:
    """How many numbers a version has, so that versions of two modes are never compared; 0 for none, -1 for a number.

    >>> version_mode(None), version_mode(41), version_mode((3, 120))
    (0, -1, 2)
    """
    if version is None:
        return 0
    return len(version) if isinstance(version, tuple) else -1


class Partition(NamedTuple):
    """One ordered part of the stream: a Kafka partition, a file, a git history."""

    topic: str
    partition: int

    @property
    def name(self) -> str:
        """As reports and messages have it.

        >>> Partition("corpus/changes", 2).name
        'corpus/changes/2'
        """
        return f"{self.topic}/{self.partition}"

    @classmethod
    def of(cls, name: str) -> "Partition":
        """The inverse of `name`.

        >>> Partition.of("corpus/changes/2")
        Partition(topic='corpus/changes', partition=2)
        """
        topic, _, partition = name.rpartition("/")
        return cls(topic, int(partition))


class Position(NamedTuple):
    """Where a record stands; orders records only within one partition."""

    topic: str
    partition: int
    offset: int

    @property
    def source(self) -> Partition:
        """The partition this position lies in."""
        return Partition(self.topic, self.partition)


def bootstrapped(partition: Partition) -> Partition:
    """Where chunks that files say are in a partition of the stream stand: before all of its records.

    >>> bootstrapped(Partition("events", 2)).name
    '__bootstrap__/events/2'
    """
    return Partition(f"{BOOTSTRAP}/{partition.topic}", partition.partition)


def streamed(topic: str) -> str:
    """The topic of the stream that a topic belongs to: itself, where no bootstrap filled it.

    >>> streamed("__bootstrap__/events"), streamed("events")
    ('events', 'events')
    """
    return topic.removeprefix(f"{BOOTSTRAP}/")


def of_bootstrap(topic: str) -> bool:
    """Whether a bootstrap wrote what stands there, be it a scan or files.

    >>> [of_bootstrap(topic) for topic in ("__bootstrap__", "__bootstrap__/events", "events")]
    [True, True, False]
    """
    return topic == BOOTSTRAP or topic.startswith(f"{BOOTSTRAP}/")


def of_stream(positions: Mapping[Partition, int]) -> dict[Partition, int]:
    """Positions without those of files: what a source is told, which knows of none."""
    return {part: at for part, at in positions.items() if not part.topic.startswith(f"{BOOTSTRAP}/")}


TIMESTAMP_HEADER = "corpus-drift-timestamp-us"
"""Header that a source appends, as the last one, with the record's own time stamp (ASCII decimal microseconds)."""


@value_class()
class Record:
    """One record as the source delivered it: bytes that nobody has trusted yet."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@value_class(eq=False)
class Chunk:
    """The unit of retrieval as an event carried it.

    `ordinal` is the chunk's place in its document. `vector` is float32 of the declared dimension, or None when
    the event had none (it is then read from the index or encoded before it is applied). `event_time` is in
    microseconds since the Unix epoch, UTC.
    """

    chunk_id: str
    doc_id: str
    ordinal: int
    text: str
    vector: NDArray[np.float32] | None
    embedding_version: str
    segment: Segment
    event_time: int
    content_hash: str
    vectors: Mapping[str, NDArray[np.float32]] | None = None
    """By embedding version, as they came: what the event carried for versions besides its own. An empty one is of a
    version that nobody watches."""

    @classmethod
    def of(
        cls,
        chunk_id: str,
        text: str,
        vector: ArrayLike | None = None,
        *,
        doc_id: str = "",
        ordinal: int = 0,
        segment: Mapping[str, str] | None = None,
        embedding_version: str = "",
        event_time: int = 0,
    ) -> "Chunk":
        """A chunk by hand, as a notebook has it.

        Args:
            chunk_id: its id, distinct in the corpus.
            text: what it says; its content hash is worked out.
            vector: (d,) numbers of the corpus's dimension, None without a dense leg.
            doc_id: the document it belongs to; itself where none is named.
            ordinal: its place in the document, from 0.
            segment: attributes by name, such as `{"source": "docs", "language": "de"}`.
            embedding_version: of the encoder that made the vector.
            event_time: microseconds since the Unix epoch, UTC.

        Raises:
            InputError: no id, no text, or a vector that is not one row of numbers.

        >>> Chunk.of("auth#1", "Rotate the key.", [0.6, 0.8], segment={"source": "docs"}).segment
        (('source', 'docs'),)
        """
        text_of(chunk_id, "chunk id", empty=False)
        text_of(text, f"chunk {chunk_id!r}: text")
        given = None if vector is None else vector_of(vector, f"chunk {chunk_id!r}")
        named = segment_of(segment)
        hashed = text_hash(text)
        return cls(chunk_id, doc_id or chunk_id, ordinal, text, given, embedding_version, named, event_time, hashed)


@value_class()
class Upsert:
    """The chunk is now this. `undated`: the event carried no time, and the chunk's is when it was read."""

    chunk: Chunk
    version: Version | None = None
    undated: bool = False


@value_class()
class Delete:
    """The chunk is gone. `event_time` is None where a tombstone carried no time stamp at all.

    `undated`: the event carried no time, and `event_time` is when it was read.
    """

    chunk_id: str
    event_time: int | None = None
    version: Version | None = None
    undated: bool = False


MigrationStep = Literal["begin", "backfilled", "cutover", "rollback", "end"]
"""What a marker says that a migration did."""


@dataclass(frozen=True, slots=True)
class MigrationMarker:
    """A marker: the migration took this step. A barrier like a deploy's, with one copy per partition or `upto`.

    `old` and `new` are the embedding versions it leads from and to.
    """

    migration_id: str
    step: MigrationStep
    old: str
    new: str
    event_time: int
    upto: Mapping[Partition, int]

    @property
    def barrier(self) -> "Deploy":
        """The barrier that it is."""
        return Deploy(f"migration {self.migration_id} {self.step}", self.event_time, self.upto, step=self)


@dataclass(frozen=True, slots=True)
class Deploy:
    """A marker: this corpus update is complete.

    `upto` maps a partition to its next offset for producers that send one marker only; empty means one copy per
    partition. `expected` names the segment values the deploy is allowed to change (empty: no statement). `step` is
    what it stands for where it is a barrier for a migration: nothing is judged at it.
    """

    deploy_id: str
    event_time: int
    upto: Mapping[Partition, int]
    expected: Segment = ()
    step: MigrationMarker | None = None


@value_class(eq=False)
class Embed:
    """A vector of another embedding version was written to its index, made from the content with this hash.

    `event_time` is when it was written; the vector is as it came.
    """

    chunk_id: str
    content_hash: str
    embedding_version: str
    vector: NDArray[np.float32]
    event_time: int


@value_class()
class Heartbeat:
    """Nothing changed until this event time."""

    event_time: int


CorpusEvent = Upsert | Delete | Deploy | Heartbeat | Embed | MigrationMarker


MARKERS = (MigrationMarker, Deploy)
"""Events at which a partition holds."""


class Located(NamedTuple):
    """An event and where it stood."""

    position: Position
    event: CorpusEvent


located_at: Callable[[tuple[Position, CorpusEvent]], Located] = partial(tuple.__new__, Located)
"""`Located` of a pair, for what each event of a batch needs: `Located(...)` itself is a call in Python."""


class MalformedEvent(ValueError):  # noqa: N818 - the word of the trade: the event is malformed
    """An event that cannot be believed.

    `reason` is one of a bounded set of lower-case words joined by underscores (it becomes a metric label);
    `detail` is one line for people: what, where, value, expected. It never holds control characters.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


Decoded = CorpusEvent | MalformedEvent | None
"""What became of a record: its event, why there is none, or None where it is none of our business."""


def segment_of(attributes: Mapping[str, str] | None) -> Segment:
    """Attributes as they are kept.

    >>> segment_of({"source": "docs", "language": "de"})
    (('language', 'de'), ('source', 'docs'))
    """
    return tuple(sorted((attributes or {}).items()))


def text_of(given: object, whose: str, *, empty: bool = True) -> str:
    """The text itself; InputError naming `whose` where it is none, or empty and must not be."""
    if not isinstance(given, str) or not (given or empty):
        message = f"{whose}: {given!r:.80}; expected text{'' if empty else ' that is not empty'}"
        raise InputError(message)
    return given


def vector_of(numbers: ArrayLike, whose: str) -> NDArray[np.float32]:
    """(d,) float32 of whatever holds d numbers; InputError naming `whose` where it does not."""
    try:
        made = np.asarray(numbers, np.float32)
    except (TypeError, ValueError) as error:
        message = f"{whose}: a vector of {type(numbers).__name__}; expected numbers"
        raise InputError(message) from error
    if made.ndim != 1:
        message = f"{whose}: a vector of shape {made.shape}; expected one row of numbers"
        raise InputError(message)
    return made


_KEYS = blake2b(digest_size=8)


def chunk_key(chunk_id: str) -> int:
    """A chunk id as a non-negative 63-bit integer (BLAKE2b), so that lists of ids are integer arrays.

    Two live chunks with one key have a probability of about n^2 / 2^64; the corpus refuses the second.

    >>> chunk_key("guide/auth.md#tokens") == chunk_key("guide/auth.md#tokens")
    True
    """
    hashed = _KEYS.copy()  # two thirds of what it costs to set up another one
    hashed.update(chunk_id.encode())
    return int.from_bytes(hashed.digest(), "big") >> 1


def chunk_keys(chunk_ids: Sequence[str]) -> NDArray[np.int64]:
    """`chunk_key` of each of n ids, (n,) int64, in half the time.

    >>> chunk_keys(["a", "b"]).tolist() == [chunk_key("a"), chunk_key("b")]
    True
    """
    digests = []
    for chunk_id in chunk_ids:
        hashed = _KEYS.copy()
        hashed.update(chunk_id.encode())
        digests.append(hashed.digest())
    return (np.frombuffer(b"".join(digests), ">u8") >> np.uint64(1)).astype(np.int64)


def text_hash(text: str) -> str:
    """The default content hash: BLAKE2b of the UTF-8 text, 128 bits, hexadecimal."""
    return blake2b(text.encode(), digest_size=16).hexdigest()
