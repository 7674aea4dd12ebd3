"""Looking at a stream of events: a file, a topic, a repository's history; nothing is kept of it."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.sources.git.facts import HistoryFacts
from monitor.adapters.sources.git.kind import GitSection, build_git
from monitor.adapters.sources.jsonl.source import JsonLinesSource
from monitor.adapters.sources.kafka.settings import KafkaSettings
from monitor.adapters.sources.kafka.source import KafkaSource
from monitor.app.wiring.survey import (
    Survey,
    corpus_name,
    duplicates_line,
    proposed,
    refusals_line,
    segments_line,
)
from monitor.core.model.events import Chunk, Delete, Deploy, MalformedEvent, Record, Upsert
from monitor.kinds import SourceContext
from monitor.ports import ConfigurationError, Decoder, Source, UnreachableError

SAMPLE, BATCH = 5_000, 500
PATIENCE = 10.0
"""Seconds without a record after which a topic is taken to hold no more."""
INSIDE = ("data", "after", "payload")
"""Where a wrapper keeps the event."""


@dataclass(slots=True)
class _Read:
    """What a sample of a stream came to."""

    chunks: dict[str, Chunk] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    deploys: dict[str, None] = field(default_factory=dict)


def survey_file(path: Path) -> Survey:
    """Look at a file of events.

    Raises:
        ConfigurationError: no event in it can be read.
        UnreachableError: it cannot be read.
    """
    records = _drained(JsonLinesSource(path.absolute()), 1.0)
    name = corpus_name(path.name.partition(".")[0])
    return _survey(f"file {path}", name, "source.file", {"path": str(path)}, records)


def survey_topic(servers: Sequence[str], topic: str, *, api_version: Sequence[int] = ()) -> Survey:
    """Look at a topic from its beginning; commits nothing.

    Raises:
        ConfigurationError: no event in it can be read, or the addresses are none.
        UnreachableError: no broker answers, or there is no such topic.
    """
    version = tuple(api_version) or None
    settings = KafkaSettings(tuple(servers), (topic,), group_id="", api_version=version)
    records = _drained(KafkaSource(settings), PATIENCE)
    keys: dict[str, Any] = {"bootstrap_servers": list(servers), "topics": [topic]}
    if version:
        keys["api_version"] = list(version)
    return _survey(f"topic {topic}", corpus_name(topic), "source.kafka", keys, records)


def survey_repository(path: Path) -> Survey:
    """Look at a documentation repository's history: a deploy is a tag, or a week where there are no tags.

    Raises:
        ConfigurationError: it is none, git is not there, or no file matches.
    """
    section = GitSection(path=str(path))
    facts, records = _history(section)
    tags = len(facts.tags.names) if facts.tags else 0
    if not tags:
        section = GitSection(path=str(path), deploys="weekly")
        facts, records = _history(section)
    keys = {"path": str(path), "deploys": section.deploys}
    found = _survey(f"repository {path}", corpus_name(path.absolute().name), "source.git", keys, records)
    said = f"history: {facts.replayed} commits behind the first with {facts.pages} pages, {tags} tagged"
    return replace(found, lines=[*found.lines, f"{said}: a deploy is {'a tag' if tags else 'a week'}"])


def _history(section: GitSection) -> tuple[HistoryFacts, list[Record]]:
    source = build_git(section, SourceContext(lambda name: Path(name).absolute(), 4 << 20))
    try:
        source.start({})
        records = _polled(source, 1.0)
        return source.facts(), records
    except UnreachableError as error:  # the repository is this command's argument: a wrong one is wrong usage
        raise ConfigurationError(str(error)) from error
    finally:
        source.close()


def _drained(source: Source, patience: float) -> list[Record]:
    source.start({})
    try:
        return _polled(source, patience)
    finally:
        source.close()


def _polled(source: Source, patience: float) -> list[Record]:
    records: list[Record] = []
    until = time.monotonic() + patience
    while len(records) < SAMPLE and time.monotonic() < until:
        polled = source.poll(BATCH, 0.5)
        records += polled.records
        ends = source.end() if not polled.records else None
        at = source.positions()
        if polled.exhausted or (ends is not None and all(at.get(part, 0) >= end for part, end in ends.items())):
            break
        until = time.monotonic() + patience if polled.records else until
    return records


def _survey(what: str, name: str, table: str, keys: Mapping[str, Any], records: Sequence[Record]) -> Survey:
    dimension = _dimension(records)
    options = FormOptions(embedding_version="", now=lambda: 1)
    read = _read(records, decoder("auto", options, EventLimits(dimension=dimension)))
    if not read.chunks:
        why = refusals_line(dict(read.refused.most_common(3))) or "it holds no upsert"
        message = f"{what}: none of {len(records)} records read as a chunk: {why}; see corpus-drift schema events"
        raise ConfigurationError(message)
    chunks = list(read.chunks.values())
    values: dict[str, Counter[str]] = {}
    for chunk in chunks:
        for attribute, value in chunk.segment:
            values.setdefault(attribute, Counter())[value] += 1
    found = proposed(values, len(chunks))
    corpus: dict[str, Any] = {"name": name}
    if dimension:
        corpus["dimension"] = dimension
    version = next((one for one, _ in read.versions.most_common(1) if one), "")
    if version and dimension:
        corpus["embedding_version"] = version
    content: dict[str, Mapping[str, Any]] = {
        "corpus": corpus,
        "segments": {"dimensions": list(found)},
        "source": {"missing_event_time": "ingest"} if any("event_time" in one for one in _undated(records)) else {},
        table: keys,
        "dense": {"engine": "embedded" if dimension else "none"},
    }
    content = {heading: values for heading, values in content.items() if values or heading != "source"}
    lines = [line for line in (*_lines(what, records, read, dimension), segments_line(found)) if line]
    return Survey(content, lines, chunks, tuple(read.deploys))


def _lines(what: str, records: Sequence[Record], read: _Read, dimension: int) -> list[str]:
    counted = ", ".join(f"{count:,} {kind}s" for kind, count in sorted(read.events.items()))
    more = "" if len(records) < SAMPLE else f" (the first {SAMPLE:,} were looked at)"
    refused = refusals_line(dict(read.refused.most_common(3)))
    vectors = (
        f"of {dimension} numbers" if dimension else "none: the texts alone are watched, unless an encoder is named"
    )
    bare = sum(chunk.vector is None for chunk in read.chunks.values()) if dimension else 0
    versions = [one for one in read.versions if one]
    return [
        f"{what}: {len(records):,} records{more}: {counted}",
        f"NOT read: {read.refused.total()}: {refused}" if refused else "",
        f"vectors: {vectors}",
        f"{bare} chunks have no vector: they are refused unless an encoder fills it" if bare else "",
        f"SEVERAL embedding versions: {', '.join(sorted(versions))}" if len(versions) > 1 else "",
        ""
        if read.events["deploy"]
        else "no deploy marker: a deploy ends where a run does (run --until-end --deploy ID)",
        duplicates_line(read.chunks.values()),
    ]


def _undated(records: Sequence[Record]) -> list[str]:
    """Refusals of events that state no time, as a monitor has them that takes none."""
    strict = decoder("auto", FormOptions(), EventLimits())
    return list(_read(records, strict).refused)


def _read(records: Sequence[Record], reads: Decoder) -> _Read:
    made = _Read()
    for record in records:
        try:
            event = reads.decode(record)
        except MalformedEvent as error:
            made.refused[str(error)[:160]] += 1
            continue
        if event is None:
            continue
        made.events[type(event).__name__.lower()] += 1
        if isinstance(event, Upsert):
            made.chunks[event.chunk.chunk_id] = event.chunk
            made.versions[event.chunk.embedding_version] += 1
        elif isinstance(event, Delete):
            made.chunks.pop(event.chunk_id, None)
        elif isinstance(event, Deploy):
            made.deploys[event.deploy_id] = None
    return made


def _dimension(records: Sequence[Record]) -> int:
    """Numbers in a vector of most records that bear one; 0 where none does."""
    lengths = Counter(length for record in records if (length := _vector_length(record)))
    return max(lengths, key=lambda length: (lengths[length], length), default=0)


def _vector_length(record: Record) -> int:
    try:
        document = json.loads(record.value or b"null")
    except (ValueError, RecursionError):
        return 0
    for held in (document, *(document.get(name) for name in INSIDE)) if isinstance(document, dict) else ():
        if isinstance(held, dict) and isinstance(held.get("vector"), list):
            return len(held["vector"])
        if isinstance(held, dict) and isinstance(held.get("vector_b64"), str):
            return len(held["vector_b64"].rstrip("=")) * 3 // 16
    return 0
