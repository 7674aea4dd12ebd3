"""The demo encoder as an Encoder, and its file: round trip, damage, hostility."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.encoders import latent as encoder_latent
from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.ports import ConfigurationError, Encoder

TEXTS = [f"chapter {number % 7} speaks of naïve tokens 入門 and topic {number % 5}" for number in range(60)]


@pytest.fixture(scope="module")
def encoder() -> LatentSemanticEncoder:
    return LatentSemanticEncoder.fit(TEXTS, dimension=8, seed=3)


def rewrite(path: Path, name: str, value: object) -> None:
    with np.load(path) as archive:
        arrays = {**archive, name: np.asarray(value)}
    np.savez(path, **arrays)


def test_is_an_encoder_that_names_its_contract(encoder: LatentSemanticEncoder) -> None:
    port: Encoder = encoder
    name, model, *rest = port.embedding_version.split(":")
    assert name == "latent-semantic-demo"
    assert model == encoder.model.content_hash[:12]
    assert rest == ["words", "tfidf-svd", "l2", "8", "cosine"]
    assert port.dimension == 8
    assert port.encode(TEXTS).shape == (60, 8)


def test_a_saved_model_is_the_same_model(encoder: LatentSemanticEncoder, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_text("something older")
    encoder.save(path)
    again = LatentSemanticEncoder.load(path)
    assert again.embedding_version == encoder.embedding_version
    np.testing.assert_array_equal(again.encode(TEXTS), encoder.encode(TEXTS))
    first = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path], "no temporary file is left"


def test_an_empty_model_can_be_kept_too(tmp_path: Path) -> None:
    LatentSemanticEncoder.fit([], dimension=4).save(tmp_path / "model.npz")
    again = LatentSemanticEncoder.load(tmp_path / "model.npz")
    assert again.dimension == 4
    assert not again.encode(["anything"]).any()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("components", np.zeros((2, 8), np.float32), "expected one row per term"),
        ("components", np.zeros((2, 8)), "components is float64 with 2 axes, expected float32 with 2"),
        ("idf", np.float32(1), "idf is float32 with 0 axes, expected float32 with 1"),
        ("content_hash", np.zeros(16, np.uint8), "expected 00000000000000000000000000000000"),
        ("terms", np.array([255, 254], np.uint8), "can't decode byte"),
    ],
)
def test_a_changed_model_is_refused(
    encoder: LatentSemanticEncoder, tmp_path: Path, name: str, value: object, said: str
) -> None:
    path = tmp_path / "model.npz"
    encoder.save(path)
    rewrite(path, name, value)
    with pytest.raises(ConfigurationError, match=said) as caught:
        LatentSemanticEncoder.load(path)
    assert "\n" not in str(caught.value)


def test_values_that_are_not_finite_are_refused(encoder: LatentSemanticEncoder, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    encoder.save(path)
    broken = encoder.model.components.copy()
    broken[0, 0] = np.nan
    rewrite(path, "components", broken)
    with pytest.raises(ConfigurationError, match="not finite"):
        LatentSemanticEncoder.load(path)


def test_pickled_objects_are_never_unpickled(encoder: LatentSemanticEncoder, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    encoder.save(path)
    rewrite(path, "terms", np.array([{"a": 1}], dtype=object))
    with pytest.raises(ConfigurationError, match="allow_pickle=False"):
        LatentSemanticEncoder.load(path)


def test_every_cut_of_the_file_is_one_clear_line(encoder: LatentSemanticEncoder, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    encoder.save(path)
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:size])
        with pytest.raises(ConfigurationError, match=r"model\.npz is not a latent model"):
            LatentSemanticEncoder.load(path)


def test_a_missing_array_or_file_is_named(encoder: LatentSemanticEncoder, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, idf=np.zeros(1, np.float32))
    with pytest.raises(ConfigurationError, match="terms"):
        LatentSemanticEncoder.load(path)
    with pytest.raises(ConfigurationError, match=r"cannot read the latent model .*No such file"):
        LatentSemanticEncoder.load(tmp_path / "nowhere.npz")
    with pytest.raises(ConfigurationError, match=r"cannot write the latent model .*No such file"):
        encoder.save(tmp_path / "nowhere" / "model.npz")


def test_a_file_that_unpacks_too_far_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_latent, "MOST_BYTES", 1000)
    path = tmp_path / "model.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("components.npy", bytes(100_000))
    with pytest.raises(ConfigurationError, match="unpacks to 100000 bytes, expected at most 1000"):
        LatentSemanticEncoder.load(path)


def test_a_wrong_dimension_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="expected at least 1"):
        LatentSemanticEncoder.fit(TEXTS, dimension=0)
