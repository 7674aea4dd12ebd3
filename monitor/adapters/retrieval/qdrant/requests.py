"""What is asked of a Qdrant collection and how its answers are read: every field checked before it is believed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from monitor.adapters.retrieval.answers import Foreign, Hit, Point, SearchAnswer, VectorQuery
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.configured_query import ConfiguredQuery
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.core.migration.target_points import FoundPoint
from monitor.core.model.events import Segment
from monitor.core.model.point_ids import name_of, payload_name, payload_number, point_of
from monitor.core.model.scoring import Distance
from monitor.ports import IndexPage

PAGES = 8
"""Pages of a scroll that looks for chunks by payload: a chunk may lie under several points."""


class MalformedResponseError(Exception):
    """An answer that lacks something or contradicts itself; becomes the reason `bad_answer`."""


class NoChunkIdError(MalformedResponseError):
    """A point whose payload holds no chunk id where one is configured."""


class Requests:
    """Builds requests and reads answers; holds no connection."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        fields = (settings.chunk_id_field, settings.content_hash_field)
        self._payload: list[str] | bool = [name for name in fields if name] or False
        self._vectors: list[str] | bool = [settings.vector_name] if settings.vector_name else True
        self.configured = ConfiguredQuery(settings.query, settings.dimension) if settings.query else None
        """Production's own query; None where the nearest vectors are asked for."""
        self._params: models.SearchParams | None = None
        if settings.exact or settings.hnsw_ef is not None:
            self._params = models.SearchParams(exact=settings.exact, hnsw_ef=settings.hnsw_ef)

    def search(self, client: QdrantClient, questions: Sequence[VectorQuery], limit: int) -> list[SearchAnswer]:
        """Ask a batch of questions; per question its hits, or the name of what was wrong with them; no times."""
        answers = client.query_batch_points(
            self._settings.collection, [self._query(question, limit) for question in questions]
        )
        if len(answers) != len(questions):
            message = f"{len(answers)} answers to {len(questions)} questions"
            raise MalformedResponseError(message)
        return [self._answer(answer.points, limit) for answer in answers]

    def stored(self, client: QdrantClient, points: Sequence[Point]) -> dict[Point, NDArray[np.float32] | str]:
        """The vectors of points, or the name of what is wrong with one; those that are gone are absent."""
        records = client.retrieve(
            self._settings.collection, list(points), with_payload=False, with_vectors=self._vectors
        )
        asked = set(points)
        return {point: self._vector(record) for record in records if (point := _point(record.id)) in asked}

    def of_chunks(
        self, client: QdrantClient, chunk_ids: Sequence[str]
    ) -> list[tuple[str, NDArray[np.float32] | str]]:
        """(chunk id, vector) of those chunks that the collection has."""
        if not self._settings.chunk_id_field:
            named = _points(chunk_ids)
            found = self.stored(client, list(set(named.values()))) if named else {}
            return [(chunk_id, found[point]) for chunk_id, point in named.items() if point in found]
        records = self._scrolled(client, chunk_ids, with_vectors=self._vectors)
        return [(self._name(record), self._vector(record)) for record in records]

    def content_hashes(self, client: QdrantClient, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Content hash by chunk id, of those chunks that the collection has; "" where their points state none."""
        if self._settings.chunk_id_field:
            records = self._scrolled(client, chunk_ids, with_vectors=False)
            return {self._name(record): self._hash(record) for record in records}
        named = _points(chunk_ids)
        if not named:
            return {}
        records = client.retrieve(
            self._settings.collection, list(set(named.values())), with_payload=self._payload, with_vectors=False
        )
        hashes = {_point(record.id): self._hash(record) for record in records}
        return {chunk_id: hashes[point] for chunk_id, point in named.items() if point in hashes}

    def _scrolled(
        self, client: QdrantClient, chunk_ids: Sequence[str], *, with_vectors: list[str] | bool
    ) -> list[models.Record]:
        """The points of chunks, which may lie under several each."""
        numbers = [number for chunk_id in chunk_ids if (number := payload_number(chunk_id)) is not None]
        forms: list[list[str] | list[int]] = [list(chunk_ids), *([numbers] if numbers else [])]
        conditions: list[Any] = [
            models.FieldCondition(key=self._settings.chunk_id_field, match=models.MatchAny(any=form))
            for form in forms
        ]
        found_so_far: list[models.Record] = []
        following: Any = None
        for _ in range(PAGES):
            records, following = client.scroll(
                self._settings.collection,
                scroll_filter=models.Filter(should=conditions),  # a payload may hold numbers as such
                limit=len(chunk_ids),
                offset=following,
                with_payload=self._payload,
                with_vectors=with_vectors,
            )
            found_so_far += records
            if following is None:
                return found_so_far
        message = f"more than {PAGES * len(chunk_ids)} points for {len(chunk_ids)} chunks"
        raise MalformedResponseError(message)

    def version(self, client: QdrantClient) -> str:
        """The server's version as it says it."""
        return client.info().version

    def description(self, client: QdrantClient) -> models.CollectionInfo:
        """What the server says of the collection."""
        return client.get_collection(self._settings.collection)

    def nameless(self, client: QdrantClient, limit: int) -> tuple[int, int]:
        """Of the first `limit` points: how many bear no chunk id, and how many there are."""
        records, _ = client.scroll(
            self._settings.collection, limit=limit, with_payload=self._payload, with_vectors=False
        )
        return sum(not self._named(record) for record in records), len(records)

    def count(self, client: QdrantClient) -> int:
        """Points in the collection."""
        return int(client.count(self._settings.collection, exact=True).count)

    def holding(self, client: QdrantClient) -> int:
        """Points in the collection; where a vector is named, those that have it."""
        return int(client.count(self._settings.collection, count_filter=self._having, exact=True).count)

    def page(self, client: QdrantClient, after: Any, limit: int) -> IndexPage:
        """Some points of the collection in the order of their ids; where a vector is named, those that have it."""
        records, following = client.scroll(
            self._settings.collection,
            scroll_filter=self._having,
            limit=limit,
            offset=after,
            with_payload=self._payload,
            with_vectors=False,
        )
        named = [record for record in records if self._named(record)]
        said = {self._name(record): self._hash(record) for record in named}
        return IndexPage(said, len(records) - len(named), following)

    def points(self, client: QdrantClient, chunk_ids: Sequence[str]) -> list[FoundPoint]:
        """Points of those chunks that the collection has, with their stored vectors; unreadable ones are empty."""
        if self._settings.chunk_id_field:
            records = [(self._name(of), of) for of in self._scrolled(client, chunk_ids, with_vectors=self._vectors)]
        else:
            named = _points(chunk_ids)
            found = client.retrieve(
                self._settings.collection,
                list(set(named.values())),
                with_payload=self._payload,
                with_vectors=self._vectors,
            )
            by_point = {_point(record.id): record for record in found}
            records = [(name, by_point[point]) for name, point in named.items() if point in by_point]
        made = []
        for name, record in records:
            if self._settings.vector_name and self._settings.vector_name not in (record.vector or ()):
                continue  # a point without a vector of this name is none of this version
            vector = self._vector(record)
            usable = np.zeros(0, np.float32) if isinstance(vector, str) else vector
            made.append(FoundPoint(name, self._hash(record), usable))
        return made

    def aliases(self, client: QdrantClient) -> frozenset[str]:
        """Other names of the collection."""
        return frozenset(one.alias_name for one in client.get_collection_aliases(self._settings.collection).aliases)

    @property
    def _having(self) -> models.Filter | None:
        name = self._settings.vector_name
        return models.Filter(must=[models.HasVectorCondition(has_vector=name)]) if name else None

    def _query(self, question: VectorQuery, limit: int) -> models.QueryRequest:
        if self.configured is not None:
            wanted = segment_filter(question.filters, self._settings.payload_prefix)
            shown = {"limit": limit, "with_payload": self._payload, "with_vector": False}
            return self.configured.request(question, wanted, **shown)
        return models.QueryRequest(
            query=question.vector.tolist(),
            using=self._settings.vector_name or None,
            filter=segment_filter(question.filters, self._settings.payload_prefix),
            params=self._params,
            limit=limit,
            with_payload=self._payload,
            with_vector=False,
        )

    def _answer(self, points: Sequence[models.ScoredPoint], limit: int) -> SearchAnswer:
        if len(points) > limit:
            return SearchAnswer(reason=FailureReason.TOO_MANY_RESULTS)
        fused = self.configured is not None and self.configured.fused
        sign = -1.0 if self._settings.distance is Distance.EUCLID and not fused else 1.0
        hits: list[Hit] = []
        foreign: list[Foreign] = []
        try:
            for point in points:
                number, score = _point(point.id), sign * float(point.score)
                if self._named(point):
                    hits.append(Hit(number, score, self._name(point), self._hash(point)))
                else:
                    foreign.append(Foreign(number, score))
        except MalformedResponseError:
            return SearchAnswer(reason=FailureReason.BAD_ANSWER)
        return SearchAnswer(hits, foreign=foreign)

    def _named(self, point: models.ScoredPoint | models.Record) -> bool:
        try:
            self._name(point)
        except NoChunkIdError:
            return False
        return True

    def _name(self, point: models.ScoredPoint | models.Record) -> str:
        path = self._settings.chunk_id_field
        value = value_at(point.payload, path) if path else str(_point(point.id))
        name = payload_name(value)
        if name is None:
            message = f"point {point.id}: payload field {path!r} is {value!r:.60}, expected a chunk id"
            raise NoChunkIdError(message)
        return name

    def _hash(self, point: models.ScoredPoint | models.Record) -> str:
        path = self._settings.content_hash_field
        value = value_at(point.payload, path) if path else None
        return value if isinstance(value, str) and _encodable(value) else ""

    def _vector(self, record: models.Record) -> NDArray[np.float32] | str:
        held: Any = record.vector
        if isinstance(held, Mapping):
            held = held.get(self._settings.vector_name)
        try:
            with np.errstate(over="ignore"):  # beyond float32 is infinite, which is looked for later
                vector = np.asarray(held, np.float32)
        except (TypeError, ValueError, OverflowError):
            return FailureReason.BAD_ANSWER
        return vector if vector.ndim == 1 else FailureReason.BAD_ANSWER


def value_at(payload: Mapping[str, Any] | None, path: str) -> Any:
    """The value of a payload field: a key that is spelt so, or else a path of keys joined by dots; None if absent."""
    value: Any = payload or {}
    if path in value:
        return value[path]
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def segment_filter(wanted: Segment, prefix: str) -> models.Filter | None:
    """The filter that passes points with every wanted attribute; None for no filter.

    Our attribute values are text; a payload may hold them as numbers or truth values, so those forms pass too.
    """
    if not wanted:
        return None
    return models.Filter(must=[_condition(_key(prefix, name), value) for name, value in wanted])


def _condition(key: str, value: str) -> models.Filter | models.FieldCondition:
    forms: list[str | int | bool] = [value]
    digits = value.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and str(int(value[:20])) == value and abs(int(value)) < 2**63:
        forms.append(int(value))
    if value in {"true", "false"}:
        forms.append(value == "true")
    conditions = [models.FieldCondition(key=key, match=models.MatchValue(value=form)) for form in forms]
    return conditions[0] if len(conditions) == 1 else models.Filter(should=list(conditions))


def _key(prefix: str, name: str) -> str:
    plain = name.isascii() and all(sign.isalnum() or sign in "_-" for sign in name)
    return f"{prefix}{name}" if plain and name else f'{prefix}"{name}"'


def _point(value: Any) -> Point:
    name = name_of(value)
    point = None if name is None else point_of(name)
    if point is not None:
        return point
    message = f"point id {value!r:.60}, expected a number or a UUID"
    raise MalformedResponseError(message)


def _points(chunk_ids: Sequence[str]) -> dict[str, Point]:
    """The point of each chunk whose id names one."""
    return {chunk_id: point for chunk_id in chunk_ids if (point := point_of(chunk_id)) is not None}


def _encodable(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
