"""The ports to all shards of a corpus, in this process or elsewhere, and to those whose chunks survive a process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.duplicates.near import AskedSets
from monitor.core.index.lexical.sources import StatisticsSums, TermOccurrences, Totals
from monitor.core.index.maintained import ListWork
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Located
from monitor.core.shards.messages import (
    ChunkFacts,
    Cuts,
    EpochSpan,
    LikestTexts,
    LiveSample,
    SettledSums,
    ShardLists,
    ShardPosition,
    ShardStatus,
    StageSums,
    StoredContent,
)
from monitor.core.shards.populations import BaselinePart, PopulationPart
from monitor.core.shards.shard import LoadedChunk


class Shards(Protocol):
    """All shards at once: each call goes to every shard and comes back with one answer a shard, by number.

    What a call means stands at `Shard`'s method of that name. A shard that does not answer raises: nobody goes on
    with the answers of some.

    Raises:
        ShardAwayError: a shard does not answer now. Whoever gets it may make the same call again: a `stage`, `ask` or
            `rank` that the shard took already is answered as it was, and not taken twice.
    """

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def stage(self, span: EpochSpan, events: Sequence[Located]) -> Sequence[StageSums]:
        """Take a step's events in, each in the shard of its partition."""
        ...

    def rank(self, span: EpochSpan, totals: Totals | None, cuts: Cuts) -> Sequence[ShardLists]:
        """The best of each shard for every question."""
        ...

    def rest(self, epoch: int, rows: Mapping[ListLeg, NDArray[np.int64]]) -> Sequence[ShardLists]:
        """The whole best of each shard for some questions."""
        ...

    def ask(self, epoch: int, anchors: AnchorSet) -> Sequence[StageSums]:
        """Watch other anchors from here on."""
        ...

    def barrier(self, epoch: int, newest_event_time: int) -> Sequence[Sequence[int]]:
        """Forget old delete marks; keys by shard."""
        ...

    def settle(self, epoch: int, now: int) -> SettledSums:
        """Have shards and owners talk to each other, see `owners`; `now` is the newest event time of all shards."""
        ...

    def rebase(self, epoch: int, parts: Sequence[BaselinePart | None]) -> None:
        """Compare each shard with its chunks of a baseline from here on."""
        ...

    def population(self, epoch: int) -> Sequence[PopulationPart]:
        """The chunks of each as they are now."""
        ...

    def look(self, epoch: int, keys: Sequence[int]) -> Sequence[ChunkFacts]:
        """What each knows of some chunks."""
        ...

    def names(self, epoch: int, keys: Sequence[int]) -> Sequence[Mapping[int, str]]:
        """Chunk ids by key, from whoever knows them."""
        ...

    def holds(self, epoch: int, asked: AskedSets, places: NDArray[np.int64]) -> Sequence[NDArray[np.bool_]]:
        """Whether a live chunk of each says each of some texts."""
        ...

    def copied(self, epoch: int, keys: Sequence[int]) -> Sequence[NDArray[np.bool_]]:
        """Whether each of some chunks has a copy within its own shard; False from the others."""
        ...

    def nearest(self, epoch: int, sets: Sequence[NDArray[np.uint32]]) -> Sequence[LikestTexts]:
        """What of each is most like each of some texts."""
        ...

    def saying(self, epoch: int, hashes: Sequence[str]) -> Sequence[Mapping[str, int]]:
        """The least key among the live chunks of each content hash."""
        ...

    def tokens(
        self, epoch: int, question: int, keys: NDArray[np.int64]
    ) -> Sequence[tuple[NDArray[np.int64], TermOccurrences]]:
        """How often live chunks contain the terms of a question, from whoever has them."""
        ...

    def sources(self, epoch: int) -> Sequence[Mapping[str, int]]:
        """Live chunks by source."""
        ...

    def by_source(self, epoch: int, kept: frozenset[str]) -> Sequence[StatisticsSums]:
        """What BM25 rests on by source."""
        ...

    def changed(self, epoch: int, since: Mapping[str, int]) -> Sequence[ChangedChunks]:
        """Chunks that came, changed or went behind some positions."""
        ...

    def behind(self, epoch: int, since: Mapping[str, int]) -> Sequence[NDArray[np.int64]]:
        """Keys of chunks that came, changed or went behind some positions, delete marks included."""
        ...

    def sample(self, epoch: int, recent: NDArray[np.int64], salt: int, count: int) -> Sequence[LiveSample]:
        """Some live chunks of each, none of the recent ones, chosen by their keys alone."""
        ...

    def work(self, epoch: int) -> Sequence[ListWork]:
        """What keeping its lists took each."""
        ...

    def exact(self, epoch: int, rows: NDArray[np.int64]) -> Sequence[ShardLists]:
        """The dense lists of some anchors once more, by a pass over all live vectors of each; for audits."""
        ...


class ShardContents(Protocol):
    """What shards have committed."""

    def contents(self, keys: Sequence[int]) -> Mapping[int, StoredContent]:
        """What is committed of some chunks, live or deleted; unknown keys are left out."""
        ...

    def chunks(self, batch: int) -> Iterator[Sequence[LoadedChunk]]:
        """Every committed chunk, delete marks included, in key order over all shards, in batches.

        Live ones have the slots 0, 1, ...: as a state of one process has them.
        """
        ...

    def size(self) -> int:
        """Bytes on disk, of all."""
        ...

    def close(self) -> None:
        """Let go of everything; safe to call twice."""
        ...


class ShardReader(ShardContents, Protocol):
    """Reads what was published of shards that somebody else may own."""

    def start(self, published: int, run: str = "") -> Sequence[ShardPosition]:
        """Open them as of the coordinator's commit of that epoch; where each stands, by number.

        Args:
            published: the epoch.
            run: mark of the coordinator's state, which each of them has too.

        Raises:
            ConfigurationError: a shard neither stands there nor stood there before its last commit.
        """
        ...


class DurableShards(Shards, ShardContents, Protocol):
    """Shards whose chunks survive the process, and that can take their last commit back.

    Constructed, they have opened nothing. `start` comes first, `close` last. Shards commit before the coordinator
    does, whose commit of an epoch is the only publication: a shard keeps what its last commit overwrote, and goes
    back to it where the coordinator's never came. A step that was not committed is lost with `close`, as at a kill.
    """

    def start(self, published: int, run: str = "") -> tuple[ShardPosition, Sequence[StageSums]]:
        """Restore every shard as of the coordinator's last commit; `ShardedState.resume` goes on from there.

        Args:
            published: the epoch of that commit, 0 before the first.
            run: mark of the coordinator's state: shards that have another one are of another run.

        Raises:
            ConfigurationError: what a shard has is another one's, or neither stands there nor can go back there.
            UnreachableError: a shard cannot be had now.
        """
        ...

    def insist(self, waiting: Callable[[Callable[[], Any]], Any]) -> None:
        """Make every call through this from here on, which makes it again while a shard is away."""
        ...

    def commit(self, epoch: int) -> None:
        """Store what every shard did since its last commit; nothing where none took a step since.

        Raises:
            UnreachableError: a shard cannot store it now; the coordinator must not publish this epoch.
        """
        ...

    def status(self) -> Sequence[ShardStatus]:
        """How each is, by number; asks none that is away, and may be called between any two other calls."""
        ...
