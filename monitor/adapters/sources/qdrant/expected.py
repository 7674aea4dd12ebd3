"""What a configuration expects of a collection that is scanned, and what is asked of its payloads."""

from collections.abc import Sequence

from monitor.adapters.codecs.paths import several, split
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.raw import CollectionOutline
from monitor.kinds import FieldPathsSection, PointsContext

NAMED = 5
"""Names of vectors that are said."""
PAYLOAD_PATHS = ("doc_id", "text", "position", "embedding_version", "content_hash", "event_time")


def contradictions(found: CollectionOutline, settings: ServerSettings, points: PointsContext) -> list[str]:
    """Where a collection is not what is configured: its points would be read wrongly, or not at all."""
    if not points.table.dimension:
        return []
    wrong: list[str] = []
    if not found.vectors:
        if not points.encoder:
            wrong.append("it has no dense vectors: expected an encoder (encoder.kind), or dense.engine = 'none'")
        return wrong
    name = settings.vector_name
    vector = found.vectors.get(name)
    if vector is None:
        asked = f"its vector {name!r} is not there" if name else "it has no unnamed vector"
        names = ", ".join(repr(one) for one in sorted(found.vectors)[:NAMED])
        sparse = " (that one is sparse)" if name in found.sparse else ""
        expected = f"{settings.section}.vector_name = {names}" if "" not in found.vectors else "its unnamed one"
        return [f"{asked}{sparse}: expected {expected}"]
    if vector.size != points.table.dimension:
        wrong.append(f"its vectors have {vector.size} numbers: expected corpus.dimension = {points.table.dimension}")
    if vector.distance.lower() != points.distance.value:
        wrong.append(f"its distance is {vector.distance.lower()}: expected corpus.distance = {points.distance.value}")
    if vector.multivector_config is not None:
        wrong.append("it holds several vectors per point: expected one")
    return wrong


def payload_fields(fields: FieldPathsSection, chunk_id_field: str) -> Sequence[str] | bool:
    """The payload's outermost names that are read; True, all of them, where one is spelt unusually."""
    paths = [getattr(fields, name) for name in PAYLOAD_PATHS]
    paths += [*fields.segments.values(), *several(fields.version or None), chunk_id_field]
    roots = sorted({split(path)[0] for path in paths if path})
    plain = (root.isascii() and root.replace("_", "").replace("-", "").isalnum() for root in roots)
    return roots if all(plain) else True
