"""Looking at a Qdrant collection: what it holds, in which form, and how it is to be read."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.adapters.codecs.presets import PRESETS
from monitor.adapters.retrieval.failed_reads import FailedRead
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.raw import CollectionOutline, RawPoint, RawReader
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.adapters.sources.qdrant.comparison import NOWHERE, dated, sink_form
from monitor.app.wiring.survey import Survey, corpus_name, duplicates_line, proposed, refusals_line, segments_line
from monitor.core.model.events import Chunk, MalformedEvent, Record, Upsert
from monitor.core.model.scoring import Distance
from monitor.ports import ConfigurationError, Decoder, UnreachableError

SAMPLE, PAGE = 2_000, 200
TEXTS = ("text", "content", "page_content", "body", "chunk", "chunk_text", "document", "passage")
DOCUMENTS = ("doc_id", "document_id", "source", "url", "path", "file_name", "filename", "file", "title")
CHUNKS = ("chunk_id", "id", "_id", "node_id")
PLAIN = "plain fields"
EXPECTED = {
    FailureReason.REFUSED: "its key in CORPUS_DRIFT_DENSE__API_KEY",
    FailureReason.FORBIDDEN: "a key that may read it in CORPUS_DRIFT_DENSE__API_KEY",
    FailureReason.COLLECTION_MISSING: "the name of a collection",
}
"""What a user mends, by what went wrong."""
SHOWN = 12
"""Payload fields that are named."""


@dataclass(frozen=True, slots=True)
class CollectionAddress:
    """A collection to look at, and what its user says of it; "" is: found out.

    Args:
        url: the server.
        collection: its name.
        api_key: from the environment.
        vector_name: of a named vector.
        chunk_id_field: payload field of the chunk id.
        text_field: payload field of the text.
    """

    url: str
    collection: str
    api_key: str = ""
    vector_name: str = ""
    chunk_id_field: str = ""
    text_field: str = ""


@dataclass(frozen=True, slots=True)
class PayloadForm:
    """A form in which payloads may be: a preset's, or plain fields.

    Args:
        name: the preset's, or PLAIN.
        paths: keys of `[source.fields]`.
        chunk_id_field: payload field of the chunk id, "" for the point id.
    """

    name: str
    paths: Mapping[str, str]
    chunk_id_field: str


@dataclass(frozen=True, slots=True)
class PayloadReading:
    """How a form read a sample: the chunks, and what it could not read by reason."""

    form: PayloadForm
    chunks: Sequence[Chunk]
    refused: Mapping[str, int]


def survey_collection(address: CollectionAddress) -> Survey:
    """Look at a collection; nothing is written.

    Raises:
        ConfigurationError: no such collection, the key is refused, it is empty, or its payloads hold no text.
        UnreachableError: the server does not answer.
    """
    settings = ServerSettings(
        address.url, address.collection, 1, Distance.COSINE, api_key=address.api_key, timeout=30.0, section="--qdrant"
    )
    reader = RawReader(settings)
    reader.start()
    try:
        outline = _demanded(reader.outline(), settings.where)
        name = _vector_name(outline, address, settings.where)
        points = list(_sampled(reader, name, outline, settings.where))
    finally:
        reader.close()
    if not points:
        message = f"{settings.where}: holds no points; expected a collection that was filled"
        raise ConfigurationError(message)
    payloads = [_payload(point) for point in points]
    best = _best_reading(points, payloads, address, name, outline)
    if not best.chunks:
        fields = ", ".join(_fields(payloads)) or "none"
        message = f"{settings.where}: no text found in the payloads of {len(points)} points (fields: {fields})"
        message += "; expected it in --text-field"
        raise ConfigurationError(message)
    return _survey(address, outline, name, payloads, best)


def _survey(
    address: CollectionAddress,
    outline: CollectionOutline,
    name: str | None,
    payloads: Sequence[Mapping[str, Any]],
    best: PayloadReading,
) -> Survey:
    form, vector = best.form, None if name is None else outline.vectors[name]
    found = proposed(_attributes(payloads), len(payloads))
    corpus: dict[str, Any] = {"name": corpus_name(address.collection)}
    dense: dict[str, Any] = {"engine": "none"}
    source: dict[str, Any] = {"url": address.url, "collection": address.collection}
    if vector is not None:
        corpus |= {"dimension": vector.size, "distance": vector.distance.lower()}
        dense = {"engine": "server", **source} | ({"vector_name": name} if name else {})
        source = {}
    if form.chunk_id_field:
        (source if vector is None else dense)["chunk_id_field"] = form.chunk_id_field
    if vector is not None and _prefix(form):
        dense["payload_prefix"] = _prefix(form)
    fields: dict[str, Any] = {"preset": form.name} if form.name != PLAIN else dict(form.paths)
    if found:
        fields["segments"] = {one: f"{_prefix(form)}{one}" for one in found}
    content = {
        "corpus": corpus,
        "segments": {"dimensions": list(found)},
        "source.qdrant": {**source, "every": 300.0},
        "source.fields": fields,
        "dense": dense,
    }
    lines = [*_described(address, outline, name, payloads, best), segments_line(found)]
    return Survey(content, [line for line in lines if line], best.chunks)


def _described(
    address: CollectionAddress,
    outline: CollectionOutline,
    name: str | None,
    payloads: Sequence[Mapping[str, Any]],
    best: PayloadReading,
) -> Iterator[str]:
    points = "an unknown number of" if outline.points is None else f"{outline.points:,}"
    yield f"Qdrant {address.url}, collection {address.collection!r}: {points} points, status {outline.status}"
    vectors = [
        f"{repr(key) if key else 'unnamed'} of {one.size} numbers, {one.distance.lower()}"
        for key, one in outline.vectors.items()
    ]
    watched = f"; watched: {name!r}" if name and len(outline.vectors) > 1 else ""
    yield f"vectors: {', '.join(vectors) or 'none, so the texts alone are watched'}{watched}"
    if outline.sparse:
        yield f"sparse vectors: {', '.join(map(repr, outline.sparse))} (not watched)"
    yield f"payload fields: {', '.join(_fields(payloads))}"
    read, refused = len(best.chunks), refusals_line(best.refused)
    text = best.form.paths.get("text", "")
    yield f"form: {best.form.name}, text in {text!r}: {read} of {len(payloads)} points of the sample read"
    if refused:
        yield f"NOT read: {refused}; such points are set aside, and more than a tenth of them makes a deploy UNKNOWN"
    bare = sum(chunk.vector is None for chunk in best.chunks)
    if name is not None and bare:
        yield f"{bare} points have no vector: they are refused unless an encoder fills it (encoder.kind)"
    field = best.form.chunk_id_field
    yield f"chunk ids: {f'payload field {field!r}' if field else 'the ids of the points'}"
    yield duplicates_line(best.chunks)


def _vector_name(outline: CollectionOutline, address: CollectionAddress, where: str) -> str | None:
    """The vector to watch: the one that is asked for, or the first; None where there is none."""
    wanted, names = address.vector_name, list(outline.vectors)
    if wanted and wanted not in names:
        said = ", ".join(map(repr, names)) if any(names) else "the unnamed one" if names else "none"
        message = f"{where}: its dense vector {wanted!r} is not there; expected --vector-name of {said}"
        raise ConfigurationError(message)
    found = wanted or (names[0] if names else None)
    if found is not None and outline.vectors[found].multivector_config is not None:
        message = f"{where}: its vector {found!r} is several per point; expected one, see --vector-name"
        raise ConfigurationError(message)
    if found is not None and outline.vectors[found].distance.lower() not in {one.value for one in Distance}:
        message = f"{where}: distance {outline.vectors[found].distance}: expected Cosine, Dot or Euclid"
        raise ConfigurationError(message)
    return found


def _sampled(reader: RawReader, name: str | None, outline: CollectionOutline, where: str) -> Iterator[RawPoint]:
    offset, read = None, 0
    limit = min(PAGE, outline.most_results or PAGE)
    vector = False if name is None else [name] if name else True
    while read < SAMPLE:
        page = _demanded(reader.page(offset, limit, payload=True, vector=vector), where)
        yield from page.points
        read, offset = read + len(page.points), page.next_page_offset
        if offset is None:
            return


def _demanded(found: Any, where: str) -> Any:
    if not isinstance(found, FailedRead):
        return found
    message = f"{where}: {found.reason}: {found.detail}"
    expected = EXPECTED.get(found.reason)
    if expected is None:
        raise UnreachableError(message)
    message = f"{message}; expected {expected}"
    raise ConfigurationError(message)


def _payload(point: RawPoint) -> Mapping[str, Any]:
    found = json.loads(bytes(point.payload) or b"null")
    return found if isinstance(found, dict) else {}


def _fields(payloads: Sequence[Mapping[str, Any]]) -> list[str]:
    counted = Counter(key for payload in payloads for key in payload)
    return [key for key, _ in counted.most_common(SHOWN)]


def _attributes(payloads: Sequence[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """Short texts and truth values of the payloads, also within `metadata` and `meta`, by name."""
    made: dict[str, Counter[str]] = {}
    for payload in payloads:
        inner = next((of for key in ("metadata", "meta") if isinstance(of := payload.get(key), dict)), {})
        for name, value in {**payload, **inner}.items():
            if isinstance(value, str | bool) and len(str(value)) <= 64 and name.isidentifier():
                made.setdefault(name, Counter())[str(value)] += 1
    return made


def _prefix(form: PayloadForm) -> str:
    """Where a framework keeps attributes."""
    return {"langchain": "metadata.", "haystack": "meta."}.get(form.name, "")


def _forms(payloads: Sequence[Mapping[str, Any]], address: CollectionAddress) -> Iterator[PayloadForm]:
    """Forms to try, the likeliest first: the first of equals is taken."""
    if not address.text_field:
        for name, paths in PRESETS.items():
            named = address.chunk_id_field or paths.get("sink_chunk_id", "")
            yield PayloadForm(name, paths, named)
    text = address.text_field or next((one for one in TEXTS if any(one in of for of in payloads)), "")
    if text:
        named = address.chunk_id_field or next((one for one in CHUNKS if _names_chunks(one, payloads)), "")
        document = next((one for one in DOCUMENTS if all(one in of for of in payloads)), "")
        paths = {"text": text} | ({"doc_id": document} if document and document != "doc_id" else {})
        yield PayloadForm(PLAIN, paths, named)


def _names_chunks(field: str, payloads: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a field's values tell all points apart."""
    values = [payload.get(field) for payload in payloads]
    return all(isinstance(value, str | int) for value in values) and len(set(map(str, values))) == len(values)


