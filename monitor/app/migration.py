"""A migration as the loop watches it: its target, its maintained lists, its replays, and where it stands."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.app.index_questions import IndexQuestions
from monitor.app.migration_plan import MigrationPlan, TargetAccess
from monitor.app.replay import Served
from monitor.app.target_reading import TargetReading
from monitor.core.index.dense.topk import DenseTopK
from monitor.core.migration.coverage import coverage, pace, vector_faults
from monitor.core.migration.model import (
    NEXT,
    AuditSample,
    MigrationView,
    Phase,
    PhaseChange,
    ServingFigures,
    ShadowFigures,
    VectorFaults,
    VersionLists,
)
from monitor.core.migration.shadow import serving_figures, shadow_figures
from monitor.core.migration.target import COVERED, TargetChanges, TargetVersion
from monitor.core.migration.target_points import FoundPoint, TargetRow
from monitor.core.model.anchors import AnchorSet, kept_rows
from monitor.core.model.changes import Change, replaced
from monitor.core.model.events import Located, MalformedEvent, MigrationMarker
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.segments import assign
from monitor.core.records.committed import TargetCommit
from monitor.core.session import Session
from monitor.ports import ConfigurationError, Encoder, StateStore

TARGET_EVENTS = "target"
"""The first part of the names of counters of the target's events."""
_PROBLEMS = 10
"""Lines kept of what went wrong."""
SAMPLED = 300
"""Vectors handed out for an audit where nothing else is said."""


