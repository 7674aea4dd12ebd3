"""Checks and builders behind the small commands: anchors, events, schemas."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.anchors_file import anchor_schema, load, vector_lengths, write
from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.schema import event_schema
from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.adapters.query_log.fields import FORMS, Fields
from monitor.adapters.query_log.reading import QueryLog, read_query_log
from monitor.adapters.sources.jsonl.source import JsonLinesSource
from monitor.app.configuration import Configuration
from monitor.app.health import Clocks
from monitor.app.wiring.bootstrapping import check_files
from monitor.app.wiring.production import build_production, build_searches
from monitor.app.wiring.retrieval import build_anchors, build_space, retriever_context
from monitor.app.wiring.sources import build_decoder, build_source
from monitor.app.wiring.traffic import build_traffic
from monitor.core.explain.schema import explain_schema
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import MalformedEvent, Upsert
from monitor.core.model.production import stranger_name
from monitor.core.model.report import ALL
from monitor.core.records.documents import gate_schema, report_schema
from monitor.core.selection.selection import Candidate, as_anchors, merge_spellings, select
from monitor.kinds import Checked
from monitor.ports import ConfigurationError, Decoder, Polled

PROBLEMS_SHOWN = 100
PATIENCE = 30.0
"""Seconds that a server which is tried may take."""
SELECTION_DIMENSION = 64
"""Of the vectors that spread the chosen anchors; they are not written to the file."""


def check_references(configuration: Configuration) -> None:
    """What only other files can tell: anchors, encoder, source settings.

    Raises:
        ConfigurationError: what is wrong.
    """
    space = build_space(configuration)
    anchors = build_anchors(configuration, space)
    build_source(configuration, space, Corpus(space.dimension))
    build_production(configuration)
    clocks = Clocks(time.monotonic, time.time)
    build_searches(configuration, anchors, clocks)
    build_traffic(configuration, space, clocks)
    build_decoder(configuration, space.dimension, space.embedding_version)
    check_files(configuration, space)


def check_server(configuration: Configuration) -> Checked:
    """Ask the configured vector store whether it has what is configured, and what is to be known of it.

    Raises:
        ConfigurationError: it has not, or what it has cannot be modelled.
    """
    chosen = configuration.dense
    if chosen.adapter is None or chosen.adapter.check is None:
        return Checked((f"dense.engine = {chosen.engine!r}: no server to connect to",), known=True)
    space = build_space(configuration)
    context = retriever_context(configuration, space, Corpus(space.dimension))
    return chosen.adapter.check(chosen.settings, context)


def check_production(configuration: Configuration) -> Checked:
    """Ask production's retriever for the first anchor, and say what came.

    Raises:
        ConfigurationError: the request cannot be made as configured.
    """
    retriever, depth = build_production(configuration), max(configuration.measure.depths)
    if retriever is None:
        return Checked((), known=True)
    try:
        anchors = build_anchors(configuration, build_space(configuration))
        answer = retriever.ask(anchors, np.zeros(1, np.int64), k=depth, deadline=PATIENCE)[0]
    finally:
        retriever.close()
    where = f"production {configuration.production.url}" if configuration.production else "production"
    if answer.reason:
        return Checked((f"{where}: UNKNOWN: {retriever.last_error()}",), known=False)
    first = next(iter(answer.results), None)
    said = "none: look at production.results" if first is None else stranger_name(first, 60)
    texts = sum(bool(of.text) for of in answer.results)
    found = f"{len(answer.results)} results for anchor {anchors.anchors[0].id!r}, {texts} with a text, the first"
    return Checked((f"{where}: {found}: {said}",), known=True)


def check_anchor_file(path: Path, dimension: int) -> dict[str, Any]:
    """All problems of an anchors file, and what it holds.

    Args:
        path: the file.
        dimension: numbers that each vector must have; 0: as many as most of the file's vectors have.
    """
    lengths = vector_lengths(path)
    chosen = dimension or max(lengths, key=lambda length: (lengths[length], -length), default=0)
    # Never 0, which looks at no vector: one that cannot be read at all is a problem in a file without good ones too.
    anchors, problems = load(path, dimension=chosen or 1, default_embedding_version="")
    vectors = sum(anchor.vector is not None for anchor in anchors)
    counts = {"anchors": len(anchors), "with vectors": vectors}
    return {"problems": problems, "counts": counts, "dimension": chosen if lengths else 0}


def events_decoder(configuration: Configuration | None, *, form: str, dimension: int) -> Decoder:
    """What reads events as a monitor with this configuration would; without one by form and dimension alone.

    Args:
        configuration: its form, field paths, dimension and limits count where nothing else is said.
        form: a wire form, "" for the configured one, else the one that each event shows.
        dimension: of the vectors, 0 for the configured one, else unchecked.

    Raises:
        ConfigurationError: an unknown form.
    """
    if configuration is None:
        return decoder(form or "auto", FormOptions(), EventLimits(dimension=dimension))
    source = configuration.source.model_copy(update={"format": form} if form else {})
    chosen = configuration.model_copy(update={"source": source})
    dense = configuration.dense.adapter is not None
    numbers = dimension or (configuration.corpus.dimension if dense else 0)
    return build_decoder(chosen, numbers, configuration.corpus.embedding_version)


def version_paths(configuration: Configuration | None) -> str:
    """The settings that say where a version stands, as they are written; "" for none."""
    if configuration is None:
        return ""
    fields = configuration.source.fields
    said = (("version", fields.version), ("debezium_version", fields.debezium_version))
    return ", ".join(f"{name} = {path if isinstance(path, str) else [*path]!r}" for name, path in said if path)


def check_events(path: Path, reader: Decoder, *, versions: str = "") -> dict[str, Any]:
    """What would be quarantined of a file of events, and why.

    Args:
        path: the file.
        reader: reads events.
        versions: the settings that name a version's path; one that leads nowhere is a problem.

    Raises:
        UnreachableError: the file cannot be read.
    """
    source = JsonLinesSource(path if str(path) == "-" else path.absolute())
    source.start({})
    problems: list[str] = []
    counts: Counter[str] = Counter(events=0, malformed=0)
    try:
        for polled in iter(lambda: source.poll(4_096, 1.0), None):
            for where, said in _refusals(reader, polled, counts):
                counts["malformed"] += 1
                if len(problems) < PROBLEMS_SHOWN:
                    problems.append(f"{path}:{where + 1}: {said}")
            if polled.exhausted:
                break
    finally:
        source.close()
    if counts["malformed"] > len(problems):
        problems.append(f"... and {counts['malformed'] - len(problems)} more")
    versioned = counts.pop("versioned", 0)
    if versions and counts["upsert"] and not versioned:
        problems.append(f"{path}: no upsert has a version at {versions}: expected one, it orders nothing as it is")
    return {"problems": problems, "counts": dict(counts)}


def _refusals(reader: Decoder, polled: Polled, counts: Counter[str]) -> list[tuple[int, str]]:
    found = [(fault.position.offset, f"{fault.kind}: {fault.detail}") for fault in polled.faults]
    for record in polled.records:
        try:
            event = reader.decode(record)
        except MalformedEvent as error:
            found.append((record.position.offset, str(error)))
            continue
        counts["events"] += 1
        counts[type(event).__name__.lower() if event is not None else "ignored"] += 1
        counts["versioned"] += isinstance(event, Upsert) and event.version is not None
    return sorted(found)


@dataclass(frozen=True, slots=True)
class LogReading:
    """How a query log is to be read; "" is: recognised.

    Args:
        form: one of the forms of `read_query_log`.
        query_field: the query's column or field.
        count_field: the count's column or field.
        encoding: of a file without a byte-order mark.
    """

    form: str = ""
    query_field: str = ""
    count_field: str = ""
    encoding: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LogCandidates:
    """The questions of a query log that anchors are chosen from.

    Args:
        log: as it was read.
        candidates: n distinct questions, most frequent first.
        merged: log entries by what became of them.
        vectors: (n, d) float32 of unit length, which spread a choice and are written nowhere.
    """

    log: QueryLog
    candidates: Sequence[Candidate]
    merged: Mapping[str, int]
    vectors: NDArray[np.float32]

    @classmethod
    def read(cls, log: Path, how: LogReading, *, dimension: int = 0) -> "LogCandidates":
        """Read a log; `dimension` of the vectors that its records carry, 0: they are not looked at.

        Raises:
            ConfigurationError: the log cannot be read, most of it is refused, or it holds no query.
        """
        form = next((one for one in FORMS if one == how.form), None)
        if how.form and form is None:
            message = f"--form {how.form!r}: expected one of {', '.join(FORMS)}"
            raise ConfigurationError(message)
        fields = Fields(how.query_field, how.count_field)
        read = read_query_log(log, form=form, dimension=dimension, fields=fields, encoding=how.encoding)
        read.require_mostly_read(log)
        candidates, merged = merge_spellings(read.queries)
        if not candidates:
            message = f"{log}: none of its {len(read.queries)} queries has a word"
            raise ConfigurationError(message)
        texts = [candidate.text for candidate in candidates]
        # The spread of the choice needs some geometry; production's encoder fills the real vectors in when it runs.
        encoder = LatentSemanticEncoder.fit(texts, dimension=min(SELECTION_DIMENSION, max(1, len(texts) - 1)))
        return cls(read, candidates, merged, encoder.encode(texts))


def build_anchor_file(
    log: Path, output: Path, *, count: int, by: str, reading: LogReading | None = None
) -> dict[str, Any]:
    """Choose anchors from a query log and write them; vectors that the log lacks come from a throw-away encoder.

    Raises:
        ConfigurationError: the log cannot be read, most of it is refused, it holds no query, or the output cannot be
            written.
    """
    found = LogCandidates.read(log, reading or LogReading())
    read, candidates = found.log, found.candidates
    chosen = select(candidates, found.vectors, count, dimension=by or ALL)
    made = as_anchors(candidates, chosen, found.vectors, embedding_version="")
    write(output, [replace(anchor, vector=None) for anchor in made])
    return {
        "path": str(output),
        "anchors": len(chosen.chosen),
        "queries": len(candidates),
        "form": read.form,
        **({"columns": read.columns} if read.columns else {}),
        "lines": dict(read.outcomes),
        "merged": dict(found.merged),
        "refused": list(itertools.islice(read.examples, 5)),
        "segments": {share.segment: share.quota for share in chosen.segments},
    }


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "anchors": anchor_schema,
    "config": Configuration.model_json_schema,
    "events": event_schema,
    "explain": explain_schema,
    "gate": gate_schema,
    "report": report_schema,
}
"""JSON Schemas by name."""
