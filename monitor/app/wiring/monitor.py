"""The monitor from its configuration: opened in order, closed in reverse."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import numpy as np

from monitor.adapters.audit import RankBm25Auditor
from monitor.adapters.file_stamp import stamp
from monitor.adapters.lock import OwnerLock
from monitor.adapters.monitor_client import MonitorClient
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.adapters.web.server import TURN_LIMIT, HttpServer, HttpSettings
from monitor.app.alarm_rounds import AlarmRounds
from monitor.app.anchors_watch import AnchorsWatch
from monitor.app.asking import Running
from monitor.app.audit import Audit, Schedule
from monitor.app.beside import cores, thread
from monitor.app.configuration import Configuration
from monitor.app.embedding import Embedder
from monitor.app.health import Clocks, Gauges
from monitor.app.loop import Monitor
from monitor.app.milestones import Milestones
from monitor.app.overhearing import OverheardProduction
from monitor.app.parts import LoopTiming, MonitorComponents
from monitor.app.production import AskedProduction
from monitor.app.readiness import Readiness
from monitor.app.replay import Served
from monitor.app.restore import ProgressHook
from monitor.app.served_lexical import ServedLexical
from monitor.app.service import MonitorService
from monitor.app.snapshot import Snapshots
from monitor.app.wiring.erasing import build_erasure
from monitor.app.wiring.migration import build_judge, build_migration
from monitor.app.wiring.owned_state import owned_state
from monitor.app.wiring.production import build_production, build_searches
from monitor.app.wiring.reading import read_state
from monitor.app.wiring.retrieval import (
    Space,
    build_anchors,
    build_index,
    build_served_lexical,
    build_space,
    fingerprint,
)
from monitor.app.wiring.shards import build_maintained, vector_space
from monitor.app.wiring.sources import build_dead_letters, build_decoder, build_source
from monitor.app.wiring.traffic import build_traffic
from monitor.core.alarms.alarms import Alarms
from monitor.core.alarms.churn import WatchedSegments
from monitor.core.index.corpus import Corpus
from monitor.core.index.engine import Engine
from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.index.maintained import MaintainedState
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.fingerprint import Fingerprint
from monitor.core.reporting.drift import Drift, SegmentScope
from monitor.core.session import Session
from monitor.core.shards.port import DurableShards
from monitor.ports import Source, StateStore


@contextmanager
def serving(configuration: Configuration, monitor: Monitor) -> Iterator[str]:
    """The endpoints over a running monitor; yields their base URL, "" where they are switched off."""
    chosen = configuration.http
    if not chosen.enabled:
        yield ""
        return
    certificate, key = (configuration.located_text(path) for path in (chosen.certificate_file, chosen.key_file))
    settings = HttpSettings(
        chosen.host,
        chosen.port,
        chosen.token.get_secret_value(),
        certificate,
        key,
        turn_limit=TURN_LIMIT + configuration.replay_seconds + configuration.shards.silence,
        config=str(configuration.file),
    )
    service = MonitorService(
        monitor,
        lambda: read_state(configuration),
        erasing=partial(build_erasure, configuration),
        config=str(configuration.file),
    )
    server = HttpServer(settings, service)
    try:
        url = server.start()
        monitor.parts.announce(url)
        yield url
    finally:
        server.close()


def running(configuration: Configuration, *, patience: float = 0.0) -> Running | None:
    """The monitor that owns the configured state now, if one does and has its endpoints on.

    Args:
        configuration: names the state.
        patience: seconds to wait for a monitor that owns the state but does not listen yet: it is starting.
    """
    lock = OwnerLock(configuration.located(configuration.state.path))
    waiting, until = threading.Event(), time.monotonic() + patience
    while (owner := lock.owner()) is not None and not owner.url:
        if not configuration.http.enabled or time.monotonic() >= until:
            return None
        waiting.wait(0.1)
    if owner is None:
        return None
    token = configuration.http.token.get_secret_value()
    certificate = configuration.located_text(configuration.http.certificate_file)
    return Running(MonitorClient(owner.url, token, certificate_file=certificate))


def build_drift(configuration: Configuration) -> Drift:
    """The evaluation alone, without a monitor: for judging kept lists against another baseline."""
    space = build_space(configuration)
    return drift_with(configuration, fingerprint(configuration, space), build_anchors(configuration, space))


@contextmanager
def open_monitor(
    configuration: Configuration,
    *,
    source: Source | None = None,
    restoring: ProgressHook = nullcontext,
    clocks: Clocks | None = None,
) -> Iterator[Monitor]:
    """A monitor that owns its state, restored and started; closed in reverse order whatever happens.

    Args:
        configuration: what to build.
        source: instead of the configured one.
        restoring: stands around the restoring of the state.
        clocks: instead of the machine's.

    Raises:
        ConfigurationError: something is configured wrongly, or another process owns the state.
        UnreachableError: the source does not answer.
    """
    with ExitStack() as stack:
        _, lock = owned_state(configuration, stack)
        parts = _parts(configuration, stack, source, lock.announce, clocks or Clocks(time.monotonic, time.time))
        monitor = Monitor(replace(parts, restoring=restoring))
        monitor.start()
        yield monitor


def _parts(
    configuration: Configuration,
    stack: ExitStack,
    given: Source | None,
    announce: Callable[[str], None],
    clocks: Clocks,
) -> MonitorComponents:
    space = build_space(configuration)
    watch = _watch(configuration, space, clocks)
    anchors = build_anchors(configuration, space)
    made = build_maintained(configuration, space, anchors, clocks.monotonic)
    corpus, engine = made.corpus, made.state
    if isinstance(engine, Engine):
        engine.later = True
        if cores() > 1:
            engine.beside = stack.enter_context(thread("engine"))
    source = given or build_source(configuration, space, corpus)
    store = _store(configuration, space, made.shards)
    real = build_index(configuration, space, corpus)
    lexical = build_served_lexical(configuration, space, corpus)
    letters = build_dead_letters(configuration)
    for close in (store.close, *(part.close for part in (real.retriever, lexical, letters) if part), source.close):
        stack.callback(close)
    marked, milestones = fingerprint(configuration, space), Milestones(store)
    baseline, sourced, dense = configuration.baseline, configuration.source, configuration.dense
    gauges = Gauges(clocks, stale=configuration.source.stale_after)
    gauges.bounded = sourced.adapter.bounded
    deepest = max(configuration.measure.depths)
    migration = build_migration(configuration, space, corpus, anchors, real, store, clocks)
    if migration is not None:
        stack.callback(migration.close)
    session = Session.of(
        corpus,
        engine,
        drift_with(configuration, marked, anchors),
        index=real.retriever is not None,
        milestones=milestones.since,
    )
    traffic = build_traffic(configuration, space, clocks)
    if traffic is not None:
        stack.callback(traffic.close)
    return MonitorComponents(
        corpus_name=configuration.corpus.name,
        source=source,
        decoder=build_decoder(configuration, space.dimension, space.embedding_version),
        store=store,
        session=session,
        milestones=milestones,
        drift_of=partial(drift_with, configuration, marked),
        snapshots=Snapshots(
            store,
            baseline.name,
            baseline.mode,
            baseline.window,
            baseline.bootstrap == "first-deploy",
            baseline.inconclusive_deploys,
        ),
        rules=configuration.rules(),
        learns=configuration.learns,
        embedder=Embedder(
            space.dimension,
            configuration.corpus.distance,
            lookup=real.lookup,
            encoder=space.encoder,
            migrating=migration is not None,
        ),
        served=None
        if real.retriever is None
        else Served(real.retriever, anchors, k=deepest, deadline=configuration.dense.replay_deadline),
        served_lexical=None
        if lexical is None
        else ServedLexical(lexical, anchors, configuration.measure.depths, configuration.dense.replay_deadline),
        retriever=real.retriever,
        index=real.owned,
        dead_letters=letters,
        gauges=gauges,
        clocks=clocks,
        announce=announce,
        control_topics=sourced.adapter.control_topics(sourced.settings),
        production=_production(configuration, stack, anchors, clocks),
        pace=LoopTiming(
            batch=configuration.source.batch,
            full_replay=configuration.dense.full_replay_seconds,
            barrier=configuration.source.barrier_timeout,
            refused=configuration.source.max_refused_ratio,
            settle=0.0 if dense.adapter is None or dense.adapter.owned else dense.settle_seconds,
        ),
        audit=_audit(configuration, store, corpus, engine, clocks),
        alarms=AlarmRounds(build_alarms(configuration, marked), session, clocks),
        anchors_watch=watch,
        traffic=traffic,
        shards=made.shards,
        filled=configuration.bootstrap is not None,
        migration=migration,
        migration_judge=None if migration is None else build_judge(configuration, migration, clocks),
        readiness=None
        if real.retriever is None or real.owned is not None
        else Readiness(real.retriever, corpus, clocks, timeout=configuration.dense.ready_timeout),
    )


def build_alarms(configuration: Configuration, marked: Fingerprint) -> Alarms:
    """How rounds become alarms."""
    alerts, segments = configuration.alerts, configuration.segments
    return Alarms(
        alerts.budget,
        alerts.classes,
        WatchedSegments(segments.dimensions, segments.cap, segments.min_anchors),
        configuration.k,
        marked.digest(),
        configuration.round_seconds,
    )


def _production(
    configuration: Configuration, stack: ExitStack, anchors: AnchorSet, clocks: Clocks
) -> AskedProduction | OverheardProduction | None:
    """The retriever as users get it: asked, or overheard in a log of searches; closed with the rest."""
    chosen, asked = configuration.production, build_production(configuration)
    if chosen is None or asked is None:
        overheard = build_searches(configuration, anchors, clocks)
        if overheard is not None:
            stack.callback(overheard.close)
        return overheard
    stack.callback(asked.close)
    return AskedProduction(
        asked,
        anchors,
        clocks,
        k=max(configuration.measure.depths),
        calls=chosen.calls,
        deadline=chosen.deadline,
        every=chosen.every_seconds,
    )


def _watch(configuration: Configuration, space: Space, clocks: Clocks) -> AnchorsWatch:
    """Made before the file is read: what changes from then on is seen."""
    chosen = configuration.anchors
    return AnchorsWatch(
        partial(stamp, configuration.located(chosen.path)),
        partial(build_anchors, configuration, space),
        clocks.monotonic,
        every=chosen.watch_seconds,
    )


def _audit(
    configuration: Configuration, store: StateStore, corpus: Corpus, engine: MaintainedState, clocks: Clocks
) -> Audit:
    lexical, measured = configuration.lexical, configuration.measure
    # Seeded by the start: a monitor that restarts before a round is over looks at other anchors the next time.
    return Audit(
        RankBm25Auditor(Bm25Scorer(lexical.variant, lexical.k1, lexical.b, lexical.epsilon)),
        store,
        corpus,
        engine,
        schedule=Schedule(measured.audit_seconds, measured.audit_chunks),
        generator=np.random.default_rng(int(clocks.wall())),
        clocks=clocks,
    )


def drift_with(configuration: Configuration, marked: Fingerprint, anchors: AnchorSet) -> Drift:
    """The evaluation of these anchors."""
    segments, measured = configuration.segments, configuration.measure
    scope = SegmentScope(segments.dimensions, segments.cap, segments.min_anchors)
    limits: dict[str, float] = dict(measured.confidence_score.items())
    gaps: dict[str, float] = dict(measured.confidence_gap.items())
    return Drift(
        anchors,
        marked,
        scope,
        measured.depths,
        limits,
        min_judged=measured.min_judged_ratio,
        gaps=gaps,
        limits=measured.beyond,
    )


def _store(configuration: Configuration, space: Space, shards: DurableShards | None) -> SqliteStore:
    state = configuration.state
    return SqliteStore(
        configuration.located(state.path),
        keep_deploys=state.keep_deploys,
        quarantine_rows=state.quarantine_rows,
        quarantine_bytes=state.quarantine_bytes,
        space=vector_space(configuration, space),
        parts=0 if shards is None else shards.count,
        shards=shards,
    )
