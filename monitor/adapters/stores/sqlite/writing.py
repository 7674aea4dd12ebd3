"""Writing the state file: one turn in one transaction, in the caller's thread or in one beside it."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from monitor.adapters.stores.sqlite.alarm_rounds import AlarmTable
from monitor.adapters.stores.sqlite.baselines import Baselines
from monitor.adapters.stores.sqlite.checkpoints import Checkpoints
from monitor.adapters.stores.sqlite.contents import ShingleTable
from monitor.adapters.stores.sqlite.files_form import pack_files
from monitor.adapters.stores.sqlite.history import HistoryTables
from monitor.adapters.stores.sqlite.images import Images
from monitor.adapters.stores.sqlite.quarantine import Quarantine
from monitor.adapters.stores.sqlite.rows import write, written
from monitor.adapters.stores.sqlite.sketches import SketchTable
from monitor.adapters.stores.sqlite.snapshots import pack_deploy, pack_production, pack_report
from monitor.adapters.stores.sqlite.targets import TargetTable
from monitor.adapters.stores.sqlite.traffic import TrafficTable
from monitor.adapters.stores.sqlite.transactions import failures_said, transaction
from monitor.core.index.engine import Start, Wait, nothing
from monitor.core.records.committed import Commit, DeployRecord

DECISION, CURRENT, BOOKMARK = "decision", "current report", "bookmark"
PRODUCTION, BRIDGES, FILES = "production", "panel bridges", "files"
EPOCH = "shards' epoch"
"""Names in the table `meta`, whose values SQLite stores as they are given."""
DEPLOY_IDS_KEPT = 10_000
"""Ids (without reports) of old deploys, so that a repeated marker is known as one."""


class StateWriter:
    """Writes turns to the state file.

    Args:
        path: the file.
        db: the only connection that writes to it.
        images: kept of the chunks; a commit that changes one withdraws them.
        checkpoints: of the file's log; None where nobody sees to it.
        captured: the baselines.
        aside: the quarantine.
        keep_deploys: how many newest deploys keep their report and lists.
        elsewhere: where chunks are in shards, reads content hash and text of live ones; None where they are here.
    """

    def __init__(
        self,
        path: Path,
        db: sqlite3.Connection,
        *,
        images: Images,
        checkpoints: Checkpoints | None,
        captured: Baselines,
        aside: Quarantine,
        keep_deploys: int,
        elsewhere: Callable[[Sequence[int]], Mapping[int, tuple[str, str]]] | None,
    ) -> None:
        self._path, self._db, self.images, self._checkpoints = path, db, images, checkpoints
        self.captured, self.aside, self._keep_deploys, self._elsewhere = captured, aside, keep_deploys, elsewhere
        self._overwriting: bool | None = None
        """Whether what is deleted is overwritten; None where nobody has said yet."""
        self._wait: Wait = nothing

    def begin(self, commit: Commit, start: Start) -> None:
        """Have the writing of a turn started; the one before was written to its end.

        Raises:
            UnreachableError: that one could not be written; nothing is, from then on.
        """
        self.settle()
        self._wait = start(partial(self.write, commit))

    def settle(self) -> None:
        """Wait until what was begun is written.

        Raises:
            UnreachableError: it could not be written. It is said each time: what is in memory was never committed.
        """
        self._wait()
        self._wait = nothing

    def write(self, commit: Commit) -> None:
        """Write a turn in one transaction.

        Raises:
            UnreachableError: the file cannot be written now (disk full, locked, read only); nothing of it is stored.
        """
        changed = bool(commit.changes or commit.forgotten)
        with failures_said(f"state {self._path}", "cannot commit"):
            self._look_at_log()  # copied since the last commit and nothing added yet: it begins anew with this one
            # What is to be forgotten is overwritten; a copy that a page left behind when it was split is not found.
            if self._overwriting != bool(commit.unsaid):
                self._db.execute(f"PRAGMA secure_delete={'ON' if commit.unsaid else 'OFF'}")
                self._overwriting = bool(commit.unsaid)
            with transaction(self._db):
                if changed:
                    self.images.withdraw()
                self._put(commit)
            if changed:
                self.images.withdrawn()
            self._look_at_log()

    def _look_at_log(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.look()

    def _put(self, commit: Commit) -> None:
        db = self._db
        write(db, *written(commit.changes))
        db.executemany("DELETE FROM chunk WHERE key=?", [(key,) for key in commit.forgotten])
        # Only what was deleted has a sketch, until it is there again; a repeated delete leaves it.
        again = [change.after.key for change in commit.changes if change.kind == "new" and change.before is not None]
        SketchTable(db).put(commit.sketches, gone=[*again, *commit.said, *commit.forgotten])
        encoded = [(msgspec.msgpack.encode(name), value) for name, value in commit.counters.items()]
        db.executemany("INSERT OR REPLACE INTO counter VALUES (?,?)", encoded)
        if commit.deploy is not None:
            self._put_deploy(commit.deploy)
        self.captured.withdraw(commit.withdrawn)
        self.captured.put(commit.baselines)
        places = [(part.topic, part.partition, at) for part, at in commit.positions.items()]
        db.executemany("INSERT OR REPLACE INTO position VALUES (?,?,?)", places)
        self.aside.release(commit.released)
        self.aside.put(commit.quarantined)
        newest = (commit.newest_event_time,)
        db.execute("INSERT OR REPLACE INTO meta VALUES ('newest_event_time', ?)", newest)
        if commit.target is not None:
            TargetTable(db).prepare()
            TargetTable(db).put(commit.target)
        HistoryTables(db).put(commit, self._elsewhere)
        if commit.alarms is not None:
            AlarmTable(db).put(commit.alarms)
        if commit.traffic is not None:
            TrafficTable(db).put(commit.traffic)
        self._put_words(commit)

    def _put_words(self, commit: Commit) -> None:
        """What a person decided, and the report of now, which no other commit leaves standing."""
        put = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
        if self._elsewhere is not None:
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
