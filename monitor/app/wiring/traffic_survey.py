"""What is known of the traffic without a running monitor: from the committed state, or from a file over it."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.adapters.anchors_file import lines_by_id, write_new
from monitor.adapters.sources.jsonl.source import JsonLinesSource
from monitor.app.configuration import Configuration
from monitor.app.health import Clocks
from monitor.app.restore import restore
from monitor.app.snapshot import Snapshots
from monitor.app.traffic_section import TrafficSection
from monitor.app.wiring.logs import build_log
from monitor.app.wiring.monitor import drift_with
from monitor.app.wiring.reading import read_state
from monitor.app.wiring.retrieval import build_anchors, build_space, fingerprint
from monitor.app.wiring.shards import build_engine
from monitor.app.wiring.traffic import traffic_watch
from monitor.core.index.corpus import Corpus
from monitor.core.session import Session
from monitor.core.traffic.document import traffic_document
from monitor.ports import ConfigurationError

NO_TRAFFIC = "no traffic is read: expected a section [traffic] in the configuration"


def _configured(configuration: Configuration) -> TrafficSection:
    if configuration.traffic is None:
        raise ConfigurationError(NO_TRAFFIC)
    return configuration.traffic


def stored_document(configuration: Configuration) -> dict[str, Any]:
    """What the committed state knows of the traffic.

    Raises:
        ConfigurationError: no traffic is configured, or the state is of another key.
    """
    chosen = _configured(configuration)
    space, clocks = build_space(configuration), Clocks(time.monotonic, time.time)
    watch = traffic_watch(
        configuration, chosen, space, build_log(configuration, chosen, "traffic"), clocks, limited=True
    )
    with read_state(configuration) as store:
        watch.resume(store.traffic())
    return traffic_document(watch.view_now(build_anchors(configuration, space)))


def surveyed_document(configuration: Configuration, log: Path) -> dict[str, Any]:
    """What a file of traffic says of the anchors, over the committed corpus; the state is only read.

    Args:
        configuration: its [traffic] says what the records look like.
        log: JSON Lines, .gz too.

    Raises:
        ConfigurationError: no traffic is configured, or there is no state.
        UnreachableError: the file, or the encoder, does not answer.
    """
    chosen = _configured(configuration)
    space, clocks = build_space(configuration), Clocks(time.monotonic, time.time)
    source = JsonLinesSource(log.absolute(), max_line_bytes=chosen.max_record_bytes, topic="traffic")
    watch = traffic_watch(configuration, chosen, space, source, clocks, limited=False)
    anchors = build_anchors(configuration, space)
    corpus = Corpus(space.dimension, tombstone_days=configuration.state.tombstone_days)
    engine = build_engine(configuration, anchors, corpus)
    drift = drift_with(configuration, fingerprint(configuration, space), anchors)
    try:
        with read_state(configuration) as store:
            restore(store, corpus, engine, None)
            session = Session.of(corpus, engine, drift, index=False)
            pinned = configuration.baseline
            chosen_by = Snapshots(store, pinned.name, pinned.mode, pinned.window, bootstrap=False)
            session.compare_with(chosen_by.pinned())  # it knows what judged chunks said
            watch.look_at_anchors(session, store)
        watch.work(engine, idle=True)
    finally:
        watch.close()
    return traffic_document(watch.view_now(anchors))


def write_proposed(configuration: Configuration, document: Mapping[str, Any], output: Path) -> int:
    """Write the anchors file with every proposal taken: lines stay as they are, new ones stand at the end.

    Returns:
        How many anchors it holds.

    Raises:
        ConfigurationError: the output is there already, or cannot be written.
    """
    found = document["proposals"]
    gone = {of["anchor"]["id"] for of in found if of["kind"] == "drop"}
    lines = lines_by_id(configuration.located(configuration.anchors.path))
    made = {name: line for name, line in lines.items() if name not in gone}
    for of in found:
        if of["kind"] == "relabel" and of["anchor"]["id"] in made:
            line = json.loads(made[of["anchor"]["id"]]) | {"relevant": of["anchor"]["relevant"]}
            made[of["anchor"]["id"]] = json.dumps(line, ensure_ascii=False)
        if of["kind"] == "add" and of["anchor"].get("text"):
            made.setdefault(of["anchor"]["id"], json.dumps(of["anchor"], ensure_ascii=False))
    write_new(output, made.values())
    return len(made)
