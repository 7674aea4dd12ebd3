"""Anchors, encoders and the real index, as configured."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.anchors_file import load as load_file
from monitor.app.configuration import Configuration
from monitor.app.wiring.production import production_mark
from monitor.core.index.corpus import Corpus
from monitor.core.index.engine import Bm25Config
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.fingerprint import Fingerprint, SearchConfig, SearchMode
from monitor.core.model.scoring import prepare
from monitor.core.text.tokens import NAME as TOKENIZER
from monitor.kinds import EncoderContext, RealIndex, RetrieverContext
from monitor.ports import ConfigurationError, Encoder, Retriever

SHOWN = 20
"""Problems of an anchors file said at the start of a run; `anchors check` says all."""
SHOWN_IDS = 3
"""Anchors named in a message that concerns many."""
NO_SEARCH = SearchConfig("none", SearchMode.APPROXIMATE, (("m", "16"), ("ef", "default")))
"""Of a corpus without a dense leg; as baselines have it that were approved before stores were registered."""


@dataclass(frozen=True, slots=True)
class Space:
    """The embedding space: its dimension (0: the dense leg is off), its version, and what encodes into it."""

    dimension: int
    embedding_version: str
    encoder: Encoder | None


def build_encoder(configuration: Configuration) -> Encoder | None:
    """The configured encoder; None where events and anchors bring their vectors."""
    chosen, corpus = configuration.encoder, configuration.corpus
    if chosen.adapter is None:
        return None
    context = EncoderContext(configuration.located, corpus.dimension, corpus.embedding_version)
    return chosen.adapter.build(chosen.settings, context)


def build_space(configuration: Configuration) -> Space:
    """The embedding space that chunks and anchors share.

    Raises:
        ConfigurationError: the encoder makes vectors of another dimension or version than the corpus declares.
    """
    if configuration.dense.adapter is None:
        return Space(0, "", None)
    encoder, corpus = build_encoder(configuration), configuration.corpus
    if encoder is None:
        return Space(corpus.dimension, corpus.embedding_version, None)
    if corpus.dimension not in (0, encoder.dimension):
        message = f"corpus.dimension = {corpus.dimension}: the encoder makes {encoder.dimension} numbers"
        raise ConfigurationError(message)
    if corpus.embedding_version not in ("", encoder.embedding_version):
        message = (
            f"corpus.embedding_version = {corpus.embedding_version!r}: the encoder is {encoder.embedding_version!r}"
        )
        raise ConfigurationError(message)
    return Space(encoder.dimension, encoder.embedding_version, encoder)


def build_anchors(configuration: Configuration, space: Space) -> AnchorSet:
    """The anchors file with a vector for every anchor, prepared for the corpus's distance.

    Raises:
        ConfigurationError: the file is missing or wrong (all problems at once), or an anchor cannot have a vector.
    """
    path = configuration.located(configuration.anchors.path)
    anchors, problems = load_file(path, dimension=space.dimension, default_embedding_version=space.embedding_version)
    if problems or not anchors:
        more = [f"{path}: ... and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        said = "\n".join([*problems[:SHOWN], *more])
        raise ConfigurationError(said or f"{path}: no anchors; expected one JSON object per line")
    if space.dimension:
        anchors = _encoded(path, anchors, space)
        matrix = np.stack([anchor.vector for anchor in anchors if anchor.vector is not None])
        prepared = prepare(matrix.astype(np.float32), configuration.corpus.distance)
        anchors = [replace(anchor, vector=row) for anchor, row in zip(anchors, prepared, strict=True)]
    else:
        anchors = [replace(anchor, vector=None) for anchor in anchors]
        prepared = np.zeros((len(anchors), 0), np.float32)
    _brought(path, anchors, configuration)
    wanted = set(configuration.dense.filter_by)
    filters = [tuple(pair for pair in anchor.segment if pair[0] in wanted) for anchor in anchors]
    weights = np.array([anchor.weight for anchor in anchors], np.float64)
    return AnchorSet(anchors, prepared, weights, filters, _encoded_rewrites(anchors, configuration, space))


def _brought(path: Path, anchors: list[Anchor], configuration: Configuration) -> None:
    """Refuse anchors without the query vectors that the configured query asks with."""
    store = configuration.dense
    for name in sorted(() if store.adapter is None else store.adapter.query_vectors(store.settings)):
        without = [anchor.id for anchor in anchors if name not in (anchor.query_vectors or {})]
        if without:
            shown = ", ".join(without[:SHOWN_IDS]) + (", ..." if len(without) > SHOWN_IDS else "")
            message = (
                f"{path}: {len(without)} anchors have no query vector {name!r} ({shown}), "
                f'expected one in "query_vectors": dense.query asks with "$vector:{name}"'
            )
            raise ConfigurationError(message)


def _encoded_rewrites(
    anchors: list[Anchor], configuration: Configuration, space: Space
) -> NDArray[np.float32] | None:
    """Prepared vectors of all rewrites; None without any, or where no encoder is configured."""
    texts = [text for anchor in anchors for text in anchor.rewrites]
    if not texts or not space.dimension or space.encoder is None:
        return None
    return prepare(space.encoder.encode(texts).astype(np.float32), configuration.corpus.distance)


def _encoded(path: Path, anchors: list[Anchor], space: Space) -> list[Anchor]:
    wanting = [at for at, anchor in enumerate(anchors) if anchor.vector is None]
    if wanting and space.encoder is None:
        named = ", ".join(anchors[at].id for at in wanting[:SHOWN_IDS])
        found = f"{path}: {len(wanting)} anchors have no vector ({named}, ...) and encoder.kind = 'none'"
        message = f"{found}; expected vectors in the file or an encoder"
        raise ConfigurationError(message)
    if wanting and space.encoder is not None:
        vectors = space.encoder.encode([anchors[at].text for at in wanting])
        for at, vector in zip(wanting, vectors, strict=True):
            anchors[at] = replace(anchors[at], vector=vector, embedding_version=space.embedding_version)
    foreign = [anchor for anchor in anchors if anchor.embedding_version not in ("", space.embedding_version)]
    if foreign:
        first = foreign[0]
        found = f"{path}: {len(foreign)} anchors are of another embedding version"
        message = f"{found} ({first.id}: {first.embedding_version!r}), expected {space.embedding_version!r}"
        raise ConfigurationError(message)
    return anchors


def retriever_context(configuration: Configuration, space: Space, corpus: Corpus) -> RetrieverContext:
    """What a vector store may know beyond its own section."""

    def known(key: int) -> NDArray[np.float32] | None:
        row = corpus.row(key)
        return corpus.vectors[row.slot] if row is not None and row.live else None

    return RetrieverContext(
        located=configuration.located,
        dimension=space.dimension,
        distance=configuration.corpus.distance,
        depth=max(configuration.measure.depths),
        deadline=configuration.dense.replay_deadline,
        state=configuration.state.path,
        known=known,
        filter_by=configuration.dense.filter_by,
    )


def build_index(configuration: Configuration, space: Space, corpus: Corpus) -> RealIndex:
    """The real index that the configuration names; nothing where the dense leg is off."""
    chosen = configuration.dense
    if chosen.adapter is None:
        return RealIndex()
    return chosen.adapter.build(chosen.settings, retriever_context(configuration, space, corpus))


def build_served_lexical(configuration: Configuration, space: Space, corpus: Corpus) -> Retriever | None:
    """What replays the server's own lexical index; None where that is not asked for."""
    chosen, lexical = configuration.dense, configuration.lexical
    if not lexical.served or chosen.adapter is None or chosen.adapter.lexical is None:
        return None
    context = retriever_context(configuration, space, corpus)
    return chosen.adapter.lexical(chosen.settings, context, lexical.served, lexical.served_field)


def fingerprint(configuration: Configuration, space: Space) -> Fingerprint:
    """Everything that must be equal for a comparison to mean anything."""
    dense, lexical, segments = configuration.dense, configuration.lexical, configuration.segments
    bm25 = Bm25Config(lexical.variant, lexical.k1, lexical.b, lexical.epsilon).shown()
    store = dense.adapter
    return Fingerprint(
        distance=str(configuration.corpus.distance),
        embedding_version=space.embedding_version,
        quantization="none" if store is None else store.quantization(dense.settings),
        search=NO_SEARCH if store is None else store.search(dense.settings),
        tokenizer=TOKENIZER,
        bm25=bm25 if lexical.enabled else "off",
        k=",".join(str(depth) for depth in sorted(configuration.measure.depths)),
        filters=",".join(sorted(dense.filter_by)),
        segments=f"{','.join(segments.dimensions)};cap={segments.cap};min={segments.min_anchors}",
        others=production_mark(configuration),
    )
