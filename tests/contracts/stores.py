"""The obvious twin of the state store, and random histories of commits as the loop makes them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator

from monitor.core.alarms.churn import ChurnStream, ContentLists
from monitor.core.alarms.rounds import ClosedRound, RoundReview, standing_as
from monitor.core.alarms.state import Alarm, AlarmState, StreamEvidence
from monitor.core.arrays.image import Image
from monitor.core.index.baseline import Adopted, AnchorMark, Approval, Decision, Judged, Member, Snapshot
from monitor.core.index.corpus import ChunkRow, Corpus
from monitor.core.index.duplicates.content_sketch import ContentSketch, sketches_of_deleted
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.migration.model import Phase, PhaseChange
from monitor.core.migration.target_points import TargetPoint, TargetRow
from monitor.core.model.events import Chunk, Delete, Located, Partition, Position, Upsert, chunk_key, text_hash
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import BaselineIdentity, DriftReport, Measurement, SegmentSize
from monitor.core.records.committed import (
    ChunkContent,
    Commit,
    DeployRecord,
    Quarantined,
    Resumed,
    StoredChunk,
    TargetCommit,
)
from monitor.core.records.history import (
    ApprovalMark,
    ChunkName,
    DeploySize,
    HistoryPoint,
    PointKind,
    TextVersion,
    Touch,
    Track,
    Tracked,
    point_of,
)
from monitor.core.records.history import (
    History as Past,
)
from monitor.core.traffic.model import KeptTraffic, TrafficAsk, TrafficCommit, TrafficQuestion, TrafficStanding
from monitor.core.traffic.panel import PanelBridge
from monitor.ports import StateStore
from tests.fingerprints import APPROXIMATE

DIMENSION = 3
VERSIONS = ("v2", "v3")
HOSTILE_TEXTS = ("", "plain", "Ünï\u2028code 漢", "nul \x00 inside", "'; DROP TABLE chunk; --", "💥" * 40)


class MemoryStore:
    """`StateStore` in dictionaries, change by change, in the order given."""

    def __init__(self, *, keep_deploys: int, quarantine_rows: int) -> None:
        self._keep, self._rows = keep_deploys, quarantine_rows
        self._chunks: dict[int, StoredChunk] = {}
        self._positions: dict[Partition, int] = {}
        self._counters: dict[tuple[str, ...], int] = {}
        self._deploys: list[DeployRecord] = []
        self._baselines: dict[str, Snapshot] = {}
        self._aside: list[Quarantined] = []
        self._newest = 0
        self._decision: Decision | None = None
        self._current: tuple[DriftReport, Verdict] | None = None
        self._version = self._migration = ""
        self._target: dict[int, TargetRow] = {}
        self._steps: Sequence[PhaseChange] = ()
        self._sketches: dict[int, ContentSketch] = {}
        self._images: dict[str, Image] = {}
        self._traffic: KeptTraffic | None = None
        self._bridges: Sequence[PanelBridge] = ()
        self._empty = True
        self._points: list[HistoryPoint] = []
        self._marks: list[ApprovalMark] = []
        self._tracks: list[Track] = []
        self._texts: dict[tuple[int, str], TextVersion] = {}
        self._numbers = 0
        self._alarms: AlarmState | None = None

    def start(self) -> Resumed:
        found = (dict(self._positions), dict(self._counters), self.ledger(), self._newest, self._empty)
        return Resumed(*found, alarms=self._alarms)

    def commit(self, commit: Commit) -> None:
        if commit.changes or commit.forgotten:
            self._images.clear()
        for change in commit.changes:
            row = replace(change.after, slot=0 if change.after.live else -1)
            _, text, vector = self._chunks.get(row.key, (row, "", None))
            if change.kind != "noop":
                text, vector = ("", None) if change.chunk is None else (change.chunk.text, change.chunk.vector)
            self._chunks[row.key] = (row, text, vector)
        for key in commit.forgotten:
            del self._chunks[key]
        self._sketches.update(commit.sketches)
        dead = {key for key, (row, _, _) in self._chunks.items() if not row.live}
        self._sketches = {key: one for key, one in self._sketches.items() if key in dead}
        for item in commit.quarantined:
            if all(item.position != other.position for other in self._aside):
                self._aside.append(item)
        self._counters.update(commit.counters)
        if commit.deploy is not None:
            again = commit.deploy.deploy_id if commit.deploy.judged_again else None
            self._deploys = [*(one for one in self._deploys if one.deploy_id != again), commit.deploy]
        for name in commit.withdrawn:
            self._baselines.pop(name, None)
        for snapshot in commit.baselines:
            self._baselines.pop(snapshot.name, None)
            self._baselines[snapshot.name] = snapshot
        self._positions.update(commit.positions)
        share = max(1, self._rows // max(1, len(self._positions)))
        for part in {one.position.source for one in commit.quarantined}:
            places = sorted(one.position for one in self._aside if one.position.source == part)
            self._aside = [one for one in self._aside if one.position not in places[:-share]]
        if commit.target is not None:
            self._put_target(commit.target)
        if commit.bridges is not None:
            self._bridges = tuple(commit.bridges)
        if commit.traffic is not None:
            self._put_traffic(commit.traffic)
        self._newest, self._empty = commit.newest_event_time, False
        self._alarms = commit.alarms or self._alarms
        self._decision, self._current = commit.decision or self._decision, commit.current
        self._put_past(commit)

    def _put_past(self, commit: Commit) -> None:
        if commit.approval is not None:
            self._marks.append(commit.approval)
        if commit.point is not None:
            self._numbers += 1
            again = (commit.point.kind, commit.point.deploy_id) if commit.point.kind == "deploy" else None
            self._points = [one for one in self._points if (one.kind, one.deploy_id) != again]
            self._points.append(replace(commit.point, number=self._numbers))
            self._tracks += [replace(one, number=self._numbers) for one in commit.tracks]
        snapshots = [*commit.baselines] if commit.deploy is None else [commit.deploy.snapshot, *commit.baselines]
        newest = max((point.number for point in self._points), default=0)
        for key, member in ((key, member) for of in snapshots for key, member in of.members.items()):
            said = self.said([key]).get(key)
            text = said.text if said is not None and said.content_hash == member.content_hash else None
            made = TextVersion(member.content_hash, newest, newest, text, len(text or ""))
            held = self._texts.get((key, member.content_hash), made)
            kept = held if held.text is not None else made
            self._texts[key, member.content_hash] = kept._replace(first=held.first, newest=newest)

    def history(self, deploys: int, hours: int) -> Past:
        of = {kind: [point for point in self._points if point.kind == kind] for kind in ("deploy", "hour")}
        newest = [(of[kind][-most:] if most else []) for kind, most in (("deploy", deploys), ("hour", hours))]
        return Past(tuple(newest[0]), tuple(newest[1]), tuple(self._marks))

    def tracked(self) -> Tracked:
        return {(of.anchor, of.leg): of for of in self._tracks}

    def tracks(self, anchor: str) -> Sequence[Track]:
        return sorted((of for of in self._tracks if of.anchor == anchor), key=lambda of: (of.number, of.leg))

    def versions(self, key: int) -> Sequence[TextVersion]:
        return [of for (mine, _), of in sorted(self._texts.items(), key=lambda pair: pair[1].first) if mine == key]

    def named(self, keys: Sequence[int]) -> Mapping[int, ChunkName]:
        rows = {key: self._chunks[key][0] for key in keys if key in self._chunks}
        return {key: ChunkName(row.chunk_id, row.doc_id, row.live) for key, row in rows.items()}

    def _put_target(self, commit: TargetCommit) -> None:
        if commit.version != self._version:
            self._version, self._target = commit.version, {}
        for key in commit.gone:
            self._target.pop(key, None)
        self._target.update((row.key, row) for row in commit.rows)
        if commit.steps is not None:
            self._migration, self._steps = commit.migration_id, commit.steps

    def _put_traffic(self, commit: TrafficCommit) -> None:
        before = None if commit.afresh else self._traffic
        asks = {(of.day, of.question, of.client): of for of in (before.asks if before else ())}
        questions = {of.mark: of for of in (before.questions if before else ())}
        for key in commit.gone_asks:
            asks.pop(key, None)
        for mark in commit.gone_questions:
            questions.pop(mark, None)
        asks |= {(of.day, of.question, of.client): of for of in commit.asks}
        questions |= {of.mark: of for of in commit.questions}
        self._traffic = KeptTraffic(
            commit.key,
            commit.level,
            commit.newest,
            commit.positions,
            tuple(questions[mark] for mark in sorted(questions)),
            tuple(asks[key] for key in sorted(asks)),
            commit.outcomes,
        )

    def bridges(self) -> Sequence[PanelBridge]:
        return self._bridges

    def traffic(self) -> KeptTraffic | None:
        return self._traffic

    def target(self, version: str) -> Iterator[TargetRow]:
        if version == self._version:
            yield from (self._target[key] for key in sorted(self._target))

    def steps(self, migration_id: str) -> Sequence[PhaseChange]:
        return self._steps if migration_id == self._migration else ()

    def chunks(self, batch: int) -> Iterator[Sequence[StoredChunk]]:
        ordered: list[StoredChunk] = []
        live = 0
        for key in sorted(self._chunks):
            row, text, vector = self._chunks[key]
            ordered.append((replace(row, slot=live if row.live else -1), text, vector))
            live += row.live
        for at in range(0, len(ordered), batch):
            yield ordered[at : at + batch]

    def contents(self, batch: int) -> Iterator[Sequence[tuple[ChunkRow, str]]]:
        for stored in self.chunks(batch):
            yield [(row, text) for row, text, _ in stored]

    def image(self, setup: str) -> tuple[Image | None, str]:
        return self._images.get(setup), ""

    def keep_image(self, image: Image, setup: str) -> None:
        self._images = {setup: image}

    def sketches(self, keys: Sequence[int]) -> Mapping[int, ContentSketch]:
        return {key: self._sketches[key] for key in keys if key in self._sketches}

    def texts(self, keys: Sequence[int]) -> Mapping[int, str]:
        return {key: self._chunks[key][1] for key in keys if key in self._chunks and self._chunks[key][0].live}

    def said(self, keys: Sequence[int]) -> Mapping[int, ChunkContent]:
        found = {key: self._chunks[key] for key in keys if key in self._chunks and self._chunks[key][0].live}
        return {key: ChunkContent(row.content_hash, text, vector) for key, (row, text, vector) in found.items()}

    def deploy(self, deploy_id: str) -> DeployRecord | None:
        kept = {record.deploy_id: record for record in self._deploys[-self._keep :]}
        return kept.get(deploy_id)

    def statistics(self, deploy_id: str) -> SourceStatistics | None:
        record = self.deploy(deploy_id)
        return None if record is None else record.snapshot.statistics

    def ledger(self) -> Sequence[Judged]:
        return [
            Judged(
                record.deploy_id, record.event_time, record.verdict.verdict, record.report.positions, record.adopted
            )
            for record in self._deploys
        ]

    def baseline(self, name: str) -> Snapshot | None:
        return self._baselines.get(name)

    def baselines(self) -> Sequence[Snapshot]:
        return list(self._baselines.values())

    def decision(self) -> Decision | None:
        return self._decision

    def current(self) -> tuple[DriftReport, Verdict] | None:
        return self._current

    def quarantine(self, limit: int) -> Sequence[Quarantined]:
        return self._aside[::-1][:limit]

    def size(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is open."""