def _best_reading(
    points: Sequence[RawPoint],
    payloads: Sequence[Mapping[str, Any]],
    address: CollectionAddress,
    name: str | None,
    outline: CollectionOutline,
) -> PayloadReading:
    limits = EventLimits(dimension=0 if name is None else outline.vectors[name].size)
    values = [sink_form(address.collection, point) for point in points]
    tried = [
        _reading(values, form, decoder("qdrant-sink", _options(form, address, name), limits))
        for form in _forms(payloads, address)
    ]
    return max(tried, key=lambda one: len(one.chunks), default=PayloadReading(PayloadForm(PLAIN, {}, ""), (), {}))


def _options(form: PayloadForm, address: CollectionAddress, name: str | None) -> FormOptions:
    paths = {key: path for key, path in form.paths.items() if key != "sink_chunk_id"}
    return FormOptions(
        embedding_version="unknown",
        paths=replace(FieldPaths(), **paths),  # type: ignore[arg-type]  # of the presets' keys
        collection=address.collection,
        sink_chunk_id=form.chunk_id_field or None,
        vector_name=name or None,
    )


def _reading(values: Sequence[bytes], form: PayloadForm, reads: Decoder) -> PayloadReading:
    chunks: list[Chunk] = []
    refused: Counter[str] = Counter()
    for value in values:
        try:
            event = reads.decode(Record(NOWHERE, None, value, (dated(0),)))
        except MalformedEvent as error:
            refused[str(error)] += 1
            continue
        if isinstance(event, Upsert):
            chunks.append(event.chunk)
    return PayloadReading(form, chunks, refused)
