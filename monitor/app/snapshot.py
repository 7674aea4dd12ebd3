"""Snapshots kept: choosing the baseline that reports compare with, capturing and approving."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.core.index.baseline import (
    DEPLOY_BASELINE,
    Adopted,
    Approval,
    Decision,
    Judged,
    Mode,
    Snapshot,
    adoption,
    chosen_deploy,
)
from monitor.ports import ConfigurationError, StateStore

PENDING = "~pending"
"""Behind the name of a capture that replaces an approved baseline; no name that people give has a tilde."""
PASSED = Approval("gate", "passed", "")
BOOTSTRAP = Approval("bootstrap", "first complete deploy; baseline.bootstrap = 'first-deploy'", "")


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Knows which snapshot is the baseline.

    Args:
        store: where baselines and deploys are kept.
        name: the pinned baseline's name.
        mode: how the baseline advances.
        window: N of the rolling mode.
        bootstrap: approve the first complete deploy's snapshot when there is no baseline of that name.
        patience: deploys that an INCONCLUSIVE one waits for somebody to decide; see `adoption`.
    """

    store: StateStore
    name: str
    mode: Mode
    window: int
    bootstrap: bool
    patience: int = 0

    def comparable(self, name: str, deploy_id: str) -> bool:
        """Whether a snapshot may become a baseline, so that its chunks are kept with it (24 bytes each).

        Captures may, and deploys while the baseline moves or is still to come from the first one.
        """
        if name != deploy_id or self.mode != "pinned":
            return True
        return self._bootstraps()

    def pinned(self) -> Snapshot | None:
        """The baseline that a person decided for, else that of the configured name; None before an approval."""
        decided = self._decided()
        found = self.store.baseline(self.name if decided is None else decided.name)
        return found if found is not None and found.approval is not None else None

    def current(self, ledger: Sequence[Judged], held: Snapshot | None = None) -> Snapshot | None:
        """The snapshot that reports compare with: a moving mode's deploy, else the pinned baseline.

        What is measured against a baseline is kept by the object: `held`, the one chosen before, is returned where
        the choice is the same again.
        """
        deploy_id = chosen_deploy(self.mode, ledger, window=self.window, decision=self._decided())
        if deploy_id is None:
            return self.pinned()
        record = self.store.deploy(deploy_id)
        if record is None:
            return self.pinned()
        name = f"{DEPLOY_BASELINE}{deploy_id}"
        if held is not None and held.name == name and held.lists is record.snapshot.lists:
            return held
        moved = next((one.adopted for one in ledger if one.adopted and one.adopted.deploy_id == deploy_id), None)
        approval = PASSED if moved is None else moved.approval
        return replace(record.snapshot, name=name, approval=approval, moving=True)

    def moved_on(self, ledger: Sequence[Judged]) -> Adopted | None:
        """What the baseline moves on to by the newest entry of the ledger, see `adoption`; None: it stays."""
        return adoption(self.mode, ledger, patience=self.patience, decision=self._decided())

    def chosen(
        self, ledger: Sequence[Judged], held: Snapshot | None = None
    ) -> tuple[Snapshot | None, Snapshot | None]:
        """The baseline (see `current`), and the pinned one beside it: the same object where they are one."""
        baseline, pinned = self.current(ledger, held), self.pinned()
        same = baseline is not None and pinned is not None and pinned.name == baseline.name
        return baseline, baseline if same else pinned

    def every(self) -> Sequence[Snapshot]:
        """All captured baselines, oldest first, and the deploy's own snapshot that a moving mode compares with."""
        current = self.current(self.store.ledger())
        return [*self.store.baselines(), *(() if current is None or not current.moving else (current,))]

    def bootstrapped(self, snapshot: Snapshot) -> Snapshot | None:
        """The first complete deploy as an approved baseline, where the configuration asks for that."""
        return replace(snapshot, name=self.name, approval=BOOTSTRAP) if self._bootstraps() else None

    def _bootstraps(self) -> bool:
        return self.bootstrap and self._decided() is None and self.store.baseline(self.name) is None

    def decide(self, name: str, ledger: Sequence[Judged]) -> Decision:
        """A person puts this baseline in force now."""
        return Decision(name, self.name, ledger[-1].deploy_id if ledger else "")

    def _decided(self) -> Decision | None:
        """The newest decision of a person, unless the configuration names another baseline since."""
        return decided(self.store, self.name)

    def captured_as(self, name: str) -> str:
        """The name a new capture is kept under: an approved baseline stays in force until the new one is approved."""
        found = self.store.baseline(name)
        return name if found is None or found.approval is None else name + PENDING

    def approved(self, name: str, approval: Approval) -> Snapshot:
        """A captured baseline with its approval: the capture made after the approved one of that name, if any.

        Raises:
            ConfigurationError: no such capture, or author or reason are empty.
        """
        asked = self.store.baseline(name)
        name = asked.replaces if asked is not None and asked.replaces else name
        captured = self.store.baseline(name + PENDING) or asked
        if captured is None:
            known = ", ".join(snapshot.name for snapshot in self.store.baselines()) or "none"
            message = f"baseline {name!r}: not captured; expected one of: {known}"
            raise ConfigurationError(message)
        responsible(name, approval)
        if not listed(captured):
            message = f"baseline {name!r}: {NOTHING_LISTED}; capture it again"
            raise ConfigurationError(message)
        return replace(captured, name=name, replaces="", approval=approval)


NOTHING_LISTED = "no anchor has a result in it, so everything would differ from it; expected a corpus that answers"


def listed(snapshot: Snapshot) -> bool:
    """Whether any anchor has a result on a leg: a snapshot without any is no state to compare with."""
    return any(bool(lists.lengths.any()) for lists in snapshot.lists.values())


def responsible(name: str, approval: Approval) -> None:
    """Raises ConfigurationError where nobody, or nothing, stands behind an approval."""
    if not approval.author.strip() or not approval.reason.strip():
        message = f"baseline {name!r}: approval needs an author and a reason, both not empty"
        raise ConfigurationError(message)


def decided(store: StateStore, configured: str) -> Decision | None:
    """The newest decision of a person, unless the configuration names another baseline since."""
    found = store.decision()
    return found if found is not None and found.configured == configured else None
