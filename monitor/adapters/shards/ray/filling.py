"""Shards on a Ray cluster, filled from files: nodes read pieces, and rows go straight to their shard."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from monitor.adapters.shards.ray.cluster import Actors, Ref, ray
from monitor.adapters.shards.ray.host import Greeting, ShardsPlace, packed, unpacked
from monitor.adapters.shards.ray.section import RaySection
from monitor.core.model.events import Located
from monitor.core.model.plausibility import Doubt
from monitor.core.records.committed import Quarantined
from monitor.core.records.filled import FilePiece, FilledRows
from monitor.core.shards.filling import FilledSums
from monitor.core.shards.messages import EpochSpan, shard_of
from monitor.kinds import FillingContext


def split(reader: bytes, piece: FilePiece, shards: int) -> Any:
    """Read a piece on the node where this runs: each shard's rows packed, then what was set aside and doubted."""
    read = unpacked(reader).read(piece)
    routed: list[list[Located]] = [[] for _ in range(shards)]
    for located in read.events:
        routed[shard_of(located.position.source, shards)].append(located)
    return (*map(packed, routed), packed((read.aside, read.doubts)))


class RayFilling:
    """Implements `CorpusFiller` over the actors and files of `RayShards`.

    The coordinator holds references to rows, never the rows: it gets sums, and those that were set aside.

    Args:
        section: the configuration.
        name: of the corpus; with it actors and files are named.
        context: of all shards.
    """

    def __init__(self, section: RaySection, name: str, context: FillingContext) -> None:
        self._section, self._context = section, context
        self._where = ShardsPlace(name, section.folder, section.archive, context.stream, context.space)
        self._actors = Actors(name, context.shards, section)
        self._incarnation, self._tasks = 0, 0
        self._reader: Ref = None
        self._read: dict[FilePiece, list[Ref]] = {}
        """What nodes read now, or have read."""

    def start(self, published: int, run: str) -> None:
        """See `CorpusFiller`."""
        self._where = self._where._replace(run=run)
        context, seconds = self._context, self._section.start_timeout
        self._actors.connect()
        greetings: list[Greeting] = [unpacked(of) for of in self._actors.hire(packed(self._where), seconds)]
        self._incarnation = 1 + max(of.incarnation for of in greetings)
        given = packed((self._where, (context.shards, context.dimension, context.tombstone_days)))
        begun = [(self._incarnation, published, given)] * context.shards
        self._actors.ask("begin_filling", begun, seconds)
        self._reader = ray().put(packed(context.reader))

    def expect(self, pieces: Sequence[FilePiece]) -> None:
        """See `CorpusFiller`."""
        for piece in pieces:
            if piece not in self._read:
                shards, number = self._context.shards, self._tasks
                self._read[piece] = self._actors.spread(split, number, shards + 1, self._reader, piece, shards)
                self._tasks += 1

    def fill(self, span: EpochSpan, pieces: Sequence[FilePiece]) -> FilledRows:
        """See `CorpusFiller`."""
        self.expect(pieces)
        refs = [self._read.pop(piece) for piece in pieces]
        aside: list[Quarantined] = []
        doubts: Counter[Doubt] = Counter()
        for of in refs:  # a piece that cannot be read says so here, before a shard waits for it
            set_aside, doubted = unpacked(self._actors.answer(of[-1], self._section.start_timeout))
            aside += set_aside
            doubts += doubted
        said = packed(span)
        given = [(self._incarnation, said, *(of[shard] for of in refs)) for shard in range(self._context.shards)]
        sums: list[FilledSums] = [unpacked(of) for of in self._actors.ask("fill", given)]
        return FilledRows(FilledSums.joined(sums), aside, doubts)

    def commit(self) -> None:
        """See `CorpusFiller`."""
        self._actors.ask("commit_filled", [(self._incarnation,)] * self._context.shards)

    def close(self) -> None:
        """See `CorpusFiller`: the actors end, their files stay."""
        self._read = {}
        self._actors.close()
