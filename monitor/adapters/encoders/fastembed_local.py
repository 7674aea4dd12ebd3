"""Texts to vectors by a model on this disk, run by fastembed (extra `fastembed`). Nothing is ever downloaded."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.ports import ConfigurationError

CONTRACT = "ENCODER:TOKENIZER:POOLING:NORMALISATION:DIMENSION:METRIC"
BATCH = 64


class FastembedEncoder:
    """An ONNX sentence encoder from a local folder. The constructor checks; the first `encode` loads the model.

    The embedding version says how to read the folder: pooling (`mean` or `cls`), normalisation (`l2` or `none`) and
    dimension are parts of it. The folder holds one `.onnx` file and `tokenizer.json`, `config.json`,
    `tokenizer_config.json`, `special_tokens_map.json`, as exported models do.

    Args:
        path: the folder.
        embedding_version: `ENCODER:TOKENIZER:POOLING:NORMALISATION:DIMENSION:METRIC`.
        dimension: d of the corpus; equal to that of the version.

    Raises:
        ConfigurationError: the package, the folder or a part of the contract is missing or wrong.
    """

    def __init__(self, path: Path, embedding_version: str, dimension: int) -> None:
        self._path, self._version, self._dimension = path, embedding_version, dimension
        self._pooling, self._normalised = _contract(embedding_version, dimension)
        self._file = _model_file(path)
        _package()
        self._model: Any = None

    @property
    def embedding_version(self) -> str:
        """As configured."""
        return self._version

    @property
    def dimension(self) -> int:
        """The d of the vectors."""
        return self._dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, (n, d) float32, finite.

        Raises:
            ConfigurationError: the model cannot be loaded or run, or makes something else.
        """
        made = np.zeros((len(texts), self._dimension), np.float32)
        if not texts:
            return made
        try:
            self._model = self._model or self._loaded()
            rows = list(self._model.embed(list(texts), batch_size=BATCH))
        except Exception as error:  # whatever onnxruntime, tokenizers or fastembed raise: they share no base class
            message = f"fastembed cannot run the model in {self._path}: {' '.join(str(error).split())[:200]}"
            raise ConfigurationError(message) from error
        shapes = {np.shape(row) for row in rows}
        if len(rows) != len(texts) or shapes != {(self._dimension,)}:
            message = f"the model in {self._path} makes {shapes}, expected {len(texts)} vectors of {self._dimension}"
            raise ConfigurationError(message)
        made[:] = np.stack(rows)
        if not np.isfinite(made).all():
            message = f"the model in {self._path} makes values that are not finite"
            raise ConfigurationError(message)
        return made

    def _loaded(self) -> Any:
        """The model, registered under a name that only this folder and contract have."""
        text_embedding, describe = _package()
        named = blake2b(repr((self._path.resolve(), self._version)).encode(), digest_size=8).hexdigest()
        name = f"corpus-drift/{named}"
        if name not in {known["model"] for known in text_embedding.list_supported_models()}:
            text_embedding.add_custom_model(
                model=name,
                pooling=describe.PoolingType(self._pooling),
                normalization=self._normalised,
                # a source must be named, and is never asked: the specific path comes first
                sources=describe.ModelSource(hf=name),
                dim=self._dimension,
                model_file=self._file,
            )
        return text_embedding(model_name=name, specific_model_path=str(self._path), local_files_only=True)


def _package() -> tuple[Any, Any]:
    """The encoder class of fastembed and its description types."""
    try:
        from fastembed import TextEmbedding
        from fastembed.common import model_description
    except ImportError as error:
        message = (
            "encoder.kind = 'fastembed' needs the extra 'fastembed': pip install 'corpus-drift[fastembed]'"
            f" ({' '.join(str(error).split())[:100]})"
        )
        raise ConfigurationError(message) from error
    return TextEmbedding, model_description


def _contract(embedding_version: str, dimension: int) -> tuple[str, bool]:
    """Pooling in fastembed's word, and whether vectors are brought to unit length."""
    parts = embedding_version.lower().split(":")
    expected = f"expected {CONTRACT} with pooling mean or cls, normalisation l2 or none, dimension {dimension}"
    if len(parts) != 6 or parts[2] not in ("mean", "cls") or parts[3] not in ("l2", "none"):
        message = f"corpus.embedding_version = {embedding_version!r}, {expected}"
        raise ConfigurationError(message)
    if parts[4] != str(dimension) or dimension < 1:
        message = f"corpus.embedding_version = {embedding_version!r} and corpus.dimension = {dimension}, {expected}"
        raise ConfigurationError(message)
    return parts[2].upper(), parts[3] == "l2"


def _model_file(path: Path) -> str:
    """The one model file of the folder, relative to it."""
    if not path.is_dir():
        message = f"encoder.path = {path}: no such folder, expected one with a model (nothing is downloaded)"
        raise ConfigurationError(message)
    found = sorted(file.relative_to(path).as_posix() for file in path.rglob("*.onnx") if file.is_file())
    if len(found) != 1 or not (path / "tokenizer.json").is_file():
        missing = "no tokenizer.json" if len(found) == 1 else f"{len(found)} .onnx files"
        message = f"encoder.path = {path}: {missing}, expected one .onnx file and tokenizer.json"
        raise ConfigurationError(message)
    return found[0]
