"""Anchors, encoders and the real index, as configured."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.anchors_file import load as load_file
from monitor.adapters.encoders.fastembed_local import FastembedEncoder
from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.adapters.encoders.openai import OpenAIEncoder, OpenAISettings
from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings
from monitor.app.configuration import Configuration
from monitor.core.index.corpus import Corpus
from monitor.core.index.engine import Bm25
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.fingerprint import Fingerprint, Search, SearchMode
from monitor.core.model.scoring import prepare
from monitor.core.text.tokens import NAME as TOKENIZER
from monitor.ports import ConfigurationError, Encoder

if TYPE_CHECKING:
    from monitor.adapters.retrieval.qdrant.server import ServerRetriever

SHOWN = 20
"""Problems of an anchors file said at the start of a run; `anchors check` says all."""
EMBEDDED_EF = 128
"""Candidates of a graph search in the embedded engine where nothing is configured."""


@dataclass(frozen=True, slots=True)
class Space:
    """The embedding space: its dimension (0: the dense leg is off), its version, and what encodes into it."""

    dimension: int
    embedding_version: str
    encoder: Encoder | None


def build_encoder(configuration: Configuration) -> Encoder | None:
    """The configured encoder; None where events and anchors bring their vectors."""
    chosen = configuration.encoder
    if chosen.kind == "openai":
        settings = OpenAISettings(
            url=chosen.url,
            model=chosen.model,
            embedding_version=configuration.corpus.embedding_version,
            dimension=configuration.corpus.dimension,
            api_key=chosen.api_key.get_secret_value(),
            timeout=chosen.timeout,
        )
        return OpenAIEncoder(settings)
    if chosen.kind == "fastembed":
        path, dimension = configuration.located(chosen.path), configuration.corpus.dimension
        return FastembedEncoder(path, configuration.corpus.embedding_version, dimension)
    if chosen.kind == "latent-semantic":
        return LatentSemanticEncoder.load(configuration.located(chosen.path))
    return None


def build_space(configuration: Configuration) -> Space:
    """The embedding space that chunks and anchors share.

    Raises:
        ConfigurationError: the encoder makes vectors of another dimension or version than the corpus declares.
    """
    if configuration.dense.engine == "none":
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
    wanted = set(configuration.dense.filter_by)
    filters = [tuple(pair for pair in anchor.segment if pair[0] in wanted) for anchor in anchors]
    weights = np.array([anchor.weight for anchor in anchors], np.float64)
    return AnchorSet(anchors, prepared, weights, filters, _encoded_rewrites(anchors, configuration, space))


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
        named = ", ".join(anchors[at].id for at in wanting[:3])
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


def build_embedded(configuration: Configuration, space: Space, folder: Path | None) -> EmbeddedIndex:
    """The embedded engine that the monitor fills itself; `folder` None keeps it in a temporary folder."""
    dense = configuration.dense
    return EmbeddedIndex(
        EmbeddedSettings(
            dimension=space.dimension,
            distance=configuration.corpus.distance,
            path=folder,
            exact=dense.exact is not False,
            hnsw_m=dense.hnsw_m,
            hnsw_ef=dense.hnsw_ef or EMBEDDED_EF,
            indexing_threshold=dense.indexing_threshold,
            quantization=dense.quantization,
        )
    )


def build_server(configuration: Configuration, space: Space, corpus: Corpus) -> "ServerRetriever":
    """A Qdrant server's collection, read only; it is asked as production asks unless told to scan exactly."""
    # qdrant-client takes two seconds to import: only those who ask a server wait for it.
    from monitor.adapters.retrieval.qdrant.collection import ServerSettings
    from monitor.adapters.retrieval.qdrant.server import ServerRetriever

    dense = configuration.dense

    def known(key: int) -> NDArray[np.float32] | None:
        row = corpus.row(key)
        return corpus.vectors[row.slot] if row is not None and row.live else None

    return ServerRetriever(
        ServerSettings(
            url=dense.url,
            collection=dense.collection,
            dimension=space.dimension,
            distance=configuration.corpus.distance,
            api_key=dense.api_key.get_secret_value(),
            ca_file=configuration.located_text(dense.ca_file),
            vector_name=dense.vector_name,
            chunk_id_field=dense.chunk_id_field,
            content_hash_field=dense.content_hash_field,
            payload_prefix=dense.payload_prefix,
            timeout=dense.timeout,
            hnsw_ef=dense.hnsw_ef,
            exact=dense.exact is True,
            depth=max(configuration.measure.depths),
        ),
        known=known,
    )


def fingerprint(configuration: Configuration, space: Space) -> Fingerprint:
    """Everything that must be equal for a comparison to mean anything."""
    dense, lexical, segments = configuration.dense, configuration.lexical, configuration.segments
    bm25 = Bm25(lexical.variant, lexical.k1, lexical.b, lexical.epsilon).shown()
    exact = dense.exact is True or (dense.exact is None and dense.engine == "embedded")
    graph = (("m", str(dense.hnsw_m)), ("ef", str(dense.hnsw_ef or "default")))
    mode = SearchMode.EXACT if exact else SearchMode.APPROXIMATE
    return Fingerprint(
        distance=str(configuration.corpus.distance),
        embedding_version=space.embedding_version,
        quantization=dense.quantization,
        search=Search(dense.engine, mode, () if exact else graph),
        tokenizer=TOKENIZER,
        bm25=bm25 if lexical.enabled else "off",
        k=",".join(str(depth) for depth in sorted(configuration.measure.depths)),
        filters=",".join(sorted(dense.filter_by)),
        segments=f"{','.join(segments.dimensions)};cap={segments.cap};min={segments.min_anchors}",
    )
