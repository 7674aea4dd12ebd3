"""What other threads may ask of the loop: baselines, and a deploy at the end of the stream as it is now."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from monitor.app.asking import judged_against
from monitor.app.explaining import around_of, incident_now, made_card, stored_card
from monitor.app.measuring import OPEN_GAPS
from monitor.app.retrying import retry
from monitor.app.snapshot import NOTHING_LISTED, PENDING, listed, responsible
from monitor.core.baseline import Approval, Snapshot
from monitor.core.committed import Commit, DeployRecord, Retried
from monitor.core.events import Deploy
from monitor.core.explain.card import Question
from monitor.core.published import Published
from monitor.ports import ConfigurationError, StateStore, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from monitor.app.loop import Monitor

T = TypeVar("T")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Of a baseline, as in the configuration."""
DEPLOY_ID_BYTES = 1_024
"""As in events."""


class MonitorService:
    """`Service` of a running monitor: reads the last published reference, or runs between two turns of the loop.

    Args:
        monitor: the running loop.
        read: opens the committed state read-only, for reports of earlier deploys.
        patience: seconds to wait for the loop to come to a request.
        config: the configuration file that commands on an incident card name.
    """

    def __init__(
        self,
        monitor: "Monitor",
        read: "Callable[[], AbstractContextManager[StateStore]]",
        *,
        patience: float = 30.0,
        config: str = "corpus-drift.toml",
    ) -> None:
        self._monitor, self._read, self._patience, self._config = monitor, read, patience, config

    def published(self) -> Published | None:
        """The last view the loop published."""
        return self._monitor.published

    def deploy(self, deploy_id: str) -> DeployRecord | None:
        """A judged deploy, from the committed state."""
        with self._read() as store:
            return store.deploy(deploy_id)

    def judged_against(self, deploy_id: str, baseline: str) -> Mapping[str, Any]:
        """A judged deploy against another approved baseline, by an evaluation apart from the loop's."""
        parts = self._monitor.parts
        drift = parts.drift_of(parts.engine.anchors)
        with self._read() as store:
            return judged_against(drift, parts.rules, store, deploy_id, baseline)

    def baselines(self) -> Sequence[Snapshot]:
        """All captured baselines, from the committed state."""
        with self._read() as store:
            return store.baselines()

    def capture(self, name: str) -> Snapshot:
        """Freeze the current lists, freshly replayed, as a baseline that nobody has approved yet."""
        return self._ask(lambda monitor: capture(monitor, name))

    def approve(self, name: str, approval: Approval) -> Snapshot:
        """Approve a captured baseline; reports compare with it from now on."""
        return self._ask(lambda monitor: approve(monitor, name, approval))

    def accept(self, name: str, approval: Approval) -> Snapshot:
        """Capture the current lists and approve them in one step."""
        return self._ask(lambda monitor: accept(monitor, name, approval))

    def deploy_at_end(self, deploy_id: str) -> None:
        """Close a deploy where the stream ends now."""
        self._ask(lambda monitor: deploy_at_end(monitor, deploy_id))

    def explain(self, deploy_id: str, segment: str, anchor: str) -> Mapping[str, Any]:
        """The incident card of a judged deploy, or of the corpus now."""
        around, question = around_of(self._monitor, self._config), Question(segment, anchor)
        if deploy_id:
            with self._read() as store:
                return stored_card(store, deploy_id, question, around)
        incident = self._ask(incident_now)
        with self._read() as store:
            return made_card(store, incident, question, around)

    def retry(self) -> Retried:
        """Give everything in quarantine another try."""
        return self._ask(retry)

    def _ask(self, action: "Callable[[Monitor], T]") -> T:
        answer: Future[Any] = Future()
        self._monitor.requests.put((action, answer))
        self._monitor.refuse_when_over()
        try:
            result: T = answer.result(timeout=self._patience)
        except TimeoutError as error:
            message = f"the loop did not answer within {self._patience:g} s; is it working off a backlog?"
            raise UnreachableError(message) from error
        return result


