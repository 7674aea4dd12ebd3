"""What a session is built from where nothing is configured, and events made ready for it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.arguments import listed, whole_number
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.changes import Refused
from monitor.core.model.events import Chunk, CorpusEvent, Located, MalformedEvent, Upsert, text_of
from monitor.core.model.fingerprint import Fingerprint, SearchConfig, SearchMode
from monitor.core.model.scoring import Distance, prepare
from monitor.core.reporting.drift import Drift, SegmentScope
from monitor.core.text.tokens import NAME as TOKENIZER
from monitor.errors import InputError

CAP = 50
"""Segments of a dimension told apart."""


def built(
    given: object,
    dimension: int,
    distance: Distance,
    depths: tuple[int, ...],
    dimensions: tuple[str, ...],
    *,
    min_anchors: int,
) -> tuple[Corpus, Engine, Drift]:
    """An empty corpus, its engine and its evaluation; arguments as of `Session`.

    Raises:
        InputError: the anchors or the dimension are not as expected; the message is one line.
    """
    anchors = _anchors(given)
    numbers = whole_number(dimension)
    if numbers is None or numbers < 0:
        message = f"dimension = {dimension!r:.80}: expected the numbers of a vector, or 0 without a dense leg"
        raise InputError(message)
    asked, corpus, bm25 = anchor_set(anchors, dimension, distance), Corpus(dimension), Bm25Config()
    engine = Engine(
        asked,
        corpus,
        Depths(max(depths), dense=dimension > 0, lexical=True),
        distance,
        bm25,
        bands=MinHashBands(),
        dimensions=dimensions,
    )
    marked = Fingerprint(
        distance=str(distance),
        embedding_version=",".join(sorted({anchor.embedding_version for anchor in anchors} - {""})),
        quantization="none",
        search=SearchConfig("session" if dimension else "none", SearchMode.EXACT),
        tokenizer=TOKENIZER,
        bm25=bm25.shown(),
        k=",".join(map(str, sorted(depths))),
        filters="",
        segments=f"{','.join(dimensions)};cap={CAP};min={min_anchors}",
    )
    return corpus, engine, Drift(asked, marked, SegmentScope(dimensions, CAP, min_anchors), depths, {})


def _anchors(given: object) -> tuple[Anchor, ...]:
    """The anchors, each with an id and a text."""
    anchors = listed(given, "anchors", "monitor.Anchor")
    for at, anchor in enumerate(anchors):
        if not isinstance(anchor, Anchor):
            message = f"anchors[{at}] = {anchor!r:.80}: expected a monitor.Anchor"
            raise InputError(message)
        text_of(anchor.id, f"anchors[{at}]: id", empty=False)
        text_of(anchor.text, f"anchor {anchor.id!r}: text")
    return tuple(anchors)  # type: ignore[arg-type]  # each was looked at


def measured_by(distance: str) -> Distance:
    """The distance of that name; InputError where there is none."""
    if distance not in tuple(Distance):
        message = f"distance {distance!r}: expected one of {', '.join(Distance)}"
        raise InputError(message)
    return Distance(distance)


def anchor_set(anchors: Sequence[Anchor], dimension: int, distance: Distance) -> AnchorSet:
    """The anchors with their vectors prepared for the distance.

    Raises:
        InputError: no anchors, one id twice, or a vector that is missing or not of `dimension` finite numbers.
    """
    ids = [anchor.id for anchor in anchors]
    if not ids or len(set(ids)) != len(ids):
        twice = next((name for at, name in enumerate(ids) if name in ids[:at]), None)
        found = "no anchors" if twice is None else f"anchor {twice!r}: twice"
        message = f"{found}; expected one or more anchors with distinct ids"
        raise InputError(message)
    vectors = np.zeros((len(anchors), dimension), np.float32)
    for at, anchor in enumerate(anchors if dimension else ()):
        vector = None if anchor.vector is None else np.asarray(anchor.vector, np.float32)
        if vector is None or vector.shape != (dimension,) or not np.isfinite(vector).all():
            found = _vector_said(vector, dimension)
            message = f"anchor {anchor.id!r}: {found}; expected {dimension} finite numbers"
            raise InputError(message)
        vectors[at] = vector
    prepared = prepare(vectors, distance)
    named = [replace(of, vector=row if dimension else None) for of, row in zip(anchors, prepared, strict=True)]
    weights = np.array([anchor.weight for anchor in anchors], np.float64)
    return AnchorSet(named, prepared, weights, [()] * len(anchors))


def ready(
    events: Iterable[Located | CorpusEvent],
    locate: Callable[[CorpusEvent], Located],
    dimension: int,
    distance: Distance,
) -> tuple[list[Located], list[Refused]]:
    """Events with places and prepared vectors, and the upserts whose vector is not there or not right.

    Args:
        events: what has a place already is ready.
        locate: gives a place.
        dimension: of the vectors, 0: none are kept.
        distance: what they are prepared for.
    """
    made: list[Located] = []
    refused: list[Refused] = []
    if isinstance(events, CorpusEvent | Chunk) or not isinstance(events, Iterable):
        said = f"events = {events!r:.80}: expected a list of Upsert, Delete, Deploy or Heartbeat"
        raise InputError(said)
    for event in events:
        if isinstance(event, Located):
            made.append(event)
            continue
        if not isinstance(event, CorpusEvent):  # not everybody has a type checker
            said = f"event {event!r:.80}: expected an Upsert, Delete, Deploy or Heartbeat"  # type: ignore[unreachable]
            raise InputError(said)
        located = locate(event)
        if not isinstance(event, Upsert):
            made.append(located)
            continue
        given = None if event.chunk.vector is None else np.asarray(event.chunk.vector, np.float32)
        if dimension and (given is None or given.shape != (dimension,) or not np.isfinite(given).all()):
            found = _vector_said(given, dimension)
            said = f"chunk_id {event.chunk.chunk_id!r}: {found}, expected {dimension} finite numbers"
            right = given is not None and given.shape == (dimension,)
            reason = "no_vector" if given is None else "not_finite" if right else "wrong_dimension"
            refused.append(Refused(located, MalformedEvent(reason, said)))
            continue
        vector = None if not dimension or given is None else prepare(given[None], distance)[0]
        made.append(Located(located.position, Upsert(replace(event.chunk, vector=vector), event.version)))
    return made, refused


def _vector_said(vector: NDArray[np.float32] | None, dimension: int) -> str:
    """What is wrong with a vector, in words."""
    if vector is None:
        return "no vector"
    return "a vector that is not finite" if vector.shape == (dimension,) else f"a vector of shape {vector.shape}"