class MigrationWatch:
    """Everything about the second version; used by the loop's thread alone.

    Args:
        plan: what is configured.
        target: over the corpus of the session.
        asking: the anchors with vectors of the new version, row by row those of the set given.
        anchors: the anchors of now, with vectors of the old version.
        access: the indexes and the encoder.
        store: where what was committed is read.
        clocks: the monotonic one paces.
    """

    def __init__(
        self,
        plan: MigrationPlan,
        target: TargetVersion,
        asking: Callable[[AnchorSet], AnchorSet],
        anchors: AnchorSet,
        access: TargetAccess,
        store: StateStore,
        clocks: Clocks,
    ) -> None:
        self.plan, self.target = plan, target
        self.changes: tuple[PhaseChange, ...] = ()
        self._asking, self._access, self._store, self._clocks = asking, access, store, clocks
        self._asked = asking(anchors)
        self._k = max(plan.depths)
        self._lists = DenseTopK(self._asked, target, k=self._k, distance=plan.new.metric)
        retriever = access.retriever
        self._served = (
            None if retriever is None else Served(retriever, self._asked, k=self._k, deadline=access.deadline)
        )
        self._touched: set[int] = set()
        self._seconds: NDArray[np.float64] = np.zeros(0)
        self._old_seconds: NDArray[np.float64] = np.zeros(0)
        self._bare: set[int] = set()
        """Keys of live chunks whose content came without a vector of the old version."""
        self._rows: dict[int, TargetRow] = {}
        self._gone: set[int] = set()
        self._stepped = False
        self._faults = VectorFaults()
        self._told: deque[str] = deque(maxlen=_PROBLEMS)
        self._reading = TargetReading(plan, target, access, store, clocks, observe=self._observe, say=self._say)
        self._questions = IndexQuestions(plan, access, clocks, say=self._say)
        self._shadow: tuple[tuple[RankedLists, RankedLists] | None, tuple[ShadowFigures, ...]] = (None, ())

    # ------------------------------------------------------------ where it stands

    @property
    def phase(self) -> Phase:
        """Where the migration stands."""
        return self.changes[-1].phase if self.changes else Phase.NOT_STARTED

    @property
    def encoder(self) -> Encoder | None:
        """Makes the new version's vectors of texts; None where nothing here can."""
        return self._access.encoder

    @property
    def closed(self) -> tuple[str, ...]:
        """Ids of the barriers of the steps taken."""
        return tuple(f"migration {self.plan.migration_id} {change.step}" for change in self.changes)

    def refusal(self, marker: MigrationMarker) -> MalformedEvent | None:
        """Why a marker cannot be followed now; None where it can."""
        plan = self.plan
        if marker.migration_id != plan.migration_id:
            said = f"migration_id {marker.migration_id!r}: expected {plan.migration_id!r}; one migration at a time"
            return MalformedEvent("other_migration", said)
        if (marker.old, marker.new) != (plan.old.version, plan.new.version):
            said = f"from {marker.old!r} to {marker.new!r}: expected {plan.old.version!r} to {plan.new.version!r}"
            return MalformedEvent("other_versions", said)
        if (self.phase, marker.step) in NEXT:
            return None
        allowed = ", ".join(step for phase, step in NEXT if phase is self.phase) or "another migration_id"
        said = f"phase {marker.step!r} of a migration that is {self.phase}: expected {allowed}"
        return MalformedEvent("out_of_order", said)

    def step(self, marker: MigrationMarker) -> None:
        """Take the step that a marker says; its barrier has closed."""
        led = NEXT.get((self.phase, marker.step))
        if led is None:
            return
        self.changes = (*self.changes, PhaseChange(marker.step, led, marker.event_time))
        self._stepped = True

    # ------------------------------------------------------------ the stream

    def restore(self) -> None:
        """Take up what was committed, and mend the owned index; the corpus is restored already."""
        self.changes = tuple(self._store.steps(self.plan.migration_id))
        corpus = self.target.corpus
        slots = np.flatnonzero(corpus.keys != NO_CHUNK)
        self._bare = set(corpus.keys[slots[~corpus.vectors[slots].any(axis=1)]].tolist())
        self._lists.take(self.target.restore(self._kept()))
        self._lists.settle()
        owned, retriever = self._access.owned, self._access.retriever
        if owned is not None:
            owned.start()
            found = list(self.target.listed())
            rows = [replaced(row, slot=at) for at, (row, _) in enumerate(found)]
            none = np.zeros((0, self.plan.new.dimension), np.float32)
            owned.reconcile(rows, np.stack([vector for _, vector in found]) if found else none)
        elif retriever is not None:
            retriever.start()

    def _kept(self) -> Iterator[TargetRow]:
        """The points of the state; it may have been written under another contract of the same name."""
        new = self.plan.new
        for row in self._store.target(new.version):
            vector = row.point.vector
            if vector is not None and len(vector) != new.dimension:
                found = f"the state holds vectors of {len(vector)} numbers of {new.version!r}"
                message = f"migration.contract.dimension = {new.dimension}: {found}; expected these, or another name"
                raise ConfigurationError(message)
            yield row

    def close(self) -> None:
        """Close the new index."""
        if self._access.retriever is not None:
            self._access.retriever.close()

    def apply(self, batch: Sequence[Located], changes: Sequence[Change]) -> TargetChanges:
        """Take in a batch that the corpus has taken in."""
        for change in changes:
            key, chunk = change.after.key, change.chunk
            if chunk is not None and chunk.vector is None and change.kind != "noop":
                self._bare.add(key)
            elif chunk is None or chunk.vector is not None:
                self._bare.discard(key)
        return self._took(self.target.apply(batch, changes))

    def commit(self) -> TargetCommit | None:
        """What has changed since it was asked last, for the state."""
        if not (self._rows or self._gone or self._stepped):
            return None
        steps = self.changes if self._stepped else None
        made = TargetCommit(
            self.plan.migration_id, self.plan.new.version, list(self._rows.values()), sorted(self._gone), steps
        )
        self._rows, self._gone, self._stepped = {}, set(), False
        return made

    def _took(self, made: TargetChanges) -> TargetChanges:
        self._touched.update(np.flatnonzero(self._lists.apply(made.lists)[: len(self._asked)]).tolist())
        if self._access.owned is not None:
            self._access.owned.apply(made.index)
        for key in made.gone:
            self._rows.pop(key, None)
            self._gone.add(key)
        for row in made.rows:
            self._gone.discard(row.key)
            self._rows[row.key] = row
        return made

    def work(self) -> bool:
        """Read or encode a bounded part of what no event brings; says whether the target changed."""
        began = len(self._rows) + len(self._gone)
        self._reading.work(running=self.phase not in (Phase.NOT_STARTED, Phase.ENDED))
        return len(self._rows) + len(self._gone) > began

    def hurry(self) -> None:
        """Do at the next occasion whatever waits for its time: read, list points, ask the indexes."""
        self._reading.hurry()
        self._questions.hurry()

    def _observe(self, found: Sequence[FoundPoint], absent: Sequence[str]) -> None:
        self._took(self.target.observe(found, absent))

    def _say(self, line: str) -> None:
        if line not in self._told:
            self._told.append(line)

    # ------------------------------------------------------------ measuring

    def reanchor(self, anchors: AnchorSet) -> None:
        """Watch other anchors from here on."""
        asked = self._asking(anchors)
        kept = kept_rows(self._asked, asked)
        self._lists.reanchor(asked, kept)
        if self._served is not None:
            self._served.reanchor(asked, kept)
        self._asked, self._touched = asked, set()
        self._shadow = (None, ())

    def replay(self, *, full: bool, old_seconds: NDArray[np.float64]) -> None:
        """Ask the new index about anchors that were touched, or all.

        Args:
            full: ask all.
            old_seconds: latencies of the old version's full replay.
        """
        touched = np.array(sorted(self._touched), np.int64)
        self._touched.clear()
        if full:
            self._faults = vector_faults(self.target)
            self._old_seconds = old_seconds
            self._questions.hurry()
        if self._served is None:
            return
        replay = self._served.refresh(touched, self._clocks.monotonic(), full=full)
        if full and replay is not None:
            self._seconds = replay.seconds

    def view(self, session: Session, old: Served | None, positions: Mapping[str, int]) -> MigrationView:
        """Everything that is known now."""
        self._questions.ask(len(self._bare))
        source_points, target_points = self._questions.points
        plan, dimensions = self.plan, self.plan.dimensions
        found = coverage(
            self.target,
            settle=plan.settle,
            dimensions=dimensions,
            target_points=target_points,
            source_points=source_points,
            unscanned=not self._reading.scanned,
        )
        begun = self.changes[0].event_time if self.changes else None
        lists = session.lists()
        exact, new_exact = lists["exact"], self._exact()
        unknown = RankedLists.unknown(len(exact), exact.depth)
        served = unknown if old is None else old.lists
        new_served = unknown if self._served is None else self._served.lists
        names, documents = self._described(served, exact, new_served, new_exact)
        both = (served, new_served) if served.known.any() and new_served.known.any() else (exact, new_exact)
        return MigrationView(
            migration_id=plan.migration_id,
            old=plan.old,
            new=plan.new,
            phase=self.phase,
            changes=self.changes,
            now=session.corpus.newest_event_time,
            positions=positions,
            coverage=found,
            pace=pace(self.target, begun=begun, uncovered=found.live - found.covered),
            faults=self._faults,
            serving=self._serving(old, exact),
            shadow=self._compared(both, session.engine.anchors, documents),
            anchors=session.engine.anchors,
            anchor_digest=self._digest(session.engine.anchors),
            lists={
                plan.old.version: VersionLists(served, exact),
                plan.new.version: VersionLists(new_served, new_exact),
            },
            names=names,
            documents=documents,
            events={
                (name[1], name[2]): count for name, count in session.counters.items() if name[0] == TARGET_EVENTS
            },
            alias=self._questions.alias,
            problems=(*self._told, *self.target.named),
            deploy_id=session.ledger[-1].deploy_id if session.ledger else "",
        )

    def sample(self, count: int = SAMPLED, *, seed: int = 0) -> AuditSample:
        """Random points with the texts that they say they were made from, for a blind audit."""
        slots = np.flatnonzero(self.target.codes == COVERED)
        chosen = np.random.default_rng(seed).permutation(slots)[:count]
        keys = self.target.keys[chosen].tolist()
        said = self._store.said(keys)
        at = [(int(slot), key) for slot, key in zip(chosen, keys, strict=True) if key in said]
        at = [(slot, key) for slot, key in at if said[key].content_hash == self._hash_of(key)]
        return AuditSample(
            [self.target.names[slot] for slot, _ in at],
            [said[key].text for _, key in at],
            [self.target.vectors[slot].tolist() for slot, _ in at],
        )

    def _hash_of(self, key: int) -> str:
        row = self.target.corpus.row(key)
        return "" if row is None else row.content_hash

    def _exact(self) -> RankedLists:
        lists = self._lists.lists()
        return lists if len(lists) == len(self._asked) else lists.take(np.arange(len(self._asked)))

    def _serving(self, old: Served | None, exact: RankedLists) -> tuple[ServingFigures, ServingFigures]:
        made = []
        old_points, new_points = self._questions.points
        for version, served, lists, seconds, points in (
            (self.plan.old.version, old, exact, self._old_seconds, old_points),
            (self.plan.new.version, self._served, self._exact(), self._seconds, new_points),
        ):
            problems = () if served is None else (*served.problems, *served.busy)
            asked = None if served is None else served.lists
            made.append(
                serving_figures(
                    version, asked, lists, self.plan.depths[0], seconds=seconds, points=points, problems=problems
                )
            )
        return made[0], made[1]

    def _compared(
        self, both: tuple[RankedLists, RankedLists], anchors: AnchorSet, documents: Mapping[int, str]
    ) -> tuple[ShadowFigures, ...]:
        """Shadow figures, worked out anew where a list is another one."""
        before = self._shadow[0]
        if before is None or before[0] is not both[0] or before[1] is not both[1]:
            segments = assign([one.segment for one in anchors.anchors], self.plan.dimensions, cap=self.plan.cap)
            made = shadow_figures(*both, depths=self.plan.depths, segments=segments, documents=documents)
            self._shadow = (both, made)
        return self._shadow[1]

    def _described(self, *lists: RankedLists) -> tuple[dict[int, str], dict[int, str]]:
        """Chunk ids and document ids of all that is listed."""
        names: dict[int, str] = {}
        documents: dict[int, str] = {}
        for key in np.unique(np.concatenate([of.keys.ravel() for of in lists])).tolist():
            row = None if key == NO_CHUNK else self.target.corpus.row(key)
            if row is not None:
                names[key], documents[key] = row.chunk_id, row.doc_id
            elif key in self.target.beyond:
                names[key] = self.target.beyond[key].chunk_id
        return names, documents

    def _digest(self, anchors: AnchorSet) -> str:
        digest = blake2b(digest_size=8)
        for old, new in zip(anchors.anchors, self._asked.anchors, strict=True):
            digest.update(anchor_digest(old).encode() + anchor_digest(new).encode())
        return digest.hexdigest()


def counted(made: TargetChanges) -> Mapping[tuple[str, str, str], int]:
    """Outcomes as counters of a session."""
    return {(TARGET_EVENTS, *outcome): count for outcome, count in made.outcomes.items()}