def finding() -> Finding:
    return Finding("r", "critical", "swaps", "dense", 10, "mean", "all", "all", "fail", 3.5, 2.0, 24, "said")


VERDICT = Verdict("fail", ("because",), (finding(),))


class History:
    """Turns as the loop makes them, over a few chunks, so that each batch says several things of the same one."""

    def __init__(self, seed: int) -> None:
        self.generator: Generator = np.random.default_rng(seed)
        self.corpus = Corpus(DIMENSION, tombstone_days=1e-9)
        self._texts: dict[int, str] = {}
        self._offset = 0
        self._deploys = 0
        self._alarms, self._chances = AlarmState(), np.random.default_rng(seed)

    def turn(self) -> Commit:
        """The next commit: events with all outcomes, records set aside, sometimes a deploy and a baseline."""
        batch = [self._event() for _ in range(int(self.generator.integers(0, 12)))]
        before = {row.slot: self._texts[row.key] for row in self.corpus.rows() if row.live}
        changes = self.corpus.apply(batch).changes
        self._texts.update((one.after.key, one.chunk.text) for one in changes if one.chunk is not None)
        deploy, baselines, forgotten = None, [], []
        if self.generator.random() < 0.3:
            deploy = self._deploy()
            forgotten = self.corpus.prune()
        if self.generator.random() < 0.2:
            name = f"b{self.generator.integers(3)}"
            baselines = [replace(snapshot(self.generator), name=name, approval=Approval("ann", "why", "now"))]
        counters = {("events", "upsert", "new"): self._offset, ("open_gaps",): self._deploys}
        return Commit(
            positions={Partition("t", 0): self._offset, Partition("ü", 7): self._deploys},
            changes=changes,
            sketches=sketches_of_deleted(changes, lambda slot: text_shingles([before[slot]])[0]),
            forgotten=forgotten,
            counters=counters,
            quarantined=[self._aside() for _ in range(int(self.generator.integers(0, 4)))],
            deploy=deploy,
            baselines=baselines,
            withdrawn=self.generator.choice(["b0", "b1", "never"], int(self.generator.integers(0, 2))).tolist(),
            newest_event_time=self.corpus.newest_event_time,
            decision=None if self.generator.random() < 0.7 else Decision(f"b{self._offset}", "main", "ü"),
            current=None if self.generator.random() < 0.5 else (self._deploy_report("", now=self._offset), VERDICT),
            target=None if self.generator.random() < 0.5 else self._target(),
            alarms=None if self._chances.random() < 0.5 else self._round(),
            **self._past(deploy),
            traffic=None if self.generator.random() < 0.5 else self._traffic(),
            bridges=[None, (), (PanelBridge("ndcg", "dense", 0.1, 0.2, 0.1, float("nan"), 0.3, 5, 1, 1),)][
                self._offset % 3
            ],
        )

    def _traffic(self) -> TrafficCommit:
        """Asks and questions that came, changed and went, now and then all of them."""
        draw = self.generator
        marks = [bytes([at] * 16) for at in draw.permutation(6).tolist()]
        came, went = marks[: int(draw.integers(0, 4))], marks[4 : 4 + int(draw.integers(0, 2))]
        standings = (
            None,
            TrafficStanding("", float("nan")),
            TrafficStanding("a", 0.25, 0.5, "dense", (1, 2**32 - 1), self._offset),
        )
        segment = (("language", HOSTILE_TEXTS[int(draw.integers(3))]),)
        return TrafficCommit(
            "key",
            int(draw.integers(3)),
            self._offset,
            {Partition("ü", 3): self._offset},
            {"counted": self._offset},
            tuple(TrafficQuestion(mark, segment, standings[int(draw.integers(3))]) for mark in came),
            tuple(TrafficAsk(self._offset, mark, mark[:5], 2, 2**40) for mark in came),
            tuple((self._offset - 1, mark, mark[:5]) for mark in went),
            tuple(went),
            bool(draw.random() < 0.1),
        )

    def _past(self, deploy: DeployRecord | None) -> dict[str, Any]:
        """A point a deploy and now and then an hour, lists that moved, a person's word."""
        mark = ApprovalMark("main", "änn", "why\nnot", "now", f"d{self._deploys}")
        made: dict[str, Any] = {"approval": mark if self.generator.random() < 0.1 else None}
        if deploy is None:
            return made | {"point": self._point_of("hour") if self.generator.random() < 0.2 else None}
        size = None if self._deploys % 4 == 0 else DeploySize(self._deploys, 2, 0)
        point = replace(self._point_of("deploy"), deploy_id=deploy.deploy_id, size=size)
        moved = [of for of in ("q0ü", "q1ü") if self.generator.random() < 0.5]
        return made | {"point": point, "tracks": [self._track(name) for name in moved]}

    def _point_of(self, kind: PointKind) -> HistoryPoint:
        report = self._deploy_report("", now=self._offset)
        return point_of(replace(report, problems=()), VERDICT, kind=kind, taken=float(self._offset))

    def _track(self, name: str) -> Track:
        keys = None if self.generator.random() < 0.2 else tuple(self.generator.integers(0, 9, 3).tolist())
        touches = (Touch("new", "c\u20281", f"t/0@{self._offset}"),) if self.generator.random() < 0.5 else ()
        return Track(name, "dense", "h", keys, touches, 2 * len(touches))

    def _round(self) -> AlarmState:
        """One round more, of other series now and then; standings change, old rounds go, a set-up begins anew."""
        if self._chances.random() < 0.1:
            self._alarms = AlarmState("ü", 7_200.0, alarms=self._alarms.alarms)
        before = self._alarms
        number = (before.number or 0) + int(self._chances.integers(1, 4))
        streams = tuple(ChurnStream("dense", "söurce", f"s{at}") for at in range(int(self._chances.integers(0, 4))))
        values = np.where(self._chances.random(len(streams)) < 0.3, np.nan, self._chances.random(len(streams)))
        standing: RoundReview = ("pending", "approved", "doubted")[int(self._chances.integers(3))]
        closed = ClosedRound(number, 1, number * 7, standing, streams, values)
        old: tuple[RoundReview, ...] = ("pending", "doubted") if self._chances.random() < 0.3 else ()
        shares = self._chances.random(5) / 3.0
        evidence = {of: StreamEvidence(shares, "watched", 0.1 + 0.2, -0.0, "ü", math.nan, True) for of in streams}
        alarms = tuple(Alarm(of, number, "ü", 0.1 + 0.2, 1e-9, 5.0, 4.0) for of in streams[:1])
        said = self._chances.integers(-1, 2**62, (3, 2))
        self._alarms = replace(
            before,
            number=number,
            lists=ContentLists(("a", "b", "ç"), {"lexical": said}, {"lexical": self._chances.random(3) < 0.5}),
            rounds=standing_as((*before.rounds, closed)[-4:], "approved", instead=old, until=number * 5),
            streams=evidence,
            limit_log10=4.0 if streams else math.nan,
            raised=(*before.raised, *alarms)[-3:],
            alarms=before.alarms + len(alarms),
            doubtful=bool(self._chances.random() < 0.5),
        )
        return self._alarms

    def _target(self) -> TargetCommit:
        """Points that came and went, now and then of another version or with a step taken."""
        keys = self.generator.permutation(8).tolist()
        rows = [self._point(key) for key in keys[: int(self.generator.integers(0, 5))]]
        gone = keys[len(rows) : len(rows) + 2]
        version = VERSIONS[int(self.generator.random() < 0.1)]
        steps = None if self.generator.random() < 0.6 else (PhaseChange("begin", Phase.BACKFILLING, self._offset),)
        return TargetCommit(f"m{self.generator.integers(2)}", version, rows, gone, steps)

    def _point(self, key: int) -> TargetRow:
        vector = None if self.generator.random() < 0.2 else np.array([key, -0.0, 1e-40], np.float32)
        place = Position("ü", int(self.generator.integers(2)), self._offset)
        point = TargetPoint(HOSTILE_TEXTS[key % 3], vector, self._offset * 10, place, int(self.generator.integers(4)))
        return TargetRow(key, f"c{key}", point, bool(self.generator.integers(2)))

    def _event(self) -> Located:
        self._offset += 1
        position = Position("t", 0, self._offset)
        chunk_id = f"c{self.generator.integers(5)}"
        if self.generator.random() < 0.25:
            return Located(position, Delete(chunk_id, self._offset * 10))
        text = HOSTILE_TEXTS[int(self.generator.integers(len(HOSTILE_TEXTS)))]
        # Few contents, so that a chunk often says the same again; the vector follows from the text.
        vector = np.array([len(text), -0.0, 1e-40], np.float32)
        segment = (("language", text[:3]), ("source", "s"))
        chunk = Chunk(chunk_id, "d", 0, text, vector, "v", segment, self._offset * 10, text_hash(text))
        return Located(position, Upsert(chunk))

    def _aside(self) -> Quarantined:
        position = Position("t", int(self.generator.integers(2)), int(self.generator.integers(40)))
        key = None if self.generator.random() < 0.5 else b"\xff\x00key"
        value = None if self.generator.random() < 0.2 else self.generator.bytes(int(self.generator.integers(0, 30)))
        return Quarantined(position, "not_json", "no {", key, value, 30)

    def _deploy(self) -> DeployRecord:
        self._deploys += 1
        report = self._deploy_report(f"d{self._deploys}", now=self._offset * 10)
        taken = snapshot(self.generator)
        moved = Adopted("dé", self._deploys) if self._deploys % 3 == 1 else None
        return DeployRecord(f"d{self._deploys}", self._offset * 10, VERDICT, report, taken, adopted=moved)

    def _deploy_report(self, deploy_id: str, *, now: int) -> DriftReport:
        return DriftReport(
            deploy_id=deploy_id,
            now=now,
            positions={"t/0": self._offset},
            fingerprint="f",
            baseline=BaselineIdentity("main", 1, "", "ann", "deploy"),
            measurements=(measurement(float("nan")), measurement(-0.0), measurement(0.1 + 0.2)),
            segments=(SegmentSize("source", "s", 3, 2, True),),
            corpus={"chunks": float(len(self.corpus))},
            problems=(Problem(ProblemKind.AUDIT, "one"),),
        )


