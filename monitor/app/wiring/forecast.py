"""`gate --dry-run`: builds the bench of a forecast over the committed state, and reads the change set."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monitor.adapters.sources.jsonl.source import JsonLinesSource
from monitor.app.configuration import Configuration
from monitor.app.embedding import Embedder
from monitor.app.forecast import ForecastSession, forecast
from monitor.app.milestones import Milestones
from monitor.app.snapshot import Snapshots
from monitor.app.wiring.monitor import drift_with
from monitor.app.wiring.reading import build_reader
from monitor.app.wiring.retrieval import Space, build_anchors, build_space, fingerprint
from monitor.app.wiring.shards import build_engine
from monitor.app.wiring.sources import build_decoder
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import CorpusEvent, MalformedEvent, Record
from monitor.core.session import Session
from monitor.ports import Decoder


def build_forecast(configuration: Configuration, changeset: Path, deploy_id: str) -> dict[str, Any]:
    """The forecast of a change set on the last committed state, which nobody needs to be running for.

    Raises:
        ConfigurationError: the state is not one of ours, or of another vector space.
        UnreachableError: the change set cannot be read, or an encoder that is needed does not answer.
    """
    space = build_space(configuration)
    events = list(_events(configuration, space, changeset))
    bench = _bench(configuration, space)
    try:
        return forecast(bench, events, deploy_id)
    finally:
        bench.store.close()


def _bench(configuration: Configuration, space: Space) -> ForecastSession:
    anchors, marked = build_anchors(configuration, space), fingerprint(configuration, space)
    corpus = Corpus(space.dimension, tombstone_days=configuration.state.tombstone_days)
    store = build_reader(configuration)
    chosen = configuration.baseline
    engine, drift = build_engine(configuration, anchors, corpus), drift_with(configuration, marked, anchors)
    return ForecastSession(
        store,
        Session.of(corpus, engine, drift, index=False, milestones=Milestones(store).since),
        Snapshots(store, chosen.name, chosen.mode, chosen.window, bootstrap=False),
        tuple(rule for rule in configuration.rules() if rule.leg != "production"),  # it cannot know the change set
        Embedder(space.dimension, configuration.corpus.distance, encoder=space.encoder),
        configuration.source.max_refused_ratio,
        configuration.learns,
    )


def _events(configuration: Configuration, space: Space, changeset: Path) -> Iterator[CorpusEvent | MalformedEvent]:
    decoder = build_decoder(configuration, space.dimension, space.embedding_version)
    source = JsonLinesSource(changeset.absolute())
    source.start({})
    try:
        for polled in iter(lambda: source.poll(4_096, 1.0), None):
            yield from (MalformedEvent(fault.kind, fault.detail) for fault in polled.faults)
            yield from (event for record in polled.records if (event := _decoded(decoder, record)) is not None)
            if polled.exhausted:
                return
    finally:
        source.close()


def _decoded(decoder: Decoder, record: Record) -> CorpusEvent | MalformedEvent | None:
    try:
        return decoder.decode(record)
    except MalformedEvent as error:
        return error
