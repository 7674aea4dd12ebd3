"""A bootstrap from files as configured: files, stream and parts of the corpus, opened in order."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NoReturn

from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.corpus_files.columns import FileColumns
from monitor.adapters.corpus_files.lance import LanceFiles
from monitor.adapters.corpus_files.parquet import ParquetFiles
from monitor.adapters.corpus_files.partitioners import fitting
from monitor.adapters.corpus_files.plan import CorpusFiles, FilePlan, PlannedFile
from monitor.adapters.corpus_files.reader import FileRows, ReadAs
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.bootstrap_section import FilesBootstrapSection
from monitor.app.bootstrapping import Bootstrapping, StreamStart
from monitor.app.configuration import Configuration
from monitor.app.embedding import Embedder
from monitor.app.whole_filling import WholeFilling
from monitor.app.wiring.owned_state import owned_state
from monitor.app.wiring.retrieval import Space, build_space
from monitor.app.wiring.shards import vector_space
from monitor.app.wiring.sources import build_decoder, build_source, preset, row_paths
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import Delete, MalformedEvent, Partition, Upsert, of_stream
from monitor.core.records.committed import Resumed
from monitor.core.records.files_mark import FilesMark
from monitor.kinds import FillingContext
from monitor.ports import ConfigurationError, CorpusFiller, FileReader, Source, StateStore

LOOKED_AT = 1_000
"""Records of the stream whose keys are held against the partitioner."""
PATIENCE = 2.0
"""Seconds that the stream may be silent before the look at it ends."""
PIECES = 2
"""Pieces that each part of the corpus takes in a step."""


@contextmanager
def open_bootstrap(
    configuration: Configuration, *, source: Source | None = None
) -> Iterator[Bootstrapping | FilesMark]:
    """What fills the configured state from the configured files, or how it was filled; owns the state meanwhile.

    Args:
        configuration: what to build.
        source: the stream, instead of the configured one.

    Raises:
        ConfigurationError: something is configured wrongly, or the state has something else in it.
        UnreachableError: files, stream or shards do not answer.
    """
    section = configuration.bootstrap
    if section is None:
        message = f"{configuration.file}: no table [bootstrap]; expected one that names files"
        raise ConfigurationError(message)
    with ExitStack() as stack:
        state, _ = owned_state(configuration, stack)
        space, shards = build_space(configuration), configuration.shards
        store = SqliteStore(
            state,
            keep_deploys=configuration.state.keep_deploys,
            quarantine_rows=configuration.state.quarantine_rows,
            quarantine_bytes=configuration.state.quarantine_bytes,
            space=vector_space(configuration, space),
            parts=shards.count if shards.there else 0,
            filling=True,
        )
        stack.callback(store.close)
        resumed = store.start()
        if resumed.files is not None and resumed.files.finished:
            yield resumed.files
            return
        files = _files(configuration, section)
        planned = files.planned()
        columns = _columns(section, planned, space.dimension)
        stream = _stream(configuration, section, space, resumed, source)
        read_as = _read_as(configuration, section, space, stream.positions)
        # A process elsewhere has no encoder: what encodes may hold connections, or a model.
        preparer = Embedder(
            space.dimension, configuration.corpus.distance, encoder=None if shards.there else space.encoder
        )
        reader = FileRows(files, columns, read_as, preparer)
        filler = _filler(configuration, space, store, reader, resumed)
        stack.callback(filler.close)
        filler.start(resumed.epoch, resumed.run)
        how = (
            section.fields.model_dump(),
            read_as.topic,
            read_as.partitions,
            read_as.partitioner,
            space.embedding_version,
        )
        yield Bootstrapping(
            store,
            filler,
            FilePlan(planned, how),
            resumed,
            lambda: stream,
            shards=shards.count if shards.there else 0,
            step=PIECES * shards.count,
        )


def check_files(configuration: Configuration, space: Space) -> None:
    """Look whether the files of a bootstrap are there and have the columns, and whether a stream can follow them.

    Files of an object store are not asked for.

    Raises:
        ConfigurationError: what is wrong.
    """
    section = configuration.bootstrap
    if section is not None and configuration.source.adapter.bounded:
        _refuse_without_end(configuration)
    if section is not None and "://" not in section.path:
        _columns(section, _files(configuration, section).planned(), space.dimension)


def _files(configuration: Configuration, section: FilesBootstrapSection) -> CorpusFiles:
    place = section.path if "://" in section.path else str(configuration.located(section.path).absolute())
    return ParquetFiles(place) if section.format == "parquet" else LanceFiles(place)


def _columns(
    section: FilesBootstrapSection, planned: Sequence[PlannedFile], dimension: int
) -> dict[str, FileColumns]:
    """Which columns of each file are read; files of one schema share what is said of it."""
    fields, known = preset(section.fields), list[tuple[object, FileColumns]]()
    paths, stated, made = row_paths(fields), sorted(fields.model_fields_set), dict[str, FileColumns]()
    for file in planned:
        found = next((of for schema, of in known if schema == file.schema), None)
        if found is None:
            found = FileColumns.of(paths, stated, file.schema, dimension, file.name)
            known.append((file.schema, found))
        made[file.name] = found
    return made


def _stream(
    configuration: Configuration, section: FilesBootstrapSection, space: Space, resumed: Resumed, given: Source | None
) -> StreamStart:
    """Where the stream is taken up: as it stands in the state, or as it is now."""
    if resumed.files is not None:
        return StreamStart(of_stream(resumed.positions), resumed.files.upto)
    if not resumed.empty:
        state = configuration.located(configuration.state.path)
        message = f"state {state}: a stream was read into it already; expected an empty one, or another state.path"
        raise ConfigurationError(message)
    source = given or build_source(configuration, space, Corpus(space.dimension))
    stated = {Partition(topic, at): offset for topic, of in section.offsets.items() for at, offset in of.items()}
    source.start(stated)
    try:
        positions, ends = dict(source.positions()), source.end()
        if ends is None:
            _refuse_without_end(configuration)
        _refuse_offsets(stated, ends)
        control = configuration.source.adapter.control_topics(configuration.source.settings)
        topic = _topic(section, {part.topic for part in positions} - set(control))
        if configuration.shards.there:
            _refuse_partitioner(configuration, section, space, source, topic)
    finally:
        source.close()
    return StreamStart(positions, dict(ends))


def _refuse_without_end(configuration: Configuration) -> NoReturn:
    name = configuration.source.adapter.name
    message = f"source.{name}: does not say where it ends; expected a stream that does, such as source.kafka"
    raise ConfigurationError(message)


def _refuse_offsets(stated: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
    """Refuse offsets of a partition that is not there, beyond its end, or of some partitions alone."""
    if not stated:
        return
    for part, end in sorted(ends.items()):
        found = stated.get(part)
        if found is None or not 0 <= found <= end:
            message = (
                f"bootstrap.offsets: {part.name} = {'nothing' if found is None else found}; expected an offset from "
                f"0 to {end} for each of the {len(ends)} partitions"
            )
            raise ConfigurationError(message)
    for part in sorted(set(stated) - set(ends)):
        message = f"bootstrap.offsets: {part.name}: no such partition; expected those of the source"
        raise ConfigurationError(message)


def _topic(section: FilesBootstrapSection, topics: set[str]) -> str:
    named = sorted(topics)
    if section.topic in topics or (not section.topic and len(topics) == 1):
        return section.topic or named[0]
    message = f"bootstrap.topic = {section.topic!r}: expected one of {', '.join(named)}, in which the chunks are"
    raise ConfigurationError(message)


def _refuse_partitioner(
    configuration: Configuration, section: FilesBootstrapSection, space: Space, source: Source, topic: str
) -> None:
    """Look at some records: each key must be its chunk's id, and stand where the partitioner puts it."""
    decoder = build_decoder(configuration, space.dimension, space.embedding_version)
    count = sum(part.topic == topic for part in source.partitions())
    found: dict[bytes, int] = {}
    until = time.monotonic() + PATIENCE
    while len(found) < LOOKED_AT and time.monotonic() < until:
        polled = source.poll(LOOKED_AT, PATIENCE)
        for record in polled.records:
            try:
                event = decoder.decode(record)
            except MalformedEvent:
                continue
            if record.position.topic != topic or not isinstance(event, Upsert | Delete):
                continue
            chunk_id = event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id
            found[chunk_id.encode()] = record.position.partition
            until = time.monotonic() + PATIENCE
        if polled.exhausted or not polled.records:
            break
    fit = fitting(found, count)
    if section.partitioner not in fit:
        wanted = f"bootstrap.partitioner = {fit[0]!r}" if fit else "the chunk id as the record's key, or one process"
        message = (
            f"bootstrap.partitioner = {section.partitioner!r}: does not put chunks where the events of topic "
            f"{topic!r} have them ({len(found)} looked at); expected {wanted}"
        )
        raise ConfigurationError(message)