def capture(monitor: "Monitor", name: str) -> Snapshot:
    """Capture in the loop's own thread; beside an approved baseline of that name, which stays in force."""
    if not NAME.fullmatch(name):
        message = f"baseline {name[:80]!r}: expected 1 to 64 letters, digits, '_', '.', '-', a letter or digit first"
        raise ConfigurationError(message)
    if not len(monitor.parts.corpus):
        message = f"baseline {name!r}: the corpus is empty, no event was applied; expected chunks to compare with"
        raise UnreachableError(message)
    monitor.measuring.replay(full=True)
    newest = monitor.ledger[-1].deploy_id if monitor.ledger else ""
    snapshot = monitor.measuring.snapshot(monitor.intake, monitor.parts.snapshots.captured_as(name), newest)
    unknown = {leg: int((~lists.known).sum()) for leg, lists in snapshot.lists.items() if not lists.known.all()}
    if unknown:
        missing = ", ".join(f"{count} {leg}" for leg, count in sorted(unknown.items()))
        message = f"baseline {name!r}: {missing} lists could not be had from the index; expected all of them"
        raise UnreachableError(message)
    if not listed(snapshot):
        message = f"baseline {name!r}: {NOTHING_LISTED}"
        raise UnreachableError(message)
    snapshot = monitor.measuring.with_noise(monitor.intake, snapshot)
    _store(monitor, Commit({}, baselines=(snapshot,), counters=dict(monitor.counters)))
    _publish(monitor)
    return snapshot


def approve(monitor: "Monitor", name: str, approval: Approval) -> Snapshot:
    """Approve in the loop's own thread and put it in force, whatever name is configured and whatever deploy passed.

    Whoever approves also takes responsibility for earlier losses.
    """
    snapshots = monitor.parts.snapshots
    snapshot = snapshots.approved(name, approval)
    made = Commit(
        {},
        baselines=(snapshot,),
        counters={**monitor.counters, OPEN_GAPS: 0},
        withdrawn=(snapshot.name + PENDING,),
        decision=snapshots.decide(snapshot.name, monitor.ledger),
    )
    _store(monitor, made)
    monitor.counters[OPEN_GAPS] = 0  # only now: a store that refused has not forgotten the losses either
    monitor.measuring.choose_baseline()
    monitor.measuring.replay(full=False)
    _publish(monitor)
    return snapshot


def accept(monitor: "Monitor", name: str, approval: Approval) -> Snapshot:
    """The corpus as it is now becomes what is compared with: capture and approval in one step, in the loop's thread.

    Args:
        monitor: the running loop.
        name: of the baseline; "" for the configured one.
        approval: who takes responsibility, and why.
    """
    chosen = name or monitor.parts.snapshots.name
    responsible(chosen, approval)  # before the work of a capture
    capture(monitor, chosen)
    return approve(monitor, chosen, approval)


def deploy_at_end(monitor: "Monitor", deploy_id: str) -> None:
    """Open a barrier at the source's end as it is now; a deploy that was judged already stays as it is."""
    if not deploy_id or not deploy_id.isprintable() or len(deploy_id.encode()) > DEPLOY_ID_BYTES:
        message = f"deploy {deploy_id[:80]!r}: expected 1 to {DEPLOY_ID_BYTES} bytes of printable characters"
        raise ConfigurationError(message)
    if any(judged.deploy_id == deploy_id for judged in monitor.ledger):
        return
    ends = monitor.parts.source.end()
    if ends is None:
        message = "the source cannot say where it ends; expected a deploy marker in the stream"
        raise ConfigurationError(message)
    marker = Deploy(deploy_id, monitor.parts.corpus.newest_event_time, dict(ends))
    monitor.intake.barrier.request(marker)


def _store(monitor: "Monitor", made: Commit) -> None:
    """Commit at the position of now."""
    newest = monitor.parts.corpus.newest_event_time
    monitor.parts.store.commit(replace(made, positions=monitor.intake.positions, newest_event_time=newest))


def _publish(monitor: "Monitor") -> None:
    """Show the report of now, and leave it in the state: a command that owned the state for this ends right after."""
    monitor.measuring.publish(monitor.intake, monitor.measuring.measure(monitor.intake))
    monitor.remember()
