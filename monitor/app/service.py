"""What other threads may ask of the loop: baselines, and a deploy at the end of the stream as it is now."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, TypeVar

from monitor.app.asking import judged_against
from monitor.app.explaining import made_card, stored_card
from monitor.app.loop import Monitor
from monitor.app.operations import Operations
from monitor.app.recording import anchor_past, chunk_past
from monitor.core.erasure.model import ErasureRequest
from monitor.core.explain.card import CardQuery
from monitor.core.index.baseline import Approval, Snapshot
from monitor.core.model.anchors import Anchor
from monitor.core.records.committed import DeployRecord, Retried
from monitor.core.records.history import AnchorPast, ChunkPast, History
from monitor.core.records.published import Published, Pulse
from monitor.ports import StateStore, UnreachableError

T = TypeVar("T")


class MonitorService:
    """`Service` of a running monitor: reads the last published reference, or runs between two turns of the loop.

    Args:
        monitor: the running loop.
        read: opens the committed state read-only, for reports of earlier deploys.
        erasing: works out a proof of erasure, in the thread that asks; None: it cannot be asked for.
        patience: seconds to wait for the loop to come to a request.
        config: the configuration file that commands on an incident card name.
    """

    def __init__(
        self,
        monitor: Monitor,
        read: Callable[[], AbstractContextManager[StateStore]],
        *,
        erasing: Callable[[Monitor, ErasureRequest], Mapping[str, Any]] | None = None,
        patience: float = 30.0,
        config: str = "corpus-drift.toml",
    ) -> None:
        self._monitor, self._read, self._patience, self._config = monitor, read, patience, config
        self._erasing = erasing

    def published(self) -> Published | None:
        """The last view the loop published."""
        return self._monitor.published

    def pulse(self) -> Pulse | None:
        """What is known of that view without working it out."""
        return self._monitor.measuring.pulse

    def deploy(self, deploy_id: str) -> DeployRecord | None:
        """A judged deploy, from the committed state."""
        with self._read() as store:
            return store.deploy(deploy_id)

    def judged_against(self, deploy_id: str, baseline: str) -> Mapping[str, Any]:
        """A judged deploy against another approved baseline, by an evaluation apart from the loop's."""
        drift, rules = self._monitor.operations.apart()
        with self._read() as store:
            return judged_against(drift, rules, store, deploy_id, baseline)

    def baselines(self) -> Sequence[Snapshot]:
        """All captured baselines, from the committed state, and the deploy's own that a moving mode compares with."""
        with self._read() as store:
            return replace(self._monitor.parts.snapshots, store=store).every()

    def capture(self, name: str) -> Snapshot:
        """Freeze the current lists, freshly replayed, as a baseline that nobody has approved yet."""
        return self._ask(lambda loop: loop.capture(name))

    def approve(self, name: str, approval: Approval) -> Snapshot:
        """Approve a captured baseline; reports compare with it from now on."""
        return self._ask(lambda loop: loop.approve(name, approval))

    def accept(self, name: str, approval: Approval) -> Snapshot:
        """Capture the current lists and approve them in one step."""
        return self._ask(lambda loop: loop.accept(name, approval))

    def deploy_at_end(self, deploy_id: str) -> None:
        """Close a deploy where the stream ends now."""
        self._ask(lambda loop: loop.deploy_at_end(deploy_id))

    def explain(self, deploy_id: str, segment: str, anchor: str) -> Mapping[str, Any]:
        """The incident card of a judged deploy, or of the corpus now."""
        context, question = self._monitor.operations.card_context(self._config), CardQuery(segment, anchor)
        if deploy_id:
            with self._read() as store:
                return stored_card(store, deploy_id, question, context)
        incident = self._ask(Operations.incident)
        with self._read() as store:
            return made_card(store, incident, question, context)

    def erased(self, request: ErasureRequest) -> Mapping[str, Any]:
        """Whether what was deleted can still be retrieved."""
        if self._erasing is None:
            message = "no proof of erasure is made here"
            raise UnreachableError(message)
        return self._erasing(self._monitor, request)

    def retry(self) -> Retried:
        """Give everything in quarantine another try."""
        return self._ask(Operations.retry)

    def anchors(self) -> Sequence[Anchor]:
        """The anchors in use."""
        return self._monitor.parts.engine.anchors.anchors

    def history(self, deploys: int, hours: int) -> History:
        """The newest points of the committed state."""
        with self._read() as store:
            return store.history(deploys, hours)

    def anchor_past(self, anchor: str) -> AnchorPast:
        """An anchor's lists over the last deploys, from the committed state."""
        with self._read() as store:
            return anchor_past(store, anchor)

    def chunk_past(self, chunk_id: str) -> ChunkPast | None:
        """What a chunk says and said, from the committed state."""
        with self._read() as store:
            return chunk_past(store, chunk_id)

    def _ask(self, action: Callable[[Operations], T]) -> T:
        try:
            return self._monitor.ask(action).result(timeout=self._patience)
        except TimeoutError as error:
            message = f"the loop did not answer within {self._patience:g} s; is it working off a backlog?"
            raise UnreachableError(message) from error
