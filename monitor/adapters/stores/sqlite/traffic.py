"""What is kept of traffic in the state file: marks and counts, neither a text nor a vector."""

import sqlite3

import msgspec
import numpy as np

from monitor.core.model.events import Partition
from monitor.core.traffic.model import KeptTraffic, TrafficAsk, TrafficCommit, TrafficQuestion, TrafficStanding

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS traffic_question (
  mark BLOB PRIMARY KEY, segment BLOB NOT NULL, nearest TEXT, likeness REAL, lexical REAL, leg TEXT, results BLOB,
  day INTEGER) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS traffic_ask (
  day INTEGER, question BLOB, client BLOB, count INTEGER NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (day, question, client)) WITHOUT ROWID
""",
)
NAME = "traffic"
"""In the table `meta`."""


class _Header(msgspec.Struct):
    """What is kept once."""

    key: str
    level: int
    newest: int
    positions: list[tuple[str, int, int]]
    outcomes: dict[str, int]


class TrafficTable:
    """The rows of traffic; a state that never saw any has no tables for it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, commit: TrafficCommit) -> None:
        """What one turn changed."""
        db = self._db
        for table in _TABLES:
            db.execute(table)
        if commit.afresh:
            db.execute("DELETE FROM traffic_question")
            db.execute("DELETE FROM traffic_ask")
        db.executemany("DELETE FROM traffic_ask WHERE day=? AND question=? AND client=?", commit.gone_asks)
        db.executemany("DELETE FROM traffic_question WHERE mark=?", [(mark,) for mark in commit.gone_questions])
        put = "INSERT OR REPLACE INTO traffic_question VALUES (?,?,?,?,?,?,?,?)"
        db.executemany(put, [_columns(of) for of in commit.questions])
        asks = [(of.day, of.question, of.client, of.count, of.value) for of in commit.asks]
        db.executemany("INSERT OR REPLACE INTO traffic_ask VALUES (?,?,?,?,?)", asks)
        positions = [(part.topic, part.partition, at) for part, at in sorted(commit.positions.items())]
        header = _Header(commit.key, commit.level, commit.newest, positions, dict(commit.outcomes))
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (NAME, msgspec.json.encode(header)))

    def kept(self) -> KeptTraffic | None:
        """All of it; None where nothing was kept.

        Raises:
            msgspec.MsgspecError: it cannot be read.
        """
        found = self._db.execute("SELECT value FROM meta WHERE name=?", (NAME,)).fetchone()
        if found is None:
            return None
        header = msgspec.json.decode(found[0], type=_Header)
        return KeptTraffic(
            header.key,
            header.level,
            header.newest,
            {Partition(topic, part): at for topic, part, at in header.positions},
            tuple(_question(row) for row in self._db.execute("SELECT * FROM traffic_question ORDER BY mark")),
            tuple(
                TrafficAsk(*row) for row in self._db.execute("SELECT * FROM traffic_ask ORDER BY day,question,client")
            ),
            header.outcomes,
        )


def _columns(of: TrafficQuestion) -> tuple[object, ...]:
    segment, standing = msgspec.msgpack.encode(of.segment), of.standing
    if standing is None:
        return (of.mark, segment, None, None, None, None, None, None)
    results = np.array(standing.results, "<u4").tobytes()
    # SQLite keeps NaN as NULL.
    return (
        of.mark, segment, standing.nearest, standing.likeness, standing.lexical, standing.leg, results, standing.day,
    )  # fmt: skip


def _question(row: tuple[object, ...]) -> TrafficQuestion:
    mark, packed, nearest, likeness, lexical, leg, results, day = row
    segment = msgspec.msgpack.decode(packed, type=tuple[tuple[str, str], ...])  # type: ignore[call-overload]  # bytes
    if nearest is None:
        return TrafficQuestion(mark, segment)  # type: ignore[arg-type]  # as the columns are declared
    alike, worded = (float("nan") if of is None else of for of in (likeness, lexical))
    marks = tuple(np.frombuffer(results, "<u4").tolist())  # type: ignore[call-overload]
    return TrafficQuestion(mark, segment, TrafficStanding(nearest, alike, worded, leg, marks, day))  # type: ignore[arg-type]
