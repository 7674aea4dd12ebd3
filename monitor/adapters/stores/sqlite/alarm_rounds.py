"""Alarms between deploys in the state file: the rounds, the evidence and the lists at the end of the last round."""

import sqlite3
import zlib
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from monitor.core.alarms.churn import ChurnStream, ContentLists
from monitor.core.alarms.rounds import ClosedRound
from monitor.core.alarms.state import Alarm, AlarmState, StreamEvidence

_TABLE = """
CREATE TABLE IF NOT EXISTS alarm_round (
  number INTEGER PRIMARY KEY, span INTEGER NOT NULL, seen INTEGER NOT NULL, standing TEXT NOT NULL,
  streams BLOB NOT NULL, churn BLOB NOT NULL)
"""
FORM = 1
"""Of the packed state; another one is not read, and learning begins anew."""
STATE, LISTS = "alarms", "alarm lists"
"""Names in the table `meta`."""


class AlarmTable:
    """What is kept of alarms; a state file that never saw a round has none of it.

    Args:
        db: the open state file; every call is part of its owner's transaction.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, state: AlarmState) -> None:
        """Make what is kept this state; of the rounds only those are written that changed."""
        self._db.execute(_TABLE)
        kept = {row[0]: row for row in self._db.execute("SELECT * FROM alarm_round")}
        wanted = {of.number: _columns(of) for of in state.rounds}
        self._db.executemany("DELETE FROM alarm_round WHERE number=?", [(at,) for at in kept if at not in wanted])
        changed = [row for at, row in wanted.items() if kept.get(at) != row]
        self._db.executemany("INSERT OR REPLACE INTO alarm_round VALUES (?,?,?,?,?,?)", changed)
        self._keep(STATE, _packed(state))
        if state.lists is None:
            self._db.execute("DELETE FROM meta WHERE name=?", (LISTS,))
        else:
            self._keep(LISTS, _packed_lists(state.lists))

    def kept(self) -> AlarmState | None:
        """The state that was put last; None before the first, and where another version wrote it."""
        packed = self._kept(STATE)
        if packed is None:
            return None
        form, *found = msgspec.msgpack.decode(zlib.decompress(packed))
        if form != FORM:
            return None
        setup, length, number, streams, limit, raised, alarms, doubtful = found
        lists = self._kept(LISTS)
        return AlarmState(
            setup,
            length,
            number,
            None if lists is None else _unpacked_lists(lists),
            tuple(self._rounds()),
            MappingProxyType({ChurnStream(*of): _evidence(of_it) for of, of_it in streams}),
            limit,
            tuple(Alarm(ChurnStream(*of), *rest) for of, *rest in raised),
            alarms,
            doubtful,
        )

    def _rounds(self) -> Iterator[ClosedRound]:
        same: dict[bytes, tuple[ChurnStream, ...]] = {}
        """Rounds of the same series share them: there are hundreds of rounds."""
        for number, span, seen, standing, streams, values in self._db.execute(
            "SELECT * FROM alarm_round ORDER BY number"
        ):
            if streams not in same:
                same[streams] = tuple(ChurnStream(*of) for of in msgspec.msgpack.decode(streams))
            yield ClosedRound(number, span, seen, standing, same[streams], np.frombuffer(values, "<f8"))

    def _kept(self, name: str) -> Any:
        row = self._db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return None if row is None else row[0]

    def _keep(self, name: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _columns(of: ClosedRound) -> tuple[object, ...]:
    streams = msgspec.msgpack.encode(of.streams)
    return of.number, of.span, of.seen, of.standing, streams, of.values.astype("<f8", copy=False).tobytes()


def _packed(state: AlarmState) -> bytes:
    streams = [
        (stream, (of.shares.tolist(), of.state, of.churn, of.normal, of.hours, of.log10, of.alarm))
        for stream, of in state.streams.items()
    ]
    raised = [(of.stream, of.number, of.hours, of.churn, of.normal, of.log10, of.limit_log10) for of in state.raised]
    found = (state.setup, state.length, state.number, streams, state.limit_log10, raised, state.alarms)
    return zlib.compress(msgspec.msgpack.encode((FORM, *found, state.doubtful)), 1)


def _evidence(stored: Any) -> StreamEvidence:
    shares, *rest = stored
    return StreamEvidence(np.array(shares, np.float64), *rest)


def _packed_lists(lists: ContentLists) -> bytes:
    legs = [
        (leg, said.shape[1], said.astype("<i8", copy=False).tobytes(), lists.known[leg].tobytes())
        for leg, said in lists.said.items()
    ]
    return zlib.compress(msgspec.msgpack.encode((list(lists.anchors), legs)), 1)


def _unpacked_lists(stored: bytes) -> ContentLists:
    anchors, legs = msgspec.msgpack.decode(zlib.decompress(stored))
    said = {leg: np.frombuffer(keys, "<i8").reshape(-1, k) for leg, k, keys, _ in legs}
    return ContentLists(tuple(anchors), said, {leg: np.frombuffer(known, np.bool_) for leg, _, _, known in legs})
