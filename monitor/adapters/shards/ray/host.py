"""One shard where it lives: its engine, its share of what is owned by hash, its file. Knows nothing of Ray.

Messages are packed here and not by Ray: that tells how many bytes go where, and arrays stay writable. They are of
this program's own processes on the cluster of whoever runs it; what came over the stream is never unpickled.
"""

import os
import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from monitor.adapters.lock import OwnerLock
from monitor.adapters.stores.sqlite.shard_archive import ShardArchive
from monitor.adapters.stores.sqlite.shard_files import CHUNKS_AT_ONCE
from monitor.adapters.stores.sqlite.shard_store import ShardStore, StandsElsewhereError
from monitor.core.model.events import Located
from monitor.core.shards.copies import CopySums
from monitor.core.shards.filling import ShardFilling
from monitor.core.shards.messages import ShardAwayError, ShardCommit, ShardOutOfStepError, ShardPosition
from monitor.core.shards.owners import ContentOwner
from monitor.core.shards.shard import LoadedChunk, Shard
from monitor.core.shards.statistics import SegmentSteps, ShardSums
from monitor.ports import ConfigurationError, UnreachableError

ASKED = frozenset(
    {
        *("stage", "rank", "rest", "ask", "barrier", "rebase", "population", "look", "holds", "copied", "nearest"),
        *("names", "saying", "tokens", "sources", "by_source", "changed", "behind", "sample", "work", "exact"),
    }
)
"""Methods of `Shard` that the coordinator calls by name."""


class NotBegunError(ShardAwayError):
    """The shard was born again and has nothing, or serves another beginning than the caller's."""


class ShardsPlace(NamedTuple):
    """Where shards keep what they have.

    Args:
        name: of the corpus, first part of the files' names.
        folder: on the disk of each node; environment variables in it are the node's.
        archive: on storage that all nodes share; "" for none.
        stream: what is read, such as the topics.
        space: what the vectors are.
        run: mark of the coordinator's state.
    """

    name: str
    folder: str
    archive: str
    stream: str
    space: str
    run: str = ""


class Greeting(NamedTuple):
    """What a shard says of itself before it begins: its process, and the greatest incarnation that it knows of."""

    process: int
    incarnation: int


class Settled(NamedTuple):
    """What a shard and the owner beside it say once all have talked to each other.

    Args:
        statistics: of the shard.
        copies: of the shard, and of the owner.
        documents: of the owner.
        sent: bytes to other shards and owners.
    """

    statistics: ShardSums
    copies: tuple[CopySums, CopySums]
    documents: SegmentSteps
    sent: int


@dataclass(slots=True)
class _Begun:
    """What stands between `begin` and the next one."""

    incarnation: int
    shard: Shard
    owner: ContentOwner
    at: ShardPosition
    sent: int = 0


def packed(message: object) -> bytes:
    """A message between this program's own processes."""
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def unpacked(message: bytes) -> Any:
    """What `packed` made."""
    return pickle.loads(message)  # noqa: S301 - from this program's own processes, see above


