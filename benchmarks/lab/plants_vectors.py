"""Changes of vectors: texts stay (or gain a dot), and what stands for them is of another space, or of nothing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.lab.corpus import Change, Chunk, Vector, Write, unit
from benchmarks.lab.kinds import Kind, Setting
from benchmarks.lab.streams import cipher

OTHER_SPACE = 11
"""Seed of the other encoder's space: the same one in every deploy."""


def other_space(chunks: Sequence[Chunk]) -> Vector:
    """The vectors as another encoder of equal dimension gives them: a fixed rotation, so distances inside it hold."""
    vectors = np.stack([chunk.vector for chunk in chunks])
    drawn = np.random.default_rng(OTHER_SPACE).standard_normal((vectors.shape[1],) * 2)
    rotation, _ = np.linalg.qr(drawn)
    turned: Vector = (vectors @ rotation).astype(np.float32)
    return turned


def foreign_vectors(at: Setting) -> list[Change]:
    """Chunks are embedded by another encoder of equal dimension; the texts stay."""
    return _with(hit := at.some_chunks(), other_space(hit))


def foreign_vectors_edited(at: Setting) -> list[Change]:
    """The same, and each text gains a full stop: a new content hash hides what happened."""
    hit = at.some_chunks()
    return [
        Write(replace(chunk, text=f"{chunk.text} .", vector=vector))
        for chunk, vector in zip(hit, other_space(hit), strict=True)
    ]


def segment_foreign_vectors(at: Setting) -> list[Change]:
    """A source is embedded by another encoder."""
    return _with(hit := at.a_segment("source"), other_space(hit))


def mixed_versions(at: Setting) -> list[Change]:
    """Another encoder, and the events say so."""
    hit = at.some_chunks()
    made = zip(hit, other_space(hit), strict=True)
    return [
        Write(replace(chunk, vector=vector), embedding="another-model:words:mean:l2:cosine") for chunk, vector in made
    ]


def shuffled_vectors(at: Setting) -> list[Change]:
    """A batch is off by some rows: chunks carry each other's vectors."""
    return _shuffled(at, at.some_chunks())


def segment_shuffled_vectors(at: Setting) -> list[Change]:
    """The chunks of a source carry each other's vectors."""
    return _shuffled(at, at.a_segment("source"))


def zero_vectors(at: Setting) -> list[Change]:
    """An encoder that fails answers with zeros."""
    hit = at.some_chunks()
    return _with(hit, np.zeros((len(hit), len(hit[0].vector)), np.float32))


def constant_vectors(at: Setting) -> list[Change]:
    """An encoder that fails answers with one and the same vector: the mean of the corpus."""
    hit = at.some_chunks()
    mean = unit(np.mean([chunk.vector for chunk in at.chunks], axis=0))
    return _with(hit, np.repeat(mean[None], len(hit), axis=0))


def noisy_vectors(at: Setting) -> list[Change]:
    """Vectors lose their precision: noise of half their length."""
    hit = at.some_chunks()
    vectors = np.stack([chunk.vector for chunk in hit])
    drawn = at.generator.standard_normal(vectors.shape).astype(np.float32)
    return _with(hit, unit(vectors + 0.5 * unit(drawn)))


def binary_vectors(at: Setting) -> list[Change]:
    """Vectors are reduced to their signs."""
    hit = at.some_chunks()
    return _with(hit, unit(np.sign(np.stack([chunk.vector for chunk in hit])).astype(np.float32)))


def scaled_vectors(at: Setting) -> list[Change]:
    """Normalisation was switched off: lengths from a tenth to ten, directions as they were."""
    hit = at.some_chunks()
    lengths = 10.0 ** at.generator.uniform(-1, 1, len(hit))
    return _with(hit, (np.stack([chunk.vector for chunk in hit]) * lengths[:, None]).astype(np.float32))


def stale_vectors(at: Setting) -> list[Change]:
    """Texts are rewritten (in another language), vectors stay those of the old texts."""
    return [Write(replace(chunk, text=cipher(chunk.text, 2))) for chunk in at.some_documents()]


def _with(chunks: Sequence[Chunk], vectors: Vector) -> list[Change]:
    return [Write(replace(chunk, vector=vector)) for chunk, vector in zip(chunks, vectors, strict=True)]


def _shuffled(at: Setting, hit: Sequence[Chunk]) -> list[Change]:
    by = 1 + int(at.generator.integers(max(1, len(hit) - 1)))
    return _with(hit, np.stack([hit[(row + by) % len(hit)].vector for row in range(len(hit))]))


KINDS = (
    Kind("foreign_vectors", "incident", foreign_vectors, "ENCODER"),
    Kind("foreign_vectors_edited", "incident", foreign_vectors_edited, "ENCODER"),
    Kind("segment_foreign_vectors", "incident", segment_foreign_vectors, "ENCODER", dimension="source"),
    Kind("mixed_versions", "incident", mixed_versions, "ENCODER"),
    Kind("shuffled_vectors", "incident", shuffled_vectors, "ENCODER"),
    Kind("segment_shuffled_vectors", "incident", segment_shuffled_vectors, "ENCODER", dimension="source"),
    Kind("zero_vectors", "incident", zero_vectors, "ENCODER"),
    Kind("constant_vectors", "incident", constant_vectors, "ENCODER"),
    Kind("noisy_vectors", "incident", noisy_vectors, "ENCODER"),
    Kind("binary_vectors", "incident", binary_vectors, "ENCODER"),
    Kind("scaled_vectors", "incident", scaled_vectors, "ENCODER", distance="dot"),
    Kind("stale_vectors", "incident", stale_vectors),
    Kind("slow_foreign_vectors", "incident", foreign_vectors, "ENCODER", shares=(0.01,), deploys=12),
)
