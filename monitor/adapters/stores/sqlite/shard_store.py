"""The state of one shard in one SQLite file (WAL): chunks, where it stands, and what its last commit overwrote."""

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import structs

from monitor.adapters.stores.sqlite.rows import READ_CHUNKS, write, written
from monitor.adapters.stores.sqlite.schema import CHUNK_TABLE
from monitor.adapters.stores.sqlite.transactions import chunks_in_batches, failures_said, transaction
from monitor.core.model.events import Partition
from monitor.core.shards.messages import ShardCommit, ShardOutOfStepError, ShardPosition, StoredContent
from monitor.core.shards.shard import LoadedChunk
from monitor.ports import ConfigurationError, CorpusDriftError

APPLICATION_ID = 0x43447368
"""Of SQLite files that hold a shard ("CDsh"); not a state file's, so that neither is taken for the other."""
SHARD_SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE stand (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE overwritten AS SELECT * FROM chunk;
CREATE TABLE appeared (key INTEGER PRIMARY KEY);
"""
_AS_BEFORE = """
CREATE TEMP VIEW chunk AS
SELECT * FROM main.chunk
WHERE key NOT IN (SELECT key FROM main.appeared) AND key NOT IN (SELECT key FROM main.overwritten)
UNION ALL SELECT * FROM main.overwritten
"""
"""Stands before the table of that name, for one connection: chunks as they were before the last commit."""
_NOW, _BEFORE, _IDENTITY = "now", "before", "identity"
_NOWHERE = ShardPosition(0, {}, 0, 0)


class StandsElsewhereError(ConfigurationError):
    """A shard's file is of another epoch than the one that was published, and cannot go there."""


class ShardIdentity(msgspec.Struct, frozen=True, array_like=True):
    """Which shard of how many a file is, of what stream, what its vectors are, and of which run.

    Two runs of one stream may stand at the same step with other chunks: a run's own mark tells them apart.

    >>> str(ShardIdentity(2, 4, "events", "384 numbers, cosine"))
    'shard 2 of 4; events; 384 numbers, cosine'
    """

    number: int
    shards: int
    stream: str
    space: str
    run: str = ""

    def __str__(self) -> str:
        return f"shard {self.number} of {self.shards}; {self.stream}; {self.space}"


class _Stand(msgspec.Struct, array_like=True):
    """A `ShardPosition` as it is stored."""

    epoch: int
    positions: list[tuple[str, int, int]]
    newest: int
    barrier: int

    @classmethod
    def of(cls, at: ShardPosition) -> "_Stand":
        places = [(part.topic, part.partition, offset) for part, offset in sorted(at.positions.items())]
        return cls(at.epoch, places, at.newest_event_time, at.barrier_time)


class StoredCommit(msgspec.Struct, array_like=True):
    """A `ShardCommit` as rows: what a file takes in, and what an archive keeps of it.

    Args:
        identity: of the shard, see `ShardStore`.
        before: the epoch of the commit before it.
        at: where the shard stands behind it.
        puts, touches: of `rows.written`.
        forgotten: keys of delete marks.
    """

    identity: ShardIdentity
    before: int
    at: _Stand
    puts: list[tuple[Any, ...]]
    touches: list[tuple[Any, ...]]
    forgotten: list[int]

    @property
    def epoch(self) -> int:
        """Its own."""
        return self.at.epoch

    def keys(self) -> set[int]:
        """Of all chunks that it says something of."""
        return {row[0] for row in self.puts} | {row[-1] for row in self.touches} | set(self.forgotten)


class ShardStore:
    """Keeps one shard's chunks, positions and epoch in one transaction, and can take its last commit back.

    Shards commit first, then the coordinator; its commit is the only publication. A shard whose process was killed in
    between stands one commit ahead of what was published, and goes back to it.

    Args:
        path: the file; its folder must exist. Its owner holds the lock of the coordinator's state.
        number, shards: "shard 2 of 4": a file is never another shard's, nor one of another count.
        stream: what is read, such as the topics; a file of another stream is refused.
        space: what the vectors are (dimension and distance).
        read_only: read what was published of a shard that somebody else owns, whatever its stream and space.
        patience: seconds to wait for another program that has locked the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        number: int,
        shards: int,
        stream: str = "",
        space: str = "",
        read_only: bool = False,
        patience: float = 10.0,
    ) -> None:
        self.path = path
        self._identity = ShardIdentity(number, shards, stream, space)
        self._read_only, self._patience = read_only, patience
        self._open: sqlite3.Connection | None = None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            message = f"shard {self.path}: not started"
            raise CorpusDriftError(message)
        return self._open

    def start(self, published: int, run: str = "") -> ShardPosition:
        """Open the file, make it if need be, go back to what was published, and say where that is.

        Args:
            published: the epoch of the coordinator's last commit; 0 before the first.
            run: mark of the coordinator's state.

        Raises:
            ConfigurationError: not this shard's file, or it neither stands there nor can go back there.
        """
        self._identity = structs.replace(self._identity, run=run)
        if published and not self.path.is_file():
            message = (
                f"shard {self.path}: no such file, the state stands at epoch {published}; expected all its shards"
            )
            raise StandsElsewhereError(message)
        try:
            self._open = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={'ro' if self._read_only else 'rwc'}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=self._patience,
            )
            if self._read_only:
                return self._look(published)
            self._recognize()
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")  # published is what shards have, after a power cut too
            if self._stand(_NOW).epoch != published and self._stand(_BEFORE).epoch == published:
                self._take_back()
        except sqlite3.Error as error:
            message = f"shard {self.path}: {error}; expected a shard's file in a writable folder"
            raise ConfigurationError(message) from error
        return self._standing(self._stand(_NOW), published)

    def _standing(self, now: ShardPosition, published: int) -> ShardPosition:
        if now.epoch != published:
            message = (
                f"shard {self.path}: stands at epoch {now.epoch}, the state at {published}; "
                "expected the files of one run"
            )
            raise StandsElsewhereError(message)
        return now

    def _look(self, published: int) -> ShardPosition:
        """What was published, where it is what there is now or what the last commit overwrote."""
        self._db.execute("BEGIN")  # all reads see one commit, whatever the owner writes meanwhile
        self._recognize()
        now, before = self._stand(_NOW), self._stand(_BEFORE)
        if now.epoch == published or before.epoch != published:
            return self._standing(now, published)
        self._db.execute(_AS_BEFORE)
        return before

    def commit(self, commit: ShardCommit) -> StoredCommit | None:
        """What a shard did since its last commit, in one transaction; nothing where it took no step since.

        Returns:
            What was stored, for an archive; None for nothing.

        Raises:
            UnreachableError: the file cannot be written now; nothing of it is stored.
            ShardOutOfStepError: something changed without a step: it could not be taken back.
        """
        before = self._stand(_NOW)
        if commit.at.epoch == before.epoch:
            if commit.changes or commit.forgotten:
                message = f"shard {self.path}: changes at epoch {before.epoch}, which is committed; expected a step"
                raise ShardOutOfStepError(message)
            return None
        stored = StoredCommit(
            self._identity, before.epoch, _Stand.of(commit.at), *written(commit.changes), list(commit.forgotten)
        )
        self.put(stored)
        return stored

    def put(self, commit: StoredCommit) -> None:
        """Take a commit in that follows the last one, in one transaction.

        Raises:
            UnreachableError: the file cannot be written now; nothing of it is stored.
            ShardOutOfStepError: it is another shard's, or does not follow.
        """
        before = self._stand(_NOW)
        if (commit.identity, commit.before) != (self._identity, before.epoch):
            message = (
                f"shard {self.path}: a commit of '{commit.identity}' behind epoch {commit.before}; "
                f"expected one of '{self._identity}' behind {before.epoch}"
            )
            raise ShardOutOfStepError(message)
        with self._told("cannot commit"), transaction(self._db):
            self._put(commit, before)

    def copy(self, path: Path) -> None:
        """The whole file as of its last commit, at another place; what stood there is gone."""
        path.unlink(missing_ok=True)
        with self._told(f"cannot copy to {path}"), closing(sqlite3.connect(path)) as made:
            self._db.backup(made)

    def chunks(self, batch: int) -> Generator[Sequence[LoadedChunk], None, None]:
        """Every known chunk in key order, delete marks included, in batches; live rows have the slots 0, 1, ..."""
        with self._told("cannot read the chunks"):
            yield from chunks_in_batches(self._db, READ_CHUNKS, batch)

    def contents(self, keys: Sequence[int]) -> Mapping[int, StoredContent]:
        """What is committed of some chunks, live or deleted; unknown keys are left out."""
        read, found = "SELECT chunk_id,doc_id,live,content_hash,text,vector FROM chunk WHERE key=?", {}
        with self._told("cannot read"):
            for key in keys:
                row = self._db.execute(read, (key,)).fetchone()
                if row is not None:
                    chunk_id, doc_id, live, content, text, vector = row
                    numbers = None if vector is None else np.frombuffer(vector, "<f4")
                    found[key] = StoredContent(chunk_id, doc_id, content, text if live else None, numbers)
        return found

    def text(self, key: int) -> str:
        """What is committed of a live chunk's text."""
        return self.contents([key])[key].text or ""

    def size(self) -> int:
        """Bytes on disk, write-ahead log included."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _put(self, commit: StoredCommit, before: ShardPosition) -> None:
        db, each = self._db, [(key,) for key in sorted(commit.keys())]
        db.execute("DELETE FROM overwritten")
        db.execute("DELETE FROM appeared")
        db.executemany("INSERT INTO overwritten SELECT * FROM chunk WHERE key=?", each)
        db.executemany("INSERT INTO appeared SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE key=?1)", each)
        write(db, commit.puts, commit.touches)
        db.executemany("DELETE FROM chunk WHERE key=?", [(key,) for key in commit.forgotten])
        self._note(_BEFORE, _Stand.of(before))
        self._note(_NOW, commit.at)

    def _take_back(self) -> None:
        before = self._stand(_BEFORE)
        with transaction(self._db):
            self._db.execute("DELETE FROM chunk WHERE key IN (SELECT key FROM appeared)")
            self._db.execute("INSERT OR REPLACE INTO chunk SELECT * FROM overwritten")
            self._note(_NOW, _Stand.of(before))

    def _recognize(self) -> None:
        db = self._db
        application, version, tables = (
            db.execute(query).fetchone()[0]
            for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT COUNT(*) FROM sqlite_master")
        )
        if not tables and not self._read_only:
            marks = f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SHARD_SCHEMA_VERSION};"
            db.executescript(f"BEGIN; {CHUNK_TABLE} {_SCHEMA} {marks} COMMIT;")
            db.execute("INSERT INTO stand VALUES (?, ?)", (_IDENTITY, msgspec.msgpack.encode(self._identity)))
            return
        if (application, version) != (APPLICATION_ID, SHARD_SCHEMA_VERSION):
            message = f"shard {self.path}: an SQLite file of something else; expected a shard's file of this version"
            raise ConfigurationError(message)
        (stored,) = db.execute("SELECT value FROM stand WHERE name=?", (_IDENTITY,)).fetchone() or (b"",)
        try:
            kept = msgspec.msgpack.decode(stored, type=ShardIdentity)
        except msgspec.MsgspecError:
            message = f"shard {self.path}: does not say whose it is; expected '{self._identity}'"
            raise ConfigurationError(message) from None
        own, wanted = self._identity, str(self._identity)
        if self._read_only:  # whoever reads does not know the stream
            own = structs.replace(own, stream=kept.stream, space=kept.space)
            wanted = f"shard {own.number} of {own.shards}"
        if structs.replace(kept, run=own.run) == own and kept != own:
            message = f"shard {self.path}: of another run of the same stream; expected the files of one run"
            raise ConfigurationError(message)
        if kept != own:
            message = f"shard {self.path}: is '{kept}'; expected '{wanted}', or another state.path"
            raise ConfigurationError(message)

    def _stand(self, name: str) -> ShardPosition:
        found = self._db.execute("SELECT value FROM stand WHERE name=?", (name,)).fetchone()
        if found is None:
            return _NOWHERE
        kept = msgspec.msgpack.decode(found[0], type=_Stand)
        positions = {Partition(topic, number): at for topic, number, at in kept.positions}
        return ShardPosition(kept.epoch, positions, kept.newest, kept.barrier)

    def _note(self, name: str, at: _Stand) -> None:
        self._db.execute("INSERT OR REPLACE INTO stand VALUES (?, ?)", (name, msgspec.msgpack.encode(at)))

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return failures_said(f"shard {self.path}", doing)
