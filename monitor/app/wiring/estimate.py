"""`migrate estimate`: builds the bench of an estimate over the committed state."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import Configuration
from monitor.app.estimating import EstimateBench, estimate
from monitor.app.milestones import Milestones
from monitor.app.wiring.migration import build_target_encoder, contracts
from monitor.app.wiring.monitor import drift_with
from monitor.app.wiring.retrieval import build_anchors, build_space, fingerprint
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.migration.estimate import CANDIDATES
from monitor.core.session import Session
from monitor.ports import ConfigurationError


def build_estimate(
    configuration: Configuration, *, fraction: float, seed: int, announce: Callable[[int], None]
) -> dict[str, Any]:
    """The estimate of the configured migration on the last committed state, which nobody needs to be running for.

    Raises:
        ConfigurationError: no migration, or nothing that encodes for it, is configured.
        UnreachableError: the encoder does not answer.
    """
    chosen = configuration.migration
    if chosen is None:
        message = "no encoder migration is configured: expected a section [migration]"
        raise ConfigurationError(message)
    space = build_space(configuration)
    encoder = build_target_encoder(configuration, chosen)
    if encoder is None:
        message = "migration.encoder.kind = 'none': expected an encoder, an estimate encodes texts anew"
        raise ConfigurationError(message)
    anchors = build_anchors(configuration, space)
    corpus = Corpus(space.dimension, tombstone_days=configuration.state.tombstone_days)
    lexical = configuration.lexical
    engine = Engine(
        anchors,
        corpus,
        Depths(CANDIDATES, dense=True, lexical=lexical.enabled),
        configuration.corpus.distance,
        Bm25Config(lexical.variant, lexical.k1, lexical.b, lexical.epsilon),
        bands=MinHashBands(),
        dimensions=configuration.segments.dimensions,
    )
    store = SqliteStore(configuration.located(configuration.state.path), read_only=True)
    drift = drift_with(configuration, fingerprint(configuration, space), anchors)
    bench = EstimateBench(
        store,
        Session.of(corpus, engine, drift, index=False, milestones=Milestones(store).since),
        encoder,
        contracts(configuration, chosen, space, encoder)[1],
        configuration.measure.depths[0],
        chosen.gate.quality_loss,
        fraction,
        np.random.default_rng(seed),
        time.monotonic,
        announce,
    )
    try:
        return estimate(bench)
    finally:
        store.close()
