"""The migration that the configuration names: its target, its anchors, its index and its encoder."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.click_log import ClickLog
from monitor.app.configuration import Configuration
from monitor.app.health import Clocks
from monitor.app.migration import MigrationWatch
from monitor.app.migration_judging import MigrationJudge
from monitor.app.migration_plan import MigrationPlan, TargetAccess
from monitor.app.migration_section import MigrationSection
from monitor.app.wiring.retrieval import Space
from monitor.core.index.corpus import Corpus
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import EncoderContract
from monitor.core.migration.target import TargetVersion
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.scoring import prepare
from monitor.kinds import EncoderContext, RealIndex, RetrieverContext
from monitor.ports import ConfigurationError, Encoder, StateStore


def build_migration(
    configuration: Configuration,
    space: Space,
    corpus: Corpus,
    anchors: AnchorSet,
    real: RealIndex,
    store: StateStore,
    clocks: Clocks,
) -> MigrationWatch | None:
    """The migration, None where none is configured; opens nothing.

    Raises:
        ConfigurationError: what is configured contradicts itself, or an anchor has no vector of the new version.
    """
    chosen = configuration.migration
    if chosen is None:
        return None
    encoder = build_target_encoder(configuration, chosen)
    old, new = contracts(configuration, chosen, space, encoder)
    target = TargetVersion(corpus, new)
    index = _index(configuration, chosen, new, corpus, target)
    plan = MigrationPlan(
        chosen.id,
        old,
        new,
        configuration.measure.depths,
        configuration.segments.dimensions,
        configuration.segments.cap,
        chosen.settle_seconds,
        chosen.dense.alias,
        chosen.dense.read,
        chosen.dense.scan_seconds,
        chosen.fill,
    )
    access = TargetAccess(
        index.retriever,
        index.owned,
        index.reader,
        real.reader,
        real.retriever,
        encoder,
        configuration.dense.replay_deadline,
        real.owned is not None,
    )
    return MigrationWatch(plan, target, asking(configuration, new, encoder), anchors, access, store, clocks)


def build_judge(configuration: Configuration, watch: MigrationWatch, clocks: Clocks) -> MigrationJudge | None:
    """What judges the migration; None where none is configured."""
    chosen = configuration.migration
    if chosen is None:
        return None
    threshold = configuration.measure.confidence_score.get("dense")
    return MigrationJudge(
        watch,
        GateLimits(**chosen.gate.model_dump()),
        depth=configuration.measure.depths[0],
        thresholds={} if threshold is None else {"measure.confidence_score.dense": threshold},
        clocks=clocks,
        log=ClickLog(configuration.located(chosen.clicks)).read if chosen.clicks else None,
    )


def build_target_encoder(configuration: Configuration, chosen: MigrationSection) -> Encoder | None:
    """The encoder of the new version; None where events and anchors bring its vectors.

    Raises:
        ConfigurationError: it makes vectors of another dimension or version than the contract says.
    """
    section = chosen.encoder
    if section.adapter is None:
        return None
    context = EncoderContext(configuration.located, chosen.contract.dimension, chosen.new)
    encoder = section.adapter.build(section.settings, context)
    if chosen.contract.dimension not in (0, encoder.dimension):
        said = f"migration.contract.dimension = {chosen.contract.dimension}"
        message = f"{said}: the encoder makes {encoder.dimension} numbers"
        raise ConfigurationError(message)
    if encoder.embedding_version != chosen.new:
        message = f"migration.to = {chosen.new!r}: the encoder is {encoder.embedding_version!r}"
        raise ConfigurationError(message)
    return encoder


def contracts(
    configuration: Configuration, chosen: MigrationSection, space: Space, encoder: Encoder | None
) -> tuple[EncoderContract, EncoderContract]:
    """The contracts of the version in production and of the new one."""
    distance, said = configuration.corpus.distance, chosen.contract
    if space.embedding_version and space.embedding_version != chosen.old:
        message = f"migration.from = {chosen.old!r}: the corpus is of {space.embedding_version!r}"
        raise ConfigurationError(message)
    if said.dimension == 0 and encoder is None:
        message = "migration.contract.dimension = 0: expected the numbers of a vector, or [migration.encoder]"
        raise ConfigurationError(message)
    old = EncoderContract(chosen.old, dimension=space.dimension, metric=distance)
    new = EncoderContract(
        chosen.new,
        said.encoder,
        said.tokenizer,
        said.pooling,
        said.normalisation,
        said.dimension if encoder is None else encoder.dimension,
        said.metric or distance,
        said.query_prefix,
        said.document_prefix,
        said.max_tokens,
    )
    return old, new


def asking(
    configuration: Configuration, contract: EncoderContract, encoder: Encoder | None
) -> Callable[[AnchorSet], AnchorSet]:
    """Gives any set of anchors vectors of the new version, from their file or from its encoder."""
    where = configuration.located(configuration.anchors.path)

    def asked(anchors: AnchorSet) -> AnchorSet:
        given = [(anchor.vectors or {}).get(contract.version) for anchor in anchors.anchors]
        wanting = [at for at, vector in enumerate(given) if vector is None]
        if wanting and encoder is None:
            first = anchors.anchors[wanting[0]].id
            found = f"{where}: {len(wanting)} anchors have no vector of {contract.version!r} ({first}, ...)"
            message = f"{found}; expected vectors in the file or [migration.encoder]"
            raise ConfigurationError(message)
        if wanting and encoder is not None:
            texts = [contract.query_prefix + anchors.anchors[at].text for at in wanting]
            for at, vector in zip(wanting, encoder.encode(texts), strict=True):
                given[at] = vector
        vectors: list[NDArray[np.float32]] = []
        for anchor, vector in zip(anchors.anchors, given, strict=True):
            if vector is None or vector.shape != (contract.dimension,):
                length = 0 if vector is None else len(vector)
                message = f"{where}: anchor {anchor.id!r}: {length} numbers, expected {contract.dimension}"
                raise ConfigurationError(message)
            vectors.append(vector)
        prepared = prepare(np.stack(vectors).astype(np.float32), contract.metric)
        named = [
            replace(anchor, vector=row, embedding_version=contract.version)
            for anchor, row in zip(anchors.anchors, prepared, strict=True)
        ]
        return AnchorSet(named, prepared, anchors.weights, anchors.filters)

    return asked


def _index(
    configuration: Configuration,
    chosen: MigrationSection,
    contract: EncoderContract,
    corpus: Corpus,
    target: TargetVersion,
) -> RealIndex:
    """The index of the new version."""
    section = configuration.target_dense(chosen)
    if section.adapter is None:
        return RealIndex()

    def known(key: int) -> NDArray[np.float32] | None:
        row = corpus.row(key)
        return target.vectors[row.slot] if row is not None and row.live and target.codes[row.slot] > 0 else None

    index = section.adapter.build(
        section.settings,
        RetrieverContext(
            located=configuration.located,
            dimension=contract.dimension,
            distance=contract.metric,
            depth=max(configuration.measure.depths),
            deadline=configuration.dense.replay_deadline,
            state=f"{configuration.state.path}.{chosen.id}",
            known=known,
        ),
    )
    if chosen.dense.read and index.reader is None:
        message = f"migration.dense.read = true: engine {section.engine!r} cannot list its points"
        raise ConfigurationError(message)
    return index
