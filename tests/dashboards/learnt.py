"""A state in which rounds were measured: what a monitor has after weeks, so that panels on them have something."""

import time

import numpy as np

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import Configuration
from monitor.app.wiring.monitor import build_alarms
from monitor.app.wiring.retrieval import build_space, fingerprint
from monitor.core.alarms.churn import CHURN_LEGS, ChurnStream
from monitor.core.alarms.rounds import ClosedRound
from monitor.core.alarms.state import AlarmState, StreamEvidence
from monitor.core.records.committed import Commit

ROUNDS = 60


def keep_rounds(configuration: Configuration) -> None:
    """Write a state file that holds approved rounds and evidence for some segments."""
    space = build_space(configuration)
    alarms = build_alarms(configuration, fingerprint(configuration, space))
    streams = tuple(
        ChurnStream(leg, dimension, segment)
        for leg in CHURN_LEGS
        for dimension, segment in (("all", "all"), ("source", "guide"))
    )
    last = alarms.over(time.time()) + 2  # none is over while a test lasts
    values = np.full(len(streams), 0.01)
    rounds = tuple(ClosedRound(last - at, 1, 0, "approved", streams, values) for at in range(ROUNDS, -1, -1))
    evidence = {of: StreamEvidence(np.full(5, 0.1), "watched", 0.01, 0.05, "working", 1.2) for of in streams}
    state = AlarmState(alarms.setup, alarms.length, last, None, rounds, evidence, 3.6)
    numbers, distance = space.dimension, configuration.corpus.distance
    store = SqliteStore(configuration.located(configuration.state.path), space=f"{numbers} numbers, {distance}")
    store.start()
    store.commit(Commit({}, alarms=state))
    store.close()