def measurement(value: float) -> Measurement:
    return Measurement("swaps", "dense", 10, "source", "s", "mean", value, 3, 4, reason="why")


def snapshot(generator: Generator) -> Snapshot:
    """Lists with short rows, unknown rows, negative zeros and the smallest numbers."""
    anchors, k = int(generator.integers(1, 5)), 3
    rows: list[list[tuple[str, float]] | None] = []
    for _ in range(anchors):
        count = int(generator.integers(0, k + 1))
        scores = generator.choice([-0.0, 5e-324, 1.0, float(generator.random())], count).tolist()
        rows.append(None if generator.random() < 0.2 else [(f"c{at}", score) for at, score in enumerate(scores)])
    lists = RankedLists.of(rows, k)
    said = {chunk_key(f"c{at}"): int(generator.integers(9)) for at in range(k)}
    return Snapshot(
        name="n",
        deploy_id="d",
        event_time=5,
        fingerprint=APPROXIMATE,
        anchors={f"q{at}ü": AnchorMark(f"h{at}", (("language", "de"),)) for at in range(anchors)},
        lists={"dense": lists, "lexical": lists.take(np.arange(anchors)[::-1])},
        members={chunk_key(f"c{at}"): Member(f"c{at}", "d", "s", f"h{said[chunk_key(f'c{at}')]}") for at in range(k)},
        corpus={"chunks": 3.0},
        approval=None,
        # a content has its shingles wherever it stands; the first has none: a text without words
        shingles={key: np.arange(of, 3 * of, dtype=np.uint32) for key, of in said.items() if of},
    )


