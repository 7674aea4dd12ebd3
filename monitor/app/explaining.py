"""Explaining: the incident card of a judged deploy from the committed state, or of the corpus as it is now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.app.reencoding import reencoded
from monitor.core.attribution.cause import with_evidence
from monitor.core.explain.card import CardQuery, Incident, NotThere, card
from monitor.core.index.baseline import Judged, Snapshot
from monitor.core.model.anchors import Anchor
from monitor.core.model.report import BaselineIdentity, CauseEvidence
from monitor.core.records.committed import DeployRecord
from monitor.core.records.documents import Document
from monitor.ports import ConfigurationError, Encoder, StateStore, UnreachableError


@dataclass(frozen=True, slots=True)
class CardContext:
    """What a card needs besides the state.

    Args:
        anchors: the anchors now.
        encoder: encodes a sample of texts anew, None where none is configured.
        config: the configuration file that the card's commands name.
    """

    anchors: Sequence[Anchor]
    encoder: Encoder | None
    config: str

    @property
    def texts(self) -> Mapping[str, str]:
        """Question by anchor id."""
        return {anchor.id: anchor.text for anchor in self.anchors}

    @property
    def versions(self) -> frozenset[str]:
        """Embedding versions that the anchors name."""
        return frozenset(anchor.embedding_version for anchor in self.anchors if anchor.embedding_version)


def stored_card(store: StateStore, deploy_id: str, question: CardQuery, context: CardContext) -> Document:
    """The card of a judged deploy, of the newest where none is named.

    Raises:
        ConfigurationError: no such deploy, segment or anchor, or its report is no longer kept.
        UnreachableError: nothing was judged yet.
    """
    ledger = store.ledger()
    record = _record(store, ledger, deploy_id)
    upto = [judged.deploy_id for judged in ledger].index(record.deploy_id) + 1
    incident = Incident(
        deploy_id=record.deploy_id,
        report=record.report,
        verdict=record.verdict,
        before=_baseline_of(store, record.report.baseline),
        after=record.snapshot,
        attributions=record.attributions,
        ledger=ledger[:upto],
        texts=context.texts,
        versions=context.versions,
    )
    return made_card(store, incident, question, context)


def made_card(store: StateStore, incident: Incident, question: CardQuery, context: CardContext) -> Document:
    """The card of an incident, with snippets and a sample of vectors from the committed state.

    Raises:
        ConfigurationError: no such segment or anchor.
    """
    said = reencoded(store, incident.after, incident.attributions or (), context.encoder)
    if isinstance(said, CauseEvidence):
        causes = with_evidence(incident.report.causes, said)
        incident = replace(incident, report=replace(incident.report, causes=causes))

    def texts(keys: Sequence[int]) -> dict[int, tuple[str, str]]:
        return {key: (one.content_hash, one.text) for key, one in store.said(keys).items()}

    try:
        made = card(incident, question, texts, config=context.config)
    except NotThere as error:
        raise ConfigurationError(str(error)) from error
    made["limits"] += [said] if isinstance(said, str) and said else []
    return made


def _record(store: StateStore, ledger: Sequence[Judged], deploy_id: str) -> DeployRecord:
    if not ledger:
        message = "nothing was judged yet: no incident card can be had; the first deploy marker makes one"
        raise UnreachableError(message)
    wanted = deploy_id or ledger[-1].deploy_id
    record = store.deploy(wanted)
    if record is None:
        old = any(judged.deploy_id == wanted for judged in ledger)
        said = "judged, but its report is no longer kept" if old else "never judged"
        known = ", ".join(judged.deploy_id for judged in ledger[-5:])
        message = f"deploy {wanted!r}: {said}; the newest deploys are: {known}"
        raise ConfigurationError(message)
    return record


def _baseline_of(store: StateStore, identity: BaselineIdentity | None) -> Snapshot | None:
    """The snapshot that a report was compared with, None where it is gone or another one has its name."""
    if identity is None:
        return None
    if identity.kept_as == "deploy":
        record = store.deploy(identity.deploy_id)
        found = None if record is None else record.snapshot
    else:
        found = store.baseline(identity.name)
    if found is None or found.event_time != identity.captured_event_time:
        return None
    return found if found.deploy_id == identity.deploy_id else None
