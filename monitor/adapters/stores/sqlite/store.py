"""The state store in one SQLite file (WAL): what is known, how far we are, and the past, in one transaction."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from monitor.adapters.stores.sqlite.alarm_rounds import AlarmTable
from monitor.adapters.stores.sqlite.baselines import Baselines
from monitor.adapters.stores.sqlite.checkpoints import Checkpoints
from monitor.adapters.stores.sqlite.contents import ShingleTable
from monitor.adapters.stores.sqlite.files_form import pack_files, unpack_files
from monitor.adapters.stores.sqlite.history import HistoryTables
from monitor.adapters.stores.sqlite.images import Images
from monitor.adapters.stores.sqlite.quarantine import Quarantine
from monitor.adapters.stores.sqlite.rows import (
    READ_CHUNKS,
    READ_CONTENTS,
    said,
    write,
    written,
)
from monitor.adapters.stores.sqlite.schema import keep_parts, keep_space, recognize, run_of
from monitor.adapters.stores.sqlite.sketches import SketchTable
from monitor.adapters.stores.sqlite.snapshots import (
    pack_deploy,
    pack_production,
    pack_report,
    unpack_deploy,
    unpack_production,
    unpack_report,
    unpack_snapshot,
    unpack_statistics,
)
from monitor.adapters.stores.sqlite.targets import TargetTable
from monitor.adapters.stores.sqlite.traffic import NAME as TRAFFIC
from monitor.adapters.stores.sqlite.traffic import TrafficTable
from monitor.adapters.stores.sqlite.transactions import chunks_in_batches, failures_said, transaction
from monitor.core.arrays.image import Image
from monitor.core.index.baseline import Adopted, Decision, Judged, Snapshot
from monitor.core.index.corpus import ChunkRow
from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.judging.policy import Verdict
from monitor.core.migration.model import PhaseChange
from monitor.core.migration.target_points import TargetRow
from monitor.core.model.events import Partition
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import ChunkContent, Commit, DeployRecord, Quarantined, Resumed, StoredChunk
from monitor.core.records.files_mark import FilesMark
from monitor.core.records.history import ChunkName, History, TextVersion, Track, Tracked
from monitor.core.shards.messages import StoredContent, of_one_run
from monitor.core.shards.port import DurableShards, ShardContents, ShardReader
from monitor.core.traffic.model import KeptTraffic
from monitor.core.traffic.panel import PanelBridge
from monitor.ports import ConfigurationError, CorpusDriftError, UnreachableError

T = TypeVar("T")

DECISION, CURRENT, BOOKMARK = "decision", "current report", "bookmark"
PRODUCTION, BRIDGES, FILES = "production", "panel bridges", "files"
EPOCH = "shards' epoch"
"""Names in the table `meta`, whose values SQLite stores as they are given."""
TRIES = 100
"""To meet shards and coordinator at one commit."""
DEPLOY_IDS_KEPT = 10_000
"""Ids (without reports) of old deploys, so that a repeated marker is known as one."""


class SqliteStore:
    """`StateStore` in one file; see ports for the contract.

    Args:
        path: the file; its folder must exist.
        keep_deploys: how many newest deploys keep their report and lists (ids are kept for longer).
        quarantine_rows: rows of the quarantine, shared evenly by the partitions; of each, the oldest go first.
        quarantine_bytes: bytes of quarantined values, shared and cut alike.
        read_only: read the last commit of a state that somebody else owns.
        patience: seconds to wait for another program that has locked the file.
        space: what the vectors are (dimension and distance); a state of another space is refused.
        parts: in how many parts the corpus lies; 0: it is whole, and in this file. A state of another number is
            refused.
        shards: those parts, with the chunks. They commit before the state does, and its commit is what counts.
        reader: reads the chunks of those parts where `read_only`; None: they cannot be had here.
        filling: whether a bootstrap from files may be under way; anybody else refuses a part of a corpus.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep_deploys: int = 200,
        quarantine_rows: int = 10_000,
        quarantine_bytes: int = 64 << 20,
        read_only: bool = False,
        patience: float = 10.0,
        space: str = "",
        parts: int = 0,
        shards: DurableShards | None = None,
        reader: ShardReader | None = None,
        filling: bool = False,
    ) -> None:
        self.path, self._filling = path, filling
        self._on_disk = path, path.with_name(f"{path.name}-wal")
        self._parts, self._shards, self._reader = parts, shards, reader
        self._keep_deploys = keep_deploys
        self._quarantine = (quarantine_rows, quarantine_bytes)
        self._read_only, self._patience = read_only, patience
        self._space = space
        self._open: sqlite3.Connection | None = None
        self._checkpoints: Checkpoints | None = None
        self._read: Baselines | None = None
        self._images: Images | None = None
        self._overwriting: bool | None = None
        """Whether what is deleted is overwritten; None where nobody has said yet."""
        self._deploy: tuple[int, DeployRecord] | None = None
        """The deploy asked for last, by its number: a moving baseline is asked for at every deploy."""

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            message = f"state {self.path}: not started"
            raise CorpusDriftError(message)
        return self._open

    @property
    def _aside(self) -> Quarantine:
        return Quarantine(self._db, *self._quarantine)

    @property
    def _captured(self) -> Baselines:
        if self._read is None:
            self._read = Baselines(self._db, self._unpacked_baseline)
        return self._read

    def start(self) -> Resumed:
        """Open the file, make it if need be, and say where it left off.

        Raises:
            ConfigurationError: not a state file of this program, of another schema version, or unreadable.
        """
        try:
            self._open, self._read, self._deploy, self._overwriting = self._connect(), None, None, None
            self._images = Images(self._db, self.path)
            if self._read_only:
                self._db.execute("BEGIN")  # all reads see one commit, whatever the owner writes meanwhile
            recognize(self._db, self.path, read_only=self._read_only)
            if not self._read_only:
                self._db.execute("PRAGMA journal_mode=WAL")
                # A power cut may undo the newest commits, never tear one; the positions go back with them. Shards
                # go back by one commit and no more.
                self._db.execute(f"PRAGMA synchronous={'FULL' if self._parts else 'NORMAL'}")
                self._checkpoints = Checkpoints(self.path, self._db, self._connect)
                keep_space(self._db, self.path, self._space)
                ShingleTable(self._db).prepare()
                SketchTable(self._db).prepare()
                HistoryTables(self._db).prepare()
            keep_parts(self._db, self.path, self._parts, read_only=self._read_only)
            self._refuse_a_part()
            if self._read_only and self._reader is not None:
                self._look_at_shards(self._reader)
            return self._resumed()
        except sqlite3.Error as error:
            message = f"state {self.path}: {error}; expected a state file of corpus-drift in a writable folder"
            raise ConfigurationError(message) from error

    def _refuse_a_part(self) -> None:
        """Raise where files were not read to their end: lists over a part of a corpus look like those of a whole."""
        mark = self._files()
        if self._filling or mark is None or mark.finished:
            return
        message = (
            f"state {self.path}: a bootstrap from files stands at row {mark.rows:,} of {mark.total:,}; "
            "expected corpus-drift bootstrap to end it"
        )
        raise UnreachableError(message) if self._read_only else ConfigurationError(message)

    def _files(self) -> FilesMark | None:
        found = self._db.execute("SELECT value FROM meta WHERE name=?", (FILES,)).fetchone()
        return None if found is None else self._unpacked(unpack_files, found[0], FILES)

    def _look_at_shards(self, reader: ShardReader) -> None:
        """Have the shards as of the commit that is read: while their owner goes on, until one is met between two."""
        for _ in range(TRIES):
            published = self._published()
            try:
                stood = reader.start(published, run_of(self._db))
                of_one_run(stood, self._topics(), self._parts)
            except ConfigurationError:
                reader.close()
                self._db.execute("COMMIT")
                self._db.execute("BEGIN")
                if self._published() == published:
                    raise
            else:
                return
        message = f"state {self.path}: its owner commits faster than it can be read; try again"
        raise UnreachableError(message)

    def _topics(self) -> set[str]:
        return {topic for (topic,) in self._db.execute("SELECT DISTINCT topic FROM position")}

    def _published(self) -> int:
        found = self._db.execute("SELECT value FROM meta WHERE name=?", (EPOCH,)).fetchone()
        return found[0] if found else 0

    @property
    def _elsewhere(self) -> ShardContents | None:
        """Who has the chunks of a corpus in shards; None where nobody here does, and where they are in this file."""
        return self._reader if self._shards is None else self._shards

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={'ro' if self._read_only else 'rwc'}"
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=self._patience)

    def _resumed(self) -> Resumed:
        positions = {Partition(topic, part): at for topic, part, at in self._db.execute("SELECT * FROM position")}
        counters = {
            msgspec.msgpack.decode(name, type=tuple[str, ...]): value
            for name, value in self._db.execute("SELECT name,value FROM counter")
        }
        newest = self._db.execute("SELECT value FROM meta WHERE name='newest_event_time'").fetchone()
        marked = self._db.execute("SELECT value FROM meta WHERE name=?", (BOOKMARK,)).fetchone()
        said = marked[0] if marked else ""
        heard = self._db.execute("SELECT value FROM meta WHERE name=?", (PRODUCTION,)).fetchone()
        overheard = None if heard is None else self._unpacked(unpack_production, heard[0], PRODUCTION)
        begun, time = newest is None, newest[0] if newest else 0
        alarms, epoch, files = AlarmTable(self._db).kept(), self._published(), self._files()
        run = run_of(self._db)
        return Resumed(positions, counters, self.ledger(), time, begun, said, overheard, alarms, epoch, run, files)

    def commit(self, commit: Commit) -> None:
        """Apply one turn in one transaction.

        Raises:
            UnreachableError: the file cannot be written now (disk full, locked, read only); nothing of it is stored.
        """
        changed = bool(commit.changes or commit.forgotten)
        if self._shards is not None:
            self._shards.commit(commit.epoch)
        with self._told("cannot commit"):
            self._look_at_log()  # copied since the last commit and nothing added yet: it begins anew with this one
            # What is to be forgotten is overwritten; a copy that a page left behind when it was split is not found.
            if self._overwriting != bool(commit.unsaid):
                self._db.execute(f"PRAGMA secure_delete={'ON' if commit.unsaid else 'OFF'}")
                self._overwriting = bool(commit.unsaid)
            with transaction(self._db):
                if changed and self._images is not None:
                    self._images.withdraw()
                self._put(commit)
            if changed and self._images is not None:
                self._images.withdrawn()
            self._look_at_log()

    def _look_at_log(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.look()

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return failures_said(f"state {self.path}", doing)

    def _put(self, commit: Commit) -> None:
        db = self._db
        write(db, *written(commit.changes))
        db.executemany("DELETE FROM chunk WHERE key=?", [(key,) for key in commit.forgotten])
        # Only what was deleted has a sketch, until it is there again; a repeated delete leaves it.
        again = [change.after.key for change in commit.changes if change.kind == "new" and change.stood is not None]
        SketchTable(db).put(commit.sketches, gone=[*again, *commit.said, *commit.forgotten])
        encoded = [(msgspec.msgpack.encode(name), value) for name, value in commit.counters.items()]
        db.executemany("INSERT OR REPLACE INTO counter VALUES (?,?)", encoded)
        if commit.deploy is not None:
            self._put_deploy(commit.deploy)
        self._captured.withdraw(commit.withdrawn)
        self._captured.put(commit.baselines)
        places = [(part.topic, part.partition, at) for part, at in commit.positions.items()]
        db.executemany("INSERT OR REPLACE INTO position VALUES (?,?,?)", places)
        self._aside.release(commit.released)
        self._aside.put(commit.quarantined)
        newest = (commit.newest_event_time,)
        db.execute("INSERT OR REPLACE INTO meta VALUES ('newest_event_time', ?)", newest)
        if commit.target is not None:
            TargetTable(db).prepare()
            TargetTable(db).put(commit.target)
        HistoryTables(db).put(commit, self._texts_elsewhere if self._parts else None)
        if commit.alarms is not None:
            AlarmTable(db).put(commit.alarms)
        if commit.traffic is not None:
            TrafficTable(db).put(commit.traffic)
        self._put_words(commit)

    def _put_words(self, commit: Commit) -> None:
        """What a person decided, and the report of now, which no other commit leaves standing."""
        put = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
        if self._parts:
            self._db.execute(put, (EPOCH, commit.epoch))
        if commit.files is not None:
            self._db.execute(put, (FILES, pack_files(commit.files)))
        if commit.bookmark is not None:
            self._db.execute(put, (BOOKMARK, commit.bookmark))
        if commit.decision is not None:
            self._db.execute(put, (DECISION, msgspec.json.encode(commit.decision)))
        if commit.production is not None:
            self._db.execute(put, (PRODUCTION, pack_production(commit.production)))
        if commit.bridges is not None:
            self._db.execute(put, (BRIDGES, msgspec.msgpack.encode(tuple(commit.bridges))))
        if commit.current is None:
            self._db.execute("DELETE FROM meta WHERE name=?", (CURRENT,))
        else:
            self._db.execute(put, (CURRENT, pack_report(*commit.current)))

    def _put_deploy(self, record: DeployRecord) -> None:
        where = msgspec.msgpack.encode(dict(sorted(record.report.positions.items())))
        moved = None if record.adopted is None else msgspec.msgpack.encode(record.adopted)
        values = (record.deploy_id, record.event_time, record.verdict.verdict, pack_deploy(record), where, moved)
        if record.judged_again:  # it is the newest: under a new number it still is, and nobody has cached that
            self._db.execute("DELETE FROM deploy WHERE deploy_id=?", (record.deploy_id,))
        put = "INSERT INTO deploy (deploy_id,event_time,verdict,record,positions,adopted) VALUES (?,?,?,?,?,?)"
        number = self._db.execute(put, values).lastrowid or 0
        ShingleTable(self._db).put(record.snapshot, number, kept=self._keep_deploys)
        old = "(SELECT MAX(number) FROM deploy) - ?"
        kept = (self._keep_deploys,)
        self._db.execute(f"UPDATE deploy SET record=NULL WHERE number <= {old} AND record NOT NULL", kept)  # noqa: S608
        self._db.execute(f"DELETE FROM deploy WHERE number <= {old}", (DEPLOY_IDS_KEPT,))  # noqa: S608 - constant

    def chunks(self, batch: int) -> Iterator[Sequence[StoredChunk]]:
        """Every known chunk in key order, in batches; live rows have the slots that an empty corpus gives them."""
        if not self._parts:
            yield from self._chunks(READ_CHUNKS, batch)
        elif self._elsewhere is not None:
            yield from self._elsewhere.chunks(batch)
        else:
            message = (
                f"state {self.path}: its {self._parts} shards are not on this machine; expected their files here"
            )
            raise ConfigurationError(message)

    def contents(self, batch: int) -> Iterator[Sequence[tuple[ChunkRow, str]]]:
        """The same without vectors."""
        for stored in self.chunks(batch) if self._parts else self._chunks(READ_CONTENTS, batch):
            yield [(row, text) for row, text, _ in stored]

    def _chunks(self, query: str, batch: int) -> Iterator[Sequence[StoredChunk]]:
        with self._told("cannot read the chunks"):
            yield from chunks_in_batches(self._db, query, batch)

    def image(self, setup: str) -> tuple[Image | None, str]:
        """The image kept of the chunks as they are, where the file has one of this set-up; else None, and why."""
        with self._told("cannot read"):
            return (None, "") if self._images is None else self._images.found(setup)

    def keep_image(self, image: Image, setup: str) -> None:
        """Keep an image of the chunks as they are committed; the next commit that changes one withdraws it.

        Raises:
            UnreachableError: it cannot be written; the state is as it was.
        """
        with self._told("cannot keep an image"):
            if self._images is not None:
                try:
                    self._images.keep(image, setup)
                except OSError as error:
                    message = f"state {self.path}: cannot keep an image: {error}; the next start reads the chunks"
                    raise UnreachableError(message) from error

    def sketches(self, keys: Sequence[int]) -> Mapping[int, ContentSketch]:
        """What is kept of what deleted chunks said; unknown keys are left out."""
        with self._told("cannot read"):
            return SketchTable(self._db).found(keys)

    def texts(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Texts of live chunks, for cards and audits; unknown keys are left out."""
        if self._parts:
            return {key: said.text for key, said in self.said(keys).items()}
        read = "SELECT text FROM chunk WHERE key=? AND live=1"
        rows = {key: self._all(read, (key,)) for key in keys}
        return {key: row[0][0] for key, row in rows.items() if row}

    def said(self, keys: Sequence[int]) -> Mapping[int, ChunkContent]:
        """What live chunks say, and as what numbers; unknown keys are left out."""
        if self._parts:
            found = self._contents_elsewhere(keys)
            return {
                key: ChunkContent(of.content_hash, of.text, of.vector)
                for key, of in found.items()
                if of.text is not None
            }
        read = "SELECT content_hash,text,vector FROM chunk WHERE key=? AND live=1"
        rows = {key: self._all(read, (key,)) for key in keys}
        return {key: said(*row[0]) for key, row in rows.items() if row}

    def _contents_elsewhere(self, keys: Sequence[int]) -> Mapping[int, StoredContent]:
        return {} if self._elsewhere is None or not keys else self._elsewhere.contents(keys)

    def _texts_elsewhere(self, keys: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        """Content hash and text of live chunks."""
        return {key: (one.content_hash, one.text) for key, one in self.said(keys).items()}

    def deploy(self, deploy_id: str) -> DeployRecord | None:
        """A judged deploy; None when it is not known or its report is no longer kept. Asked again: the same."""
        rows = self._all("SELECT number FROM deploy WHERE deploy_id=? AND record NOT NULL", (deploy_id,))
        if not rows:
            return None
        if self._deploy is None or self._deploy[0] != rows[0][0]:  # a number is never given again
            packed = self._all("SELECT record FROM deploy WHERE number=?", rows[0])[0][0]
            record = self._unpacked(unpack_deploy, packed, f"deploy {deploy_id!r}")
            with self._told("cannot read"):
                snapshot = ShingleTable(self._db).found(record.snapshot)
            self._deploy = (rows[0][0], replace(record, snapshot=snapshot))
        return self._deploy[1]

    def statistics(self, deploy_id: str) -> SourceStatistics | None:
        """The BM25 statistics at a deploy's barrier, at a fraction of what its whole record costs to read."""
        rows = self._all("SELECT record FROM deploy WHERE deploy_id=? AND record NOT NULL", (deploy_id,))
        return self._unpacked(unpack_statistics, rows[0][0], f"deploy {deploy_id!r}") if rows else None

    def ledger(self) -> Sequence[Judged]:
        """Judged deploys, oldest first."""
        rows = self._all("SELECT deploy_id,event_time,verdict,positions,adopted FROM deploy ORDER BY number")
        return [
            Judged(
                deploy_id,
                time,
                verdict,
                {} if packed is None else msgspec.msgpack.decode(packed),
                None if moved is None else msgspec.msgpack.decode(moved, type=Adopted),
            )
            for deploy_id, time, verdict, packed, moved in rows
        ]

    def baseline(self, name: str) -> Snapshot | None:
        """A captured baseline, approved or not; the same object until it is captured or approved again."""
        with self._told("cannot read"):
            return self._captured.found(name)

    def baselines(self) -> Sequence[Snapshot]:
        """All captured baselines, oldest first."""
        with self._told("cannot read"):
            return self._captured.every()

    def decision(self) -> Decision | None:
        """Which baseline a person put in force last."""
        rows = self._all("SELECT value FROM meta WHERE name=?", (DECISION,))
        if not rows:
            return None
        return self._unpacked(lambda stored: msgspec.json.decode(stored, type=Decision), rows[0][0], DECISION)

    def current(self) -> tuple[DriftReport, Verdict] | None:
        """The report of the committed positions, where a monitor has left one behind."""
        rows = self._all("SELECT value FROM meta WHERE name=?", (CURRENT,))
        return self._unpacked(unpack_report, rows[0][0], CURRENT) if rows else None

    def quarantine(self, limit: int) -> Sequence[Quarantined]:
        """The newest rows set aside, newest first."""
        with self._told("cannot read"):
            return self._aside.newest(limit)

    def target(self, version: str) -> Iterator[TargetRow]:
        """The points kept of a migration's target."""
        with self._told("cannot read the target"):
            if self._has_target():
                yield from TargetTable(self._db).rows(version)

    def steps(self, migration_id: str) -> Sequence[PhaseChange]:
        """The steps that a migration took."""
        with self._told("cannot read"):
            return TargetTable(self._db).steps(migration_id)

    def history(self, deploys: int, hours: int) -> History:
        """The newest points of deploys and hours, oldest first, and what people approved."""
        with self._told("cannot read the history"):
            return self._unpacked(lambda _: HistoryTables(self._db).history(deploys, hours), b"", "history")

    def tracked(self) -> Tracked:
        """The newest track of each anchor and leg."""
        with self._told("cannot read the history"):
            return HistoryTables(self._db).tracked()

    def tracks(self, anchor: str) -> Sequence[Track]:
        """Every kept track of one anchor, oldest first."""
        with self._told("cannot read the history"):
            return HistoryTables(self._db).tracks(anchor)

    def versions(self, key: int) -> Sequence[TextVersion]:
        """The texts that a chunk had while it stood in a list, oldest first."""
        with self._told("cannot read the history"):
            return HistoryTables(self._db).versions(key)

    def named(self, keys: Sequence[int]) -> Mapping[int, ChunkName]:
        """What chunks are called, live or deleted; unknown keys are left out."""
        if self._parts:
            found = self._contents_elsewhere(keys)
            return {key: ChunkName(of.chunk_id, of.doc_id, of.text is not None) for key, of in found.items()}
        rows = {key: self._all("SELECT chunk_id,doc_id,live FROM chunk WHERE key=?", (key,)) for key in keys}
        return {key: ChunkName(row[0][0], row[0][1], bool(row[0][2])) for key, row in rows.items() if row}

    def bridges(self) -> Sequence[PanelBridge]:
        """Of the newest changeover of anchors."""
        rows = self._all("SELECT value FROM meta WHERE name=?", (BRIDGES,))
        read = partial(msgspec.msgpack.decode, type=tuple[PanelBridge, ...])
        return self._unpacked(read, rows[0][0], BRIDGES) if rows else ()

    def traffic(self) -> KeptTraffic | None:
        """What is kept of traffic."""
        with self._told("cannot read the traffic"):
            return self._unpacked(lambda _: TrafficTable(self._db).kept(), b"", TRAFFIC)

    def _has_target(self) -> bool:
        return bool(self._db.execute("SELECT 1 FROM sqlite_master WHERE name='target'").fetchone())

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self._told("cannot read"):
            return self._db.execute(query, values).fetchall()

    def _unpacked_baseline(self, packed: bytes, name: str) -> Snapshot:
        return self._unpacked(unpack_snapshot, packed, f"baseline {name!r}")

    def _unpacked(self, unpack: Callable[[bytes], T], packed: bytes, what: str) -> T:
        try:
            return unpack(packed)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            message = (
                f"state {self.path}: {what}: cannot be read ({type(error).__name__}); expected this version's form"
            )
            raise ConfigurationError(message) from error

    def size(self) -> int:
        """Bytes on disk, write-ahead log included."""
        total = 0 if self._elsewhere is None else self._elsewhere.size()
        for file in self._on_disk:
            with suppress(FileNotFoundError):
                total += file.stat().st_size
        return total

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._checkpoints is not None:
            self._checkpoints.close()
            self._checkpoints = None
        if self._elsewhere is not None:
            self._elsewhere.close()
        if self._open is not None:
            self._open.close()
            self._open = self._read = self._images = None
