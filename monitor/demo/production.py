"""The producer of a living demo: corpus, anchors, configuration, and the systems it writes to."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from monitor.adapters.anchors_file import write
from monitor.adapters.encoders.anchors import encoded
from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.adapters.sources.kafka.settings import KafkaSettings
from monitor.app.folders import kept_folder
from monitor.core.model.report import ALL
from monitor.demo.docstrings import Root, installed_roots, read_documentation
from monitor.demo.kafka_events import KafkaEvents
from monitor.demo.playing import Deployed, EventWriter
from monitor.demo.preparing import MODEL_DIMENSION, SEED, WATCHED
from monitor.demo.qdrant_points import QdrantPoints
from monitor.demo.rounds import Playing, as_events, rounds, smaller
from monitor.demo.scenario import DocumentedObject, ScenarioPlan, draw_anchors
from monitor.ports import ConfigurationError

CONFIGURATION = "corpus-drift.toml"
COLLECTION = "python-documentation"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the corpus is played to.

    Args:
        kafka: one topic, which exists.
        folder: where anchors and the monitor's configuration are written.
        qdrant: URL of the server whose collection is kept equal, "" for none: the monitor embeds its own.
        most: chunks of the corpus, about; 0 is all there are.
        roots: folders of Python sources; () is what is installed here.
        anchors: at most so many.
    """

    kafka: KafkaSettings
    folder: Path
    qdrant: str = ""
    most: int = 0
    roots: tuple[Root, ...] = ()
    anchors: int = 1_000


@dataclass(frozen=True, slots=True)
class Production:
    """What is played, and to whom."""

    writers: tuple[EventWriter, ...]
    story: Iterator[Deployed]
    configuration: Path
    chunks: int
    anchors: int


def target(bootstrap: str, topic: str, folder: Path, *, qdrant: str = "", most: int = 0) -> Target:
    """A target from what a command line says; plain text to the brokers, this is a demo."""
    servers = tuple(server.strip() for server in bootstrap.split(","))
    return Target(KafkaSettings(servers, (topic,)), folder, qdrant, most)


@contextmanager
def open_production(chosen: Target, *, count: int) -> Iterator[Production]:
    """Read the documentation of the running Python, fit the encoder, write anchors and configuration, connect.

    Args:
        chosen: where to.
        count: rounds after the initial corpus, 0 without end.

    Raises:
        ConfigurationError: a setting is wrong, or a package of the plan has no documentation here.
        UnreachableError: Kafka or Qdrant does not answer.
    """
    plan = ScenarioPlan()
    with ExitStack() as stack:
        writers = _opened(chosen, stack)  # before the half minute of reading: what is not there is said at once
        found = read_documentation(chosen.roots or installed_roots()).objects
        objects = smaller(found, chosen.most, plan.packages)
        encoder = LatentSemanticEncoder.fit([one.text for one in objects], dimension=MODEL_DIMENSION, seed=SEED)
        drawn = draw_anchors(objects, np.random.default_rng(SEED), count=chosen.anchors, watched=WATCHED)
        anchors = encoded(drawn, encoder)
        configuration = chosen.folder / CONFIGURATION
        playing = Playing(datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), count, again=configuration.exists())
        write(chosen.folder / "anchors.jsonl", anchors)
        _replace(configuration, _configuration(chosen, encoder))  # last: who waits for it finds everything
        yield Production(writers, _story(objects, plan, playing, encoder), configuration, len(objects), len(anchors))


def _opened(chosen: Target, stack: ExitStack) -> tuple[EventWriter, ...]:
    """The index, then the topic that announces what changed."""
    kept_folder(chosen.folder)
    topic = KafkaEvents(chosen.kafka)
    stack.callback(topic.close)
    topic.start()
    if not chosen.qdrant:
        return (topic,)
    points = QdrantPoints.at(chosen.qdrant, COLLECTION, MODEL_DIMENSION)
    stack.callback(points.close)
    points.start()
    return points, topic


def _story(
    objects: list[DocumentedObject], plan: ScenarioPlan, playing: Playing, encoder: LatentSemanticEncoder
) -> Iterator[Deployed]:
    version = encoder.embedding_version
    try:
        for update in rounds(objects, plan, np.random.default_rng(SEED), playing=playing):
            yield Deployed(update.deploy_id, as_events(update, encoder.encode, embedding_version=version, now=_now))
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _now() -> int:
    return time.time_ns() // 1_000


def _replace(path: Path, text: str) -> None:
    """Write a file so that nobody ever reads half of it."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        message = f"{path}: {error.strerror or error}; expected a folder that can be written"
        raise ConfigurationError(message) from error


def _configuration(target: Target, encoder: LatentSemanticEncoder) -> str:
    kafka = target.kafka
    servers = ", ".join(f'"{server}"' for server in kafka.bootstrap_servers)
    version = f"api_version = {list(kafka.api_version)}\n" if kafka.api_version else ""
    return f"""# Written by corpus-drift produce. All keys: deploy/corpus-drift.toml.
[corpus]
name = "{COLLECTION}"
dimension = {encoder.dimension}
embedding_version = "{encoder.embedding_version}"

[segments]
dimensions = ["source"]

[source.kafka]
bootstrap_servers = [{servers}]
topics = ["{kafka.topics[0]}"]
{version}{_dense(target)}
[anchors]
path = "anchors.jsonl"

[baseline]
bootstrap = "first-deploy"

# The default limits, but alerts that fire after one minute: an incident of the demo lasts a few.
[policy]
defaults = false
{_rules()}"""


def _dense(target: Target) -> str:
    if not target.qdrant:
        return ""
    return f"""
[dense]
engine = "server"
url = "{target.qdrant}"
collection = "{COLLECTION}"
chunk_id_field = "chunk_id"
content_hash_field = "content_hash"
full_replay_seconds = 600.0
"""


def _rules() -> str:
    made = []
    for leg in ("dense", "lexical"):
        for dimension in (ALL, "source"):
            for severity, limit in (("critical", 2.0), ("warning", 1.0)):
                made.append(f"""
[[policy.rule]]
name = "swaps-{severity}-{leg}-{dimension}"
metric = "collapsed_swaps"
leg = "{leg}"
dimension = "{dimension}"
max = {limit}
severity = "{severity}"
for = 60.0
ground = "of ten results, by content"
""")
    return "".join(made)
