"""What if: the verdict and the blame of a change set before it is written anywhere."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from monitor.app.embedding import Embedder
from monitor.app.measuring import OPEN_GAPS
from monitor.app.milestones import Milestones
from monitor.app.restore import restore
from monitor.app.snapshot import Snapshots
from monitor.app.statistics import measurable, repeated
from monitor.core.baseline import Judged, ListLeg, Snapshot
from monitor.core.committed import Resumed
from monitor.core.comparison.content_hashes import ContentHashes
from monitor.core.comparison.facts import CorpusFacts
from monitor.core.corpus import Corpus
from monitor.core.documents import gate_document
from monitor.core.drift import Drift, Observation
from monitor.core.engine import Engine
from monitor.core.evaluation import Budget, Evaluation, evidence_of
from monitor.core.events import (
    CorpusEvent,
    Delete,
    Deploy,
    Located,
    MalformedEvent,
    Partition,
    Position,
    Segment,
    Upsert,
    chunk_key,
)  # fmt: skip
from monitor.core.known import Known
from monitor.core.lists import RankedLists
from monitor.core.policy import Rule
from monitor.core.problems import Problem, ProblemKind
from monitor.ports import StateStore

BATCH = 1_024
ALONE = Partition("changeset", 0)
"""Where a change set stands that comes to a state that never read a partition."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A corpus and an engine of our own, and what judges them; nothing of it is shared with a running monitor.

    Args:
        store: the committed state, read only, not started.
        corpus: empty.
        engine: over that corpus.
        drift: evaluates.
        snapshots: knows the baseline.
        rules: the policy.
        embedder: gives chunks their vectors.
    """

    store: StateStore
    corpus: Corpus
    engine: Engine
    drift: Drift
    snapshots: Snapshots
    rules: Sequence[Rule]
    embedder: Embedder


@dataclass(slots=True)
class _Places:
    """Where the events of a change set would stand: behind what was read, a chunk in the partition it came from."""

    resumed: Resumed
    corpus: Corpus
    _next: dict[Partition, int] = field(init=False)

    def __post_init__(self) -> None:
        self._next = dict(self.resumed.positions) or {ALONE: 0}

    def of(self, event: CorpusEvent) -> Position:
        row = None
        if isinstance(event, Upsert | Delete):
            row = self.corpus.row(chunk_key(event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id))
        part = row.position.source if row is not None and row.position.source in self._next else min(self._next)
        self._next[part] += 1
        return Position(*part, self._next[part] - 1)

    def named(self) -> dict[str, int]:
        return {f"{part.topic}/{part.partition}": at for part, at in sorted(self._next.items())}


def forecast(bench: Bench, events: Iterable[CorpusEvent | MalformedEvent], deploy_id: str) -> dict[str, Any]:
    """Restore the committed state, apply the change set, judge what comes out. Nothing is written.

    The maintained exact lists stand for what the index would serve, against the baseline's exact lists where it has
    them: on an exact index the forecast is the outcome; on an approximate one it is the outcome without the index's
    own noise. Events are taken to arrive behind everything that was read.

    Args:
        bench: what to work on.
        events: the change set, in order, what is malformed in it as its error; its last deploy marker may say what
            change it expects.
        deploy_id: the name of the deploy that would follow.

    Returns:
        As `gate_document`, with `state` "forecast", and a `warning` that counts the events that would be set aside.
    """
    resumed = restore(bench.store, bench.corpus, bench.engine, None)
    places, refused, expected = _Places(resumed, bench.corpus), Counter[str](), _Expected()
    counters = Counter(resumed.counters)
    for batch in _batches(_sound(events, refused)):
        located = []
        for event in batch:
            located.append(Located(places.of(event), event))
            expected.see(event)
        refused.update(_apply(bench, located, counters))
    made = _judged(bench, (resumed.ledger, counters), places.named(), (deploy_id, expected.segment))
    made["state"] = "forecast"
    if refused:
        said = ", ".join(f"{count} x {reason}" for reason, count in sorted(refused.items()))
        made["warning"] = f"{sum(refused.values())} event(s) of the change set would be set aside: {said}"
    return made


@dataclass(slots=True)
class _Expected:
    segment: Segment = ()

    def see(self, event: CorpusEvent) -> None:
        if isinstance(event, Deploy):
            self.segment = event.expected


def _sound(events: Iterable[CorpusEvent | MalformedEvent], refused: Counter[str]) -> Iterable[CorpusEvent]:
    for event in events:
        if isinstance(event, MalformedEvent):
            refused[event.reason] += 1
        else:
            yield event


def _batches(events: Iterable[CorpusEvent]) -> Iterable[list[CorpusEvent]]:
    batch: list[CorpusEvent] = []
    for event in events:
        batch.append(event)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _apply(bench: Bench, located: Sequence[Located], counters: Counter[tuple[str, ...]]) -> list[str]:
    """One batch, as the loop takes it; why events would be set aside."""
    events, vectorless = bench.embedder.embed(located)
    applied = bench.corpus.apply(events)
    counters.update(repeated(applied.changes))
    bench.engine.apply(bench.corpus.delta(applied.changes))
    return [error.reason for _, error in vectorless] + [item.error.reason for item in applied.refused]


def _as_served(lists: Mapping[ListLeg, RankedLists]) -> dict[ListLeg, RankedLists]:
    """The exact dense lists in place of the served ones; the served ones where no exact ones were kept."""
    made = dict(lists)
    if "exact" in made:
        made["dense"] = made["exact"]
    return made


def _baselines(bench: Bench, ledger: Sequence[Judged]) -> tuple[Snapshot | None, Snapshot | None]:
    """The baseline, and the pinned one where it is another."""
    chosen, pinned = bench.snapshots.current(ledger), bench.snapshots.pinned()
    if chosen is not None and pinned is not None and pinned.name == chosen.name:
        pinned = None
    found = [None if of is None else replace(of, lists=_as_served(of.lists)) for of in (chosen, pinned)]
    return found[0], found[1]


def _judged(
    bench: Bench,
    past: tuple[Sequence[Judged], Counter[tuple[str, ...]]],
    positions: Mapping[str, int],
    deploy: tuple[str, Segment],
) -> dict[str, Any]:
    (ledger, counters), (deploy_id, expected) = past, deploy
    baseline, pinned = _baselines(bench, ledger)
    corpus, engine = bench.corpus, bench.engine
    engine.statistics.rebase(None if baseline is None else baseline.profile)
    known = Known(corpus, engine, tuple(ledger), {}, Milestones(bench.store).of(ledger))
    lost = f"the stream lost events {counters[OPEN_GAPS]} time(s); reload the corpus, then approve a baseline"
    problems = (Problem(ProblemKind.STREAM_LOSS, lost),) if counters[OPEN_GAPS] else ()
    seen = Observation(
        deploy_id=deploy_id,
        now=corpus.newest_event_time,
        positions=positions,
        lists=_as_served(engine.lists()),
        hashes=ContentHashes(corpus),
        settling=frozenset(),
        failures={},
        corpus={"chunks": float(len(corpus))},
        chunks=bench.drift.content(engine.duplicates),
        problems=problems,
        facts=CorpusFacts(corpus, engine.duplicates, known.changes),
        rewrites=engine.rewrites(),
        profile=measurable(engine, bench.drift, counters),
    )
    compared = bench.drift.compared(baseline, pinned, seen, known)
    evidence = evidence_of(baseline, compared, bench.rules, Budget(expected, known.changes))
    report, verdict = Evaluation(compared, bench.rules, evidence).judged()
    return gate_document(deploy_id, report, verdict)
