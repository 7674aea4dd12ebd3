"""`dense.engine = "embedded"` and `"server"`: Qdrant in this process, or a collection of production's, read only."""

import json
from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from monitor.adapters.retrieval.qdrant.query_json import TEXT, digest, fused, named, parsed
from monitor.adapters.retrieval.qdrant.section import CollectionSection
from monitor.adapters.retrieval.section import GraphSection
from monitor.core.model.fingerprint import SearchConfig, SearchMode
from monitor.kinds import Checked, RealIndex, RetrieverContext, RetrieverKind
from monitor.ports import ConfigurationError

if TYPE_CHECKING:
    from monitor.adapters.retrieval.qdrant.server import ServerRetriever

EMBEDDED_EF = 128
"""Candidates of a graph search in the embedded engine where nothing is configured."""


class EmbeddedSection(GraphSection):
    """The embedded engine, which the monitor fills from the events."""

    path: str = ""
    indexing_threshold: int = Field(20_000, ge=0)


class ServerSection(CollectionSection, GraphSection):
    """A collection on a Qdrant server."""

    content_hash_field: str = ""
    payload_prefix: str = ""
    query: str = ""
    """Production's own query as Qdrant's JSON; "" asks for the nearest vectors."""
    timeout: float = Field(5.0, gt=0)

    @field_validator("query")
    @classmethod
    def _sendable(cls, query: str) -> str:
        if query:
            parsed(query)
        return query


def _embedded(section: EmbeddedSection, context: RetrieverContext) -> RealIndex:
    from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
    from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings

    index = EmbeddedIndex(
        EmbeddedSettings(
            dimension=context.dimension,
            distance=context.distance,
            path=context.located(section.path or context.state + ".index"),
            exact=section.exact is not False,
            hnsw_m=section.hnsw_m,
            hnsw_ef=section.hnsw_ef or EMBEDDED_EF,
            indexing_threshold=section.indexing_threshold,
            quantization=section.quantization,
        )
    )
    return RealIndex(index, index)


def _retriever(section: ServerSection, context: RetrieverContext) -> "ServerRetriever":
    """A collection, asked as production asks unless told to scan exactly."""
    # qdrant-client takes two seconds to import: only those who ask a server wait for it.
    from monitor.adapters.retrieval.qdrant.collection import ServerSettings
    from monitor.adapters.retrieval.qdrant.server import ServerRetriever

    return ServerRetriever(
        ServerSettings(
            url=section.url,
            collection=section.collection,
            dimension=context.dimension,
            distance=context.distance,
            api_key=section.api_key.get_secret_value(),
            ca_file=context.located_text(section.ca_file),
            vector_name=section.vector_name,
            chunk_id_field=section.chunk_id_field,
            content_hash_field=section.content_hash_field,
            payload_prefix=section.payload_prefix,
            timeout=section.timeout,
            hnsw_ef=section.hnsw_ef,
            exact=section.exact is True,
            depth=context.depth,
            query=section.query,
            filter_by=context.filter_by,
        ),
        known=context.known,
    )


def _lexical(section: ServerSection, context: RetrieverContext, served: str, field: str) -> "ServerRetriever":
    """The collection's own lexical index: BM25 as the server infers it of a text, or of a full-text index."""
    asked = {"text": TEXT} if served == "qdrant-text" else {"text": TEXT, "model": "qdrant/bm25"}
    query = json.dumps({"query": asked, "using": field})
    return _retriever(section.model_copy(update={"query": query}), context)


def _server(section: ServerSection, context: RetrieverContext) -> RealIndex:
    server = _retriever(section, context)
    return RealIndex(server, lookup=partial(server.vectors, deadline=context.deadline), reader=server)


def _check(section: ServerSection, context: RetrieverContext) -> Checked:
    from monitor.adapters.retrieval.failed_reads import FailedRead

    where, server = f"qdrant {section.url}", _retriever(section, context)
    server.connect()
    try:
        met = server.meet()
    finally:
        server.close()
    if isinstance(met.collection, FailedRead):
        return Checked((f"{where}: UNKNOWN: {met.collection.reason}: {met.collection.detail}",), known=False)
    if met.problems:
        raise ConfigurationError("\n".join(met.problems))
    found = met.collection
    vectors = f"{found.dimension} numbers, {found.distance}, {found.datatype}, quantization {found.quantization:.60}"
    asked = f"{where}: Qdrant {met.version or 'of unknown version'}, collection {section.collection!r}"
    return Checked((f"{asked}: {vectors}", *(f"note: {remark}" for remark in met.remarks)), known=True)


def _searched(section: ServerSection) -> SearchConfig:
    """With a query of its own, that is what is searched by; its scores may be none of the vectors."""
    plain = section.search("server", exact_by_default=False)
    if not section.query:
        return plain
    query = parsed(section.query)
    mode = SearchMode.FUSED if fused(query) else SearchMode.APPROXIMATE
    return SearchConfig("server", mode, (("query", digest(query)),))


def _lacking(section: ServerSection) -> str:
    given = section.url and section.collection
    return "" if given else "dense.engine = 'server' needs dense.url and dense.collection"


EMBEDDED = RetrieverKind(
    "embedded",
    EmbeddedSection,
    _embedded,
    search=lambda section: section.search("embedded", exact_by_default=True),
    owned=True,
    quantization=lambda section: section.quantization,
    flat=True,
)
SERVER = RetrieverKind(
    "server",
    ServerSection,
    _server,
    search=_searched,
    owned=False,
    quantization=lambda section: section.quantization,
    point_ids=lambda section: not section.chunk_id_field,
    lacking=_lacking,
    check=_check,
    lexical=_lexical,
    query_vectors=lambda section: named(parsed(section.query)) if section.query else (),
    flat=True,
)