def contents(store: StateStore, resumed: Resumed, batch: int) -> tuple[object, ...]:
    """Everything a store can say, in a form that compares to the bit (NaN and signed zeros included)."""
    chunks: list[tuple[ChunkRow, str, bytes | None]] = [
        (row, text, None if vector is None else vector.tobytes())
        for stored in store.chunks(batch)
        for row, text, vector in stored
    ]
    deploys = [store.deploy(judged.deploy_id) for judged in resumed.ledger]
    named = [store.baseline(snapshot.name) for snapshot in store.baselines()]
    return (
        resumed.positions,
        resumed.counters,
        list(resumed.ledger),
        (resumed.newest_event_time, resumed.empty),
        chunks,
        [pair for stored in store.contents(batch) for pair in stored],
        sketched(store, [row.key for row, _, _ in chunks] + [12345]),
        store.texts([row.key for row, _, _ in chunks] + [12345]),
        said_contents(store, [row.key for row, _, _ in chunks] + [12345]),
        [None if record is None else deploy_contents(record) for record in deploys],
        [repr(store.statistics(judged.deploy_id)) for judged in resumed.ledger],
        store.statistics("never"),
        [snapshot_contents(snapshot) for snapshot in store.baselines()],
        [None if snapshot is None else snapshot_contents(snapshot) for snapshot in named],
        list(store.quarantine(1_000)),
        list(store.quarantine(2)),
        (store.decision(), repr(store.current())),
        [target_contents(row) for version in VERSIONS for row in store.target(version)],
        [list(store.steps(f"m{at}")) for at in range(3)],
        past_contents(store, [row.key for row, _, _ in chunks]),
        None if resumed.alarms is None else alarm_contents(resumed.alarms),
        repr(store.traffic()),
        repr(store.bridges()),
    )