class ShardHost:
    """A shard, the owner of the same number beside it, and their file.

    Every call carries the number of the incarnation that it was begun with, the last one; any other is refused: a
    coordinator that was replaced, or a shard that was cut off and comes back, changes nothing.

    Args:
        number: of the shard, from 0.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._greatest = 0
        self._begun: _Begun | None = None
        self._filling: ShardFilling | None = None
        self._store: ShardStore | None = None
        self._lock: OwnerLock | None = None
        self._archive: ShardArchive | None = None
        self._reading: Iterator[LoadedChunk] | None = None

    def greet(self, place: bytes, shards: int) -> bytes:
        """A `Greeting`; takes nothing."""
        self._archive = self._archived(unpacked(place), shards)
        kept = 0 if self._archive is None else self._archive.incarnation()
        return packed(Greeting(os.getpid(), max(self._greatest, kept)))

    def begin(self, incarnation: int, published: int, given: bytes) -> bytes:
        """Open the file as of the coordinator's last commit: the `ShardPosition` where it stands; `load` follows.

        Args:
            incarnation: greater than any before.
            published: the epoch of that commit; 0 before the first.
            given: of a `ShardsPlace`, a `ShardConfig` and the anchors.

        Raises:
            UnreachableError: somebody else owns the file.
            ConfigurationError: the file is not there or another's, and there is no archive that has it.
        """
        place, config, anchors = unpacked(given)
        at = self._take_up(incarnation, published, place, config.shards)
        shard = Shard(self._number, config, anchors, stored=True)
        self._begun = _Begun(incarnation, shard, ContentOwner(config.bands), at)
        return packed(at)

    def begin_filling(self, incarnation: int, published: int, given: bytes) -> None:
        """As `begin` and `load`, to be filled from files.

        Args:
            incarnation: greater than any before.
            published: the epoch of the coordinator's last commit.
            given: of a `ShardsPlace`, and of shards, dimension and days of delete marks.
        """
        place, (shards, dimension, tombstone_days) = unpacked(given)
        at = self._take_up(incarnation, published, place, shards)
        store = self._opened()
        filling = ShardFilling(self._number, shards, dimension, tombstone_days, store.text)
        filling.load(at, store.chunks(CHUNKS_AT_ONCE))
        self._filling = filling

    def fill(self, incarnation: int, span: bytes, *parts: bytes) -> bytes:
        """Take a step of rows in, this shard's of each piece: `FilledSums`."""
        events: list[Located] = [located for part in parts for located in unpacked(part)]
        return packed(self._filled(incarnation).take(unpacked(span), events))

    def commit_filled(self, incarnation: int) -> None:
        """Store what `fill` took in, here and in the archive."""
        self._store_commit(incarnation, self._filled(incarnation).commit())

    def load(self, incarnation: int, at: bytes) -> bytes:
        """Take in what is in the file: see `Shard.load`."""
        begun, store = self._of(incarnation), self._opened()
        return packed(begun.shard.load(unpacked(at), store.chunks(CHUNKS_AT_ONCE)))

    def ask(self, incarnation: int, call: str, given: bytes) -> bytes:
        """Call a method of the shard: its answer, and the seconds it took."""
        if call not in ASKED:
            message = f"{self}: {call!r} is no call of shards"
            raise ShardOutOfStepError(message)
        shard, arguments, began = self._of(incarnation).shard, unpacked(given), time.perf_counter()
        answer = getattr(shard, call)(*arguments)
        return packed((answer, time.perf_counter() - began))

    def commit(self, incarnation: int, epoch: int) -> None:
        """Store what the shard did, here and in the archive."""
        self._store_commit(incarnation, self._of(incarnation).shard.commit(epoch))

    def contents(self, incarnation: int, keys: bytes) -> bytes:
        """See `DurableShards.contents`."""
        self._of(incarnation)
        return packed(self._opened().contents(unpacked(keys)))

    def size(self, incarnation: int) -> int:
        """Bytes on disk."""
        self._of(incarnation)
        return self._opened().size()

    def read(self, incarnation: int, count: int, first: bool) -> bytes:
        """The next chunks that are committed, in key order, delete marks included; or the first ones."""
        self._of(incarnation)
        if first or self._reading is None:
            self._reading = (chunk for part in self._opened().chunks(CHUNKS_AT_ONCE) for chunk in part)
        return packed(list(islice(self._reading, count)))

    def told(self, incarnation: int, epoch: int, owners: int) -> Any:
        """Round 1 of `owners.settle`: what each owner is told."""
        begun = self._of(incarnation)
        begun.shard.at(epoch)
        return self._messages(begun, begun.shard.journals.sent(owners))

    def banded(self, incarnation: int, *told: bytes) -> Any:
        """Round 2: what each owner is told of bands, then what each shard is told of its documents."""
        begun = self._of(incarnation)
        bands, documents = begun.owner.take([unpacked(one) for one in told])
        return self._messages(begun, [*bands, *documents])

    def wanted(self, incarnation: int, owners: int, *received: bytes) -> Any:
        """Round 3: what each shard is told of chunks that follow its own, then which sets each owner is asked for."""
        begun, every = self._of(incarnation), [unpacked(one) for one in received]
        following = begun.shard.journals.ordered(every[:owners])
        return self._messages(begun, [*following, *begun.owner.bands.take(every[owners:], owners)])

    def fetched(self, incarnation: int, owners: int, *received: bytes) -> Any:
        """Round 4: overlaps are counted; the sets that each owner asked for."""
        begun, every = self._of(incarnation), [unpacked(one) for one in received]
        begun.shard.journals.overlaps(every[:owners])
        return self._messages(begun, [begun.owner.sets.fetched(one) for one in every[owners:]])

    def matched(self, incarnation: int, owners: int, *received: bytes) -> Any:
        """Round 5: which of its sets each owner is told to have a near copy."""
        begun = self._of(incarnation)
        return self._messages(begun, begun.owner.bands.settle([unpacked(one) for one in received], owners))

    def settled(self, incarnation: int, now: int, *received: bytes) -> bytes:
        """Behind round 5: a `Settled`."""
        begun = self._of(incarnation)
        begun.owner.sets.matched([unpacked(one) for one in received])
        journals, (copies, documents) = begun.shard.journals, begun.owner.sums()
        sent, begun.sent = begun.sent, 0
        return packed(Settled(journals.sums(now), (copies, journals.copy_sums()), documents, sent))

    def __str__(self) -> str:
        return f"shard {self._number}"

    def _messages(self, begun: _Begun, messages: Sequence[object]) -> Any:
        """One result a message, as Ray hands each on by itself; the one alone is no tuple."""
        made = tuple(packed(one) for one in messages)
        begun.sent += sum(len(one) for one in made)
        return made if len(made) > 1 else made[0]

    def _of(self, incarnation: int) -> _Begun:
        begun = self._begun
        if begun is None or begun.incarnation != incarnation:
            stands = "has nothing" if begun is None else f"was begun as {begun.incarnation}"
            message = f"{self}: {stands}, was called as {incarnation}; expected to be begun anew"
            raise NotBegunError(message)
        return begun

    def _filled(self, incarnation: int) -> ShardFilling:
        if self._filling is None or incarnation != self._greatest:
            message = f"{self}: is not being filled as {incarnation}; expected to be begun anew"
            raise NotBegunError(message)
        return self._filling

    def _take_up(self, incarnation: int, published: int, place: ShardsPlace, shards: int) -> ShardPosition:
        """Open the file as of the coordinator's last commit, as a later incarnation than any before."""
        if incarnation <= self._greatest:
            message = f"{self}: begun as {self._greatest}, asked to begin as {incarnation}; expected a later one"
            raise ShardOutOfStepError(message)
        self._greatest, self._begun, self._filling, self._reading = incarnation, None, None, None
        store = self._own(place, shards)
        at = self._restored(store, published, place.run)
        if self._archive is not None:
            self._archive.begin(incarnation, store, published)
        return at

    def _store_commit(self, incarnation: int, made: ShardCommit) -> None:
        store = self._opened()
        commit = store.commit(made)
        if commit is not None and self._archive is not None:
            self._archive.keep(incarnation, store, commit)

    def _opened(self) -> ShardStore:
        assert self._store is not None, "begun without a file"  # noqa: S101 - `begin` opens it
        return self._store

    def _own(self, place: ShardsPlace, shards: int) -> ShardStore:
        """The file, which nobody else owns; not started."""
        folder = Path(os.path.expandvars(place.folder))
        if not folder.is_absolute():
            message = f"{self}: folder {str(folder)!r}; expected an absolute path on each node"
            raise ConfigurationError(message)
        path = folder / f"{place.name}.shard-{self._number}-of-{shards}.sqlite"
        if self._store is not None:
            self._store.close()
        if self._store is None or self._store.path != path or self._lock is None:
            self._release()
            lock = OwnerLock(path)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                lock.acquire()
            except (ConfigurationError, OSError) as error:
                message = f"{self}: {error}"
                raise UnreachableError(message) from error
            self._lock = lock
        self._store = ShardStore(path, number=self._number, shards=shards, stream=place.stream, space=place.space)
        return self._store

    def _restored(self, store: ShardStore, published: int, run: str) -> ShardPosition:
        try:
            return store.start(published, run)
        except StandsElsewhereError as error:
            store.close()
            if self._archive is None or not published:
                message = f"{error}; there is no archive to make it again from"
                raise ConfigurationError(message) from error
        self._archive.rebuild(published, store, run)
        return store.start(published, run)

    def _archived(self, place: ShardsPlace, shards: int) -> ShardArchive | None:
        if not place.archive:
            return None
        folder = Path(os.path.expandvars(place.archive))
        return ShardArchive(folder / f"{place.name}.shard-{self._number}-of-{shards}")

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
