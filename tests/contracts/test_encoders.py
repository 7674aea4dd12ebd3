"""One contract over every encoder: what `monitor.ports.Encoder` promises, whoever makes the vectors."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.adapters.registry import REGISTERED
from monitor.kinds import EncoderContext
from monitor.ports import Encoder
from tests.adapters.openai_serving import serving
from tests.app.test_registry import LETTERS
from tests.contracts.toys import every_case

Make = Callable[[Path, ExitStack], Encoder]
UNTRIED = {"fastembed"}
"""An extra that the tests do not install: tests/adapters/encoders/test_fastembed.py goes as far as it can without."""
KINDS = {kind.name: kind for kind in (*REGISTERED.encoders, LETTERS) if kind.name not in UNTRIED}
TEXTS = [
    "how do I rotate a key",
    "na\u00efve caf\u00e9 \U0001f511",
    "\u5165\u9580",
    "",
    "word " * 5_000,
    "how do I rotate a key",
]


def _built(name: str, keys: Mapping[str, str], folder: Path, dimension: int) -> Encoder:
    """As the wiring builds it: of its section."""
    kind = KINDS[name]
    return kind.build(kind.section(**keys), EncoderContext(folder.joinpath, dimension, "v1"))


def openai(folder: Path, stack: ExitStack) -> Encoder:
    server = stack.enter_context(serving())
    return _built("openai", {"url": server.url, "model": "m"}, folder, 3)


def latent(folder: Path, stack: ExitStack) -> Encoder:
    LatentSemanticEncoder.fit([f"chapter {at % 7} of topic {at % 5}" for at in range(60)], dimension=8, seed=3).save(
        folder / "model.npz"
    )
    return _built("latent-semantic", {"path": "model.npz"}, folder, 8)


def letters(folder: Path, stack: ExitStack) -> Encoder:
    return _built("letters", {"letters": "abcdefghijklmnopqrstuvwxyz"}, folder, 26)


ENCODERS: Mapping[str, Mapping[str, Make]] = {
    "openai": {"openai": openai},
    "latent-semantic": {"latent-semantic": latent},
    "letters": {"letters": letters},
}
"""By registered kind, the encoders over which the contract is run."""
CASES = every_case(KINDS.values(), ENCODERS, "ENCODERS of tests/contracts/test_encoders.py")


@pytest.fixture(params=CASES)
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Encoder]:
    with ExitStack() as stack:
        yield CASES[request.param](tmp_path, stack)


def test_one_finite_row_of_float32_per_text_in_the_order_asked(encoder: Encoder) -> None:
    made = encoder.encode(TEXTS)
    assert made.shape == (len(TEXTS), encoder.dimension)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1]), made[::-1], atol=1e-6)


def test_a_text_has_one_vector_whoever_stands_beside_it(encoder: Encoder) -> None:
    """A chunk that is embedded again, in another batch, has not moved."""
    made = encoder.encode(TEXTS)
    np.testing.assert_array_equal(made[0], made[-1])
    np.testing.assert_allclose(np.concatenate([encoder.encode([text]) for text in TEXTS]), made, atol=1e-6)


def test_nothing_gives_no_rows(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_it_says_what_it_is(encoder: Encoder) -> None:
    assert encoder.dimension > 0
    assert encoder.embedding_version == encoder.embedding_version.strip() != ""