def alarm_contents(state: AlarmState) -> tuple[object, ...]:
    """A state of alarms in a form that compares to the bit."""
    lists = state.lists
    return (
        repr(
            (state.setup, state.length, state.number, state.limit_log10, state.raised, state.alarms, state.doubtful)
        ),
        [(of.number, of.span, of.seen, of.standing, of.streams, of.values.tobytes()) for of in state.rounds],
        [(stream, repr(replace(of, shares=of.shares.tolist()))) for stream, of in state.streams.items()],
        None if lists is None else (tuple(lists.anchors), [(leg, of.tolist()) for leg, of in lists.said.items()]),
        None if lists is None else [(leg, of.tolist()) for leg, of in lists.known.items()],
    )


def past_contents(store: StateStore, keys: Sequence[int]) -> tuple[object, ...]:
    """What is kept for pictures, to the bit."""
    listed = sorted({*keys, *(chunk_key(f"c{at}") for at in range(5)), 12345})
    found, few = store.history(100, 100), store.history(2, 0)
    return (
        [point_contents(point) for point in (*found.deploys, *found.hours, *few.deploys)],
        (list(found.approvals), len(few.hours)),
        store.tracked(),
        [list(store.tracks(name)) for name in ("q0ü", "q1ü", "never")],
        [list(store.versions(key)) for key in listed],
        store.named(listed),
    )


