"""Attributions and statistics by source as plain values for MessagePack: arrays as raw little-endian bytes."""

from typing import Any

import msgspec
import numpy as np

from monitor.core.attribution import Attribution, Cause, Event, Statistics
from monitor.core.attribution.attribution import ChangedPart
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.model.events import Position, Segment

Plain = dict[str, Any]


def plain_attribution(one: Attribution) -> Plain:
    """The inverse of `attribution`."""
    return {
        "leg": one.leg,
        "causes": [_plain_cause(cause) for cause in one.causes],
        "row": one.row.astype("<i4").tobytes(),
        "key": one.key.astype("<i8").tobytes(),
        "entered": one.entered.astype("u1").tobytes(),
        "cause": one.cause.astype("<i4").tobytes(),
        "part": one.part.astype("<f8").tobytes(),
        **({} if one.moved is None else {"moved": plain_attribution(one.moved)}),
    }


def attribution(plain: Plain) -> Attribution:
    """An attribution as it was stored, bit for bit."""
    return Attribution(
        plain["leg"],
        tuple(_cause(cause) for cause in plain["causes"]),
        np.frombuffer(plain["row"], "<i4").astype(np.int64),
        np.frombuffer(plain["key"], "<i8").astype(np.int64),
        np.frombuffer(plain["entered"], "u1").astype(np.bool_),
        np.frombuffer(plain["cause"], "<i4").astype(np.int64),
        np.frombuffer(plain["part"], "<f8").astype(np.float64),
        attribution(plain["moved"]) if "moved" in plain else None,
    )


def _plain_cause(cause: Cause) -> list[Any]:
    if isinstance(cause, Statistics):
        return [cause.name, [[part.doc_id, part.segment, part.share] for part in cause.parts]]
    said = (cause.kind, cause.chunk_id, cause.doc_id, cause.source, cause.segment, cause.embedding_version)
    return [list(cause.position), *said, *([cause.says] if cause.says else [])]


def _cause(plain: list[Any]) -> Cause:
    if len(plain) <= 2:  # states of before hold the name alone
        return Statistics(plain[0], tuple(_part(*part) for part in (plain[1] if len(plain) == 2 else ())))
    place, kind, chunk_id, doc_id, source, segment, version, *says = plain
    return Event(Position(*place), kind, chunk_id, doc_id, source, _segment(segment), version, *says)


def _part(doc_id: str, segment: list[list[str]], share: float) -> ChangedPart:
    return ChangedPart(doc_id, _segment(segment), share)


def _segment(plain: list[list[str]]) -> Segment:
    return tuple((name, value) for name, value in plain)


def plain_statistics(of: SourceStatistics | None) -> Plain | None:
    """The inverse of `statistics`; of the frequencies only those that are not 0."""
    if of is None:
        return None
    at = np.flatnonzero(of.frequency)
    return {
        "sources": of.sources,
        "terms": of.terms,
        "documents": of.documents.astype("<i8").tobytes(),
        "lengths": of.lengths.astype("<i8").tobytes(),
        "at": at.astype("<i4").tobytes(),
        "frequency": of.frequency.ravel()[at].astype("<i4").tobytes(),
        "average_idf": of.average_idf,
    }


def statistics(plain: Plain | None) -> SourceStatistics | None:
    """Statistics by source as they were stored, bit for bit."""
    if plain is None:
        return None
    sources, terms = (tuple(msgspec.convert(plain[name], list[str])) for name in ("sources", "terms"))
    frequency = np.zeros(len(sources) * len(terms), np.int64)
    frequency[np.frombuffer(plain["at"], "<i4")] = np.frombuffer(plain["frequency"], "<i4")
    return SourceStatistics(
        sources,
        np.frombuffer(plain["documents"], "<i8").astype(np.int64),
        np.frombuffer(plain["lengths"], "<i8").astype(np.int64),
        terms,
        frequency.reshape(len(sources), len(terms)),
        plain["average_idf"],
    )