def _read_as(
    configuration: Configuration, section: FilesBootstrapSection, space: Space, positions: Mapping[Partition, int]
) -> ReadAs:
    control = configuration.source.adapter.control_topics(configuration.source.settings)
    partitions = Counter(part.topic for part in positions)
    topic = _topic(section, set(partitions) - set(control))
    dense = configuration.dense
    return ReadAs(
        space.embedding_version,
        EventLimits(dimension=space.dimension),
        point_ids=dense.adapter is not None and dense.adapter.point_ids(dense.settings),
        now=time.time_ns() // 1_000 if configuration.source.missing_event_time == "ingest" else None,
        topic=topic,
        partitions=partitions[topic],
        partitioner=section.partitioner,
    )


def _filler(
    configuration: Configuration, space: Space, store: StateStore, reader: FileReader, resumed: Resumed
) -> CorpusFiller:
    chosen, days = configuration.shards, configuration.state.tombstone_days
    if not chosen.there:
        return WholeFilling(store, resumed.positions, reader, dimension=space.dimension, tombstone_days=days)
    context = FillingContext(
        shards=chosen.count,
        dimension=space.dimension,
        tombstone_days=days,
        reader=reader,
        state=configuration.located(configuration.state.path),
        stream=f"source.{configuration.source.adapter.name}",
        space=vector_space(configuration, space),
    )
    return chosen.adapter.filler(chosen.settings, context)
