"""The local-model encoder as far as it goes without its package: fastembed is an extra that tests do not install."""

import importlib
import sys
from pathlib import Path

import pytest

from monitor.adapters.encoders import fastembed_local as encoder_fastembed
from monitor.adapters.encoders.fastembed_local import FastembedEncoder
from monitor.ports import ConfigurationError

VERSION = "all-minilm-l6-v2:wordpiece-128:mean:l2:384:cosine"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like an exported model."""
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"not a model")
    (tmp_path / "tokenizer.json").write_text("{}")
    return tmp_path


def test_the_module_is_importable_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastembed", None)
    assert importlib.reload(encoder_fastembed).CONTRACT.startswith("ENCODER:")


def test_a_missing_package_names_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastembed", None)  # as if not installed, also where it is
    with pytest.raises(
        ConfigurationError, match=r"needs the extra 'fastembed': pip install 'corpus-drift\[fast"
    ) as caught:
        FastembedEncoder(folder, VERSION, 384)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "version",
    ["minilm", "a:b:mean:l2:384", "a:b:max:l2:384:cosine", "a:b:mean:l1:384:cosine", ":".join("abcdefg"), ""],
)
def test_a_version_that_says_too_little_is_refused(folder: Path, version: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"expected ENCODER:TOKENIZER:POOLING:NORMALISATION:DIMENSION:METRIC"
    ):
        FastembedEncoder(folder, version, 384)


@pytest.mark.parametrize("dimension", [0, 383])
def test_the_version_and_the_corpus_must_agree(folder: Path, dimension: int) -> None:
    with pytest.raises(ConfigurationError, match=f"and corpus.dimension = {dimension}, expected"):
        FastembedEncoder(folder, VERSION, dimension)


def test_a_folder_without_a_model_is_named_before_the_package_is_asked_for(folder: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"nowhere: no such folder, expected one with a model \(nothing is dow"
    ):
        FastembedEncoder(folder / "nowhere", VERSION, 384)
    (folder / "second.onnx").touch()
    with pytest.raises(ConfigurationError, match=r"2 \.onnx files, expected one \.onnx file and tokenizer\.json"):
        FastembedEncoder(folder, VERSION, 384)
    (folder / "second.onnx").unlink()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ConfigurationError, match=r"no tokenizer\.json, expected one \.onnx file"):
        FastembedEncoder(folder, VERSION, 384)
