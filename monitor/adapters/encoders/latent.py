"""The built-in encoder for demos and tests: a latent-semantic model fitted to the corpus, kept in one .npz file."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.encoders.latent_model import LatentModel, fit
from monitor.ports import ConfigurationError

MOST_BYTES = 1 << 30
"""A model file that unpacks to more than this is refused before it is read."""
NAME = "latent-semantic-demo"
"""Says what it is: nobody should take it for a production encoder."""


class LatentSemanticEncoder:
    """TF-IDF and truncated SVD as an Encoder: cosine, unit length, no network, no download.

    Good enough to show drift on real text; a corpus in production has an encoder of its own. Two encoders with the
    same embedding version give the same vectors: the version holds the hash of the fitted model.
    """

    def __init__(self, model: LatentModel) -> None:
        self.model = model

    @classmethod
    def fit(cls, texts: Sequence[str], *, dimension: int = 128, seed: int = 0) -> "LatentSemanticEncoder":
        """Fit to a corpus. The same texts, dimension and seed give the same model on one machine.

        Raises:
            ConfigurationError: if `dimension` is below 1.
        """
        try:
            return cls(fit(texts, np.random.default_rng(seed), dimension=dimension))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    @property
    def embedding_version(self) -> str:
        """Encoder and hash of its model, tokenizer, pooling, normalisation, dimension, metric."""
        return f"{NAME}:{self.model.content_hash[:12]}:words:tfidf-svd:l2:{self.dimension}:cosine"

    @property
    def dimension(self) -> int:
        """The d of the vectors."""
        return self.model.dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, (n, d) float32 of unit length; a text without known terms gives the zero vector."""
        return self.model.encode(texts)

    def save(self, path: Path) -> None:
        """Write the model, replacing the file as a whole.

        Raises:
            ConfigurationError: if the file cannot be written.
        """
        arrays = {
            "terms": np.frombuffer("\n".join(self.model.terms).encode(), np.uint8),
            "idf": self.model.idf,
            "components": self.model.components,
            "content_hash": np.frombuffer(bytes.fromhex(self.model.content_hash), np.uint8),
        }
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes **kwds for allow_pickle
            part.replace(path)
        except OSError as error:
            message = f"cannot write the latent model {path}: {error.strerror or error}"
            raise ConfigurationError(message) from error

    @classmethod
    def load(cls, path: Path) -> "LatentSemanticEncoder":
        """Read a model that `save` wrote; shapes, types and the content hash are checked, nothing is unpickled.

        Raises:
            ConfigurationError: if the file is missing, damaged or not a latent model.
        """
        try:
            arrays = _read(path)
            model = _model(arrays)
        except OSError as error:
            message = f"cannot read the latent model {path}: {error.strerror or error}"
            raise ConfigurationError(message) from error
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile, MemoryError, NotImplementedError) as error:
            message = f"{path} is not a latent model: {' '.join(str(error).split())[:200]}"
            raise ConfigurationError(message) from error
        return cls(model)


def _read(path: Path) -> Mapping[str, NDArray[np.generic]]:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MOST_BYTES:
        message = f"it unpacks to {size} bytes, expected at most {MOST_BYTES}"
        raise ValueError(message)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in ("terms", "idf", "components", "content_hash")}


def _model(arrays: Mapping[str, NDArray[np.generic]]) -> LatentModel:
    """The model of checked arrays; ValueError says what is wrong."""
    for name, kind, axes in (
        ("terms", "u1", 1),
        ("idf", "<f4", 1),
        ("components", "<f4", 2),
        ("content_hash", "u1", 1),
    ):
        found = arrays[name]
        if found.dtype != np.dtype(kind) or found.ndim != axes:
            message = f"{name} is {found.dtype} with {found.ndim} axes, expected {np.dtype(kind)} with {axes}"
            raise ValueError(message)
    joined = arrays["terms"].tobytes().decode()
    terms = tuple(joined.split("\n")) if joined else ()
    idf = np.ascontiguousarray(arrays["idf"], np.float32)
    components = np.ascontiguousarray(arrays["components"], np.float32)
    if len(idf) != len(terms) or len(components) != len(terms) or not components.shape[1]:
        message = f"{len(terms)} terms, {len(idf)} idf, components {components.shape}, expected one row per term"
        raise ValueError(message)
    if not (np.isfinite(idf).all() and np.isfinite(components).all()):
        message = "it holds values that are not finite"
        raise ValueError(message)
    model = LatentModel(terms, idf, components)
    if model.content_hash != arrays["content_hash"].tobytes().hex():
        message = f"its content hash is {model.content_hash}, expected {arrays['content_hash'].tobytes().hex()}"
        raise ValueError(message)
    return model
