"""What if: the verdict and the blame of a change set before it is written anywhere."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.app.embedding import Embedder
from monitor.app.restore import restore
from monitor.app.snapshot import Snapshots
from monitor.app.tally import Tally
from monitor.core.index.engine import of_one_process
from monitor.core.judging.added import added, already_document
from monitor.core.judging.learning import WINDOW, learnt
from monitor.core.judging.policy import Rule, despite
from monitor.core.model.events import CorpusEvent, Delete, Deploy, Located, MalformedEvent, Segment, Upsert
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.records.documents import gate_document
from monitor.core.records.history import approved_deploys
from monitor.core.session import Session
from monitor.ports import StateStore

BATCH = 1_024


@dataclass(frozen=True, slots=True)
class ForecastSession:
    """A session of our own, and what judges it; nothing of it is shared with a running monitor.

    Args:
        store: the committed state, read only, not started.
        session: over an empty corpus; its exact lists stand for what an index would serve.
        snapshots: knows the baseline.
        rules: the policy.
        embedder: gives chunks their vectors.
        refused: share of the change set that may be set aside, as of a deploy (`source.max_refused_ratio`).
    """

    store: StateStore
    session: Session
    snapshots: Snapshots
    rules: Sequence[Rule]
    embedder: Embedder
    refused: float
    learns: bool = False
    """Whether limits are learnt from approved deploys."""


def forecast(
    bench: ForecastSession, events: Iterable[CorpusEvent | MalformedEvent], deploy_id: str
) -> dict[str, Any]:
    """Restore the committed state, judge it, apply the change set, judge again. Nothing is written.

    The verdict is on what the change adds (`core.judging.added`); what is there already is told apart from it.

    The maintained exact lists stand for what the index would serve, against the baseline's exact lists where it has
    them: on an exact index the forecast is the outcome; on an approximate one it is the outcome without the index's
    own noise. Events are taken to arrive behind everything that was read.

    Args:
        bench: what to work on.
        events: the change set, in order, what is malformed in it as its error; its last deploy marker may say what
            change it expects.
        deploy_id: the name of the deploy that would follow.

    Returns:
        As `gate_document`, with `state` "forecast", `already` for what is there without the change and how the
        deploy itself would be judged, and a `warning` that counts the events that would be set aside.
    """
    session, refused, given = bench.session, Counter[str](), [*events]
    session.resume(restore(bench.store, session.corpus, of_one_process(session.engine), None))
    expected = _expected(given)
    session.compare_with(*bench.snapshots.chosen(session.ledger))
    approved = approved_deploys(bench.store.history(WINDOW, 0)) if bench.learns else []
    rules = learnt(bench.rules, [one for one in approved if one.deploy_id != deploy_id])
    _, now = session.evaluate(deploy_id, rules=rules, expected=expected).judged()
    for batch in _batches(_sound(given, refused)):
        refused.update(_apply(bench, [session.locate(event) for event in batch]))
    aside = _too_many(given, refused, bench.refused)
    after = session.evaluate(deploy_id, rules=rules, problems=aside, expected=expected)
    report, outcome = after.judged()
    made = gate_document(deploy_id, report, despite(report, added(rules, now, outcome)))
    made["already"] = already_document(now, outcome)
    made["state"] = "forecast"
    if refused:
        said = ", ".join(f"{count} x {reason}" for reason, count in sorted(refused.items()))
        made["warning"] = f"{sum(refused.values())} event(s) of the change set would be set aside: {said}"
    return made


def _too_many(
    given: Sequence[CorpusEvent | MalformedEvent], refused: Counter[str], limit: float
) -> tuple[Problem, ...]:
    """Why the deploy that would follow could not be judged: most of the change set was not understood."""
    malformed = sum(isinstance(event, MalformedEvent) for event in given)
    changes = sum(isinstance(event, Upsert | Delete) for event in given)
    tally = Tally(changes - (sum(refused.values()) - malformed), refused)
    return (Problem(ProblemKind.REFUSED, tally.complaint(limit)),) if tally.too_many(limit) else ()


def _expected(events: Iterable[CorpusEvent | MalformedEvent]) -> Segment:
    """What the last deploy marker says the change is about."""
    return next((event.expected for event in reversed([*events]) if isinstance(event, Deploy)), ())


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


def _apply(bench: ForecastSession, located: Sequence[Located]) -> list[str]:
    """One batch, as the loop takes it; why events would be set aside."""
    events, vectorless = bench.embedder.embed(located)
    refused = bench.session.apply(events).refused
    return [error.reason for _, error in vectorless] + [item.error.reason for item in refused]
