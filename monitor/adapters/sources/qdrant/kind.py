"""`[source.qdrant]`: a Qdrant collection, looked through again and again."""

from typing import TYPE_CHECKING

from pydantic import Field

from monitor.adapters.retrieval.qdrant.section import CollectionSection
from monitor.kinds import PointsContext, SourceContext, SourceKind
from monitor.ports import ConfigurationError

if TYPE_CHECKING:
    from monitor.adapters.retrieval.qdrant.collection import ServerSettings
    from monitor.adapters.sources.qdrant.source import QdrantSource

TOPIC = "__qdrant__"
"""Of the one partition; a topic of Kafka has another name."""
SHARED = tuple(CollectionSection.model_fields)
"""Keys that are those of `[dense]` where the section names no server of its own."""


class ScanSection(CollectionSection):
    """A collection that is looked through, read only.

    Without a `url` it takes server, key, collection, vector and chunk ids from `[dense]`.
    """

    page: int = Field(500, ge=1, le=10_000)
    timeout: float = Field(30.0, gt=0)


class QdrantSection(ScanSection):
    """A Qdrant collection, looked through again and again: what a look finds changed are the events."""

    every: float = Field(300.0, ge=1)
    """Seconds from the end of one look to the next."""
    max_deleted_ratio: float = Field(0.5, ge=0, le=1)
    """A look that would delete more than this share of the known chunks concludes nothing."""


def completed(section: ScanSection, dense: object) -> ScanSection:
    """The section with what it leaves to `[dense]`.

    Raises:
        ConfigurationError: neither names a server and a collection.
    """
    made = section
    if not section.url:
        found = {name: getattr(dense, name) for name in SHARED if hasattr(dense, name)}
        stated = {name: getattr(section, name) for name in section.model_fields_set if name in SHARED}
        made = section.model_copy(update=found | {name: value for name, value in stated.items() if value})
    if not made.url or not made.collection:
        message = "source.qdrant: expected url and collection, there or in [dense] with engine = 'server'"
        raise ConfigurationError(message)
    return made


def server_settings(context: SourceContext, points: PointsContext, name: str) -> "ServerSettings":
    """Where the collection is; `name` is the section's, for messages."""
    from monitor.adapters.retrieval.qdrant.collection import ServerSettings

    section = points.section
    return ServerSettings(
        url=section.url,
        collection=section.collection,
        dimension=max(1, points.table.dimension),
        distance=points.distance,
        api_key=section.api_key.get_secret_value(),
        ca_file=context.located_text(section.ca_file),
        vector_name=section.vector_name,
        chunk_id_field=section.chunk_id_field,
        timeout=section.timeout,
        section=name,
    )


def _build(section: QdrantSection, context: SourceContext) -> "QdrantSource":
    from monitor.adapters.sources.qdrant.source import QdrantSource, ScanPace

    points = context.points
    if points is None:
        message = "source.qdrant: expected the table of chunks to compare with"
        raise ConfigurationError(message)
    pace = ScanPace(section.page, section.every, section.max_deleted_ratio)
    return QdrantSource(server_settings(context, points, "source.qdrant"), points, pace, topic=TOPIC)


QDRANT = SourceKind("qdrant", QdrantSection, _build, bounded=False, points=lambda section: section)
