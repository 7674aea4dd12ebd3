"""Vectors for anchors that have none."""

from dataclasses import replace

from monitor.core.model.anchors import Anchor
from monitor.ports import Encoder


def encoded(anchors: list[Anchor], encoder: Encoder) -> list[Anchor]:
    """Anchors with the encoder's vectors."""
    vectors = encoder.encode([anchor.text for anchor in anchors])
    version = encoder.embedding_version
    return [
        replace(anchor, vector=vector, embedding_version=version)
        for anchor, vector in zip(anchors, vectors, strict=True)
    ]