def point_contents(point: HistoryPoint) -> tuple[object, ...]:
    numbers = tuple(of.tobytes() for of in (point.anchors, point.values, point.limits))
    return repr(replace(point, anchors=point.anchors[:0], values=point.values[:0], limits=point.limits[:0])), numbers


def target_contents(row: TargetRow) -> tuple[object, ...]:
    vector = row.point.vector
    return (*row[:2], row.known, row.point._replace(vector=None), None if vector is None else vector.tobytes())


def sketched(store: StateStore, keys: Sequence[int]) -> dict[int, tuple[bytes, int]]:
    return {key: (one.sample.tobytes(), one.total) for key, one in store.sketches(keys).items()}


def said_contents(store: StateStore, keys: Sequence[int]) -> dict[int, tuple[str, str, bytes | None]]:
    return {
        key: (one.content_hash, one.text, None if one.vector is None else one.vector.tobytes())
        for key, one in store.said(keys).items()
    }


def deploy_contents(record: DeployRecord) -> tuple[object, ...]:
    said = (record.deploy_id, record.event_time, repr(record.verdict), repr(record.report))
    return (*said, *snapshot_contents(record.snapshot))


def snapshot_contents(snapshot: Snapshot) -> tuple[object, ...]:
    lists = {
        leg: (one.depth, one.keys.tobytes(), one.scores.tobytes(), one.lengths.tobytes(), one.known.tobytes())
        for leg, one in snapshot.lists.items()
    }
    plain = (snapshot.name, snapshot.deploy_id, snapshot.event_time, snapshot.fingerprint, snapshot.approval)
    return (
        *plain,
        list(snapshot.anchors.items()),
        lists,
        dict(snapshot.members),
        dict(snapshot.corpus),
        dict(snapshot.positions),
        {key: of.tolist() for key, of in sorted(snapshot.shingles.items())},
    )
