"""Kinds of sources, stores and encoders: one line registers one, and a configuration file may then name it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.adapters.registry import REGISTERED
from monitor.app.configuration import Configuration, build, load
from monitor.app.wiring import open_monitor
from monitor.app.wiring.retrieval import NO_SEARCH, Space, build_encoder, fingerprint
from monitor.app.wiring.tools import check_server
from monitor.core.model.fingerprint import SearchConfig, SearchMode
from monitor.kinds import EncoderContext, EncoderKind, Section
from monitor.ports import ConfigurationError, Encoder
from tests.app.loops import to_end
from tests.contracts.toys import TOY_SOURCE, TOY_STORE, WITH_TOYS, every_case
from tests.corpora import Shape, write_case

SHAPE = Shape(chunks=60, deploys=3, anchors=12)
TOYS = Configuration.of(WITH_TOYS)


def reported(config: Path, model: type[Configuration] = Configuration) -> Mapping[tuple[str, ...], float]:
    """Every measurement of the dense leg at the end of the stream, by its labels."""
    with open_monitor(load(config, {}, model)) as monitor:
        assert to_end(monitor)
        assert monitor.published is not None
        report = monitor.published.report
    return {
        (one.metric, str(one.k), one.dimension, one.segment, one.stat): one.value
        for one in report.measurements
        if one.leg == "dense"
    }


def test_a_file_that_names_new_kinds_is_measured_like_one_that_names_ours(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "toys").mkdir()
    ours, toys = write_case(tmp_path / "ours", shape=SHAPE), write_case(tmp_path / "toys", shape=SHAPE)
    text = toys.read_text().replace("[source.file]", "[source.toy]")
    toys.write_text(text.replace('engine = "embedded"', 'engine = "toy"\n[dense.toy]\nmost_results = 500'))
    expected = reported(ours)
    assert len(expected) > 50
    found = reported(toys, TOYS)
    assert found.keys() == expected.keys()
    np.testing.assert_array_equal([found[key] for key in expected], list(expected.values()))


def built(model: type[Configuration], **sections: Mapping[str, Any]) -> Configuration:
    content = {"anchors": {"path": "a"}, "source": {"file": {"path": "e"}}, "dense": {"engine": "none"}, **sections}
    return build(json.loads(json.dumps(content)), {}, where=Path("c.toml"), model=model)


CORPUS = {"dimension": 4, "embedding_version": "v1"}


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (
            {"source": {"file": {"path": "e"}, "toy": {"path": "e"}}},
            f"expected exactly one of {', '.join(f'source.{kind.name}' for kind in WITH_TOYS.sources)}, found",
        ),
        ({"source": {"toy": {}}}, "source.toy.path: missing; expected text"),
        ({"source": {"toy": {"path": "e", "x": 1}}}, "source.toy.x = 1: no such key; expected one of path"),
        (
            {"dense": {"engine": "toi"}},
            f"dense.engine = 'toi': expected {', '.join(repr(kind.name) for kind in WITH_TOYS.retrievers)} or 'none'",
        ),
        ({"dense": {"engine": "toy"}, "corpus": CORPUS}, "dense.engine = 'toy' needs the table [dense.toy]"),
        (
            {"dense": {"engine": "toy", "toy": {"most_results": "x"}}},
            "dense.toy.most_results = 'x': expected a whole number",
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_file(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        built(TOYS, **sections)
    assert said in str(error.value)


def test_the_registry_that_everybody_has_is_not_touched() -> None:
    assert "toy" not in {*(kind.name for kind in REGISTERED.sources), *(kind.name for kind in REGISTERED.retrievers)}
    with pytest.raises(ConfigurationError, match=r"source\.toy: no such key; expected one of "):
        built(Configuration, source={"toy": {"path": "e"}})


@pytest.mark.parametrize(
    "more",
    [{"sources": [TOY_SOURCE]}, {"retrievers": [TOY_STORE]}, {"encoders": REGISTERED.encoders[:1]}],
)
def test_two_kinds_of_one_name_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected every name once"):
        WITH_TOYS.extended(**more)


@pytest.mark.parametrize(
    ("dense", "search", "quantization"),
    [
        ({"engine": "none"}, NO_SEARCH, "none"),
        ({}, SearchConfig("embedded", SearchMode.EXACT), "none"),
        ({"exact": True}, SearchConfig("embedded", SearchMode.EXACT), "none"),
        (
            {"exact": False, "hnsw_m": 8, "quantization": "scalar"},
            SearchConfig("embedded", SearchMode.APPROXIMATE, (("m", "8"), ("ef", "default"))),
            "scalar",
        ),
        (
            {"engine": "server", "url": "http://h:1", "collection": "c", "hnsw_ef": 64},
            SearchConfig("server", SearchMode.APPROXIMATE, (("m", "16"), ("ef", "64"))),
            "none",
        ),
        (
            {"engine": "server", "url": "http://h:1", "collection": "c", "exact": True},
            SearchConfig("server", SearchMode.EXACT),
            "none",
        ),
        ({"engine": "toy", "toy": {}}, SearchConfig("toy", SearchMode.EXACT), "none"),
    ],
)
def test_how_a_store_searches_is_part_of_what_a_baseline_is_bound_to(
    dense: dict[str, Any], search: SearchConfig, quantization: str
) -> None:
    configuration = built(TOYS, dense=dense, corpus=CORPUS)
    marked = fingerprint(configuration, Space(4, "v1", None))
    assert (marked.search, marked.quantization) == (search, quantization)


def test_a_store_without_a_server_has_none_to_be_asked() -> None:
    made = check_server(built(TOYS, dense={"engine": "toy", "toy": {}}, corpus=CORPUS))
    assert (made.lines, made.known) == (("dense.engine = 'toy': no server to connect to",), True)


# docs/extending/encoder.md shows what stands between these marks
# --8<-- [start:encoder]
class CharacterSection(Section):
    """Counts of letters."""

    letters: str = "abcd"


class CharacterEncoder:
    """How often a text has each letter."""

    def __init__(self, letters: str) -> None:
        self._letters = letters

    @property
    def embedding_version(self) -> str:
        return f"letters:{self._letters}"

    @property
    def dimension(self) -> int:
        return len(self._letters)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        counts = [[text.count(letter) for letter in self._letters] for text in texts]
        return np.array(counts, np.float32).reshape(len(texts), self.dimension)


def _character_encoder(section: CharacterSection, context: EncoderContext) -> Encoder:
    del context  # it knows its dimension and version itself
    return CharacterEncoder(section.letters)


LETTERS = EncoderKind("letters", CharacterSection, _character_encoder)
# --8<-- [end:encoder]


def test_an_encoder_is_registered_the_same_way() -> None:
    model = Configuration.of(REGISTERED.extended(encoders=[LETTERS]))
    made = build_encoder(built(model, encoder={"kind": "letters", "letters": {"letters": "xyz"}}))
    assert made is not None
    assert (made.dimension, made.encode(["xx z"]).tolist()) == (3, [[2.0, 0.0, 1.0]])
    with pytest.raises(ConfigurationError, match=r"encoder\.kind = 'letters' needs the table \[encoder\.letters\]"):
        built(model, encoder={"kind": "letters"})


def test_a_kind_without_a_case_is_told_where_it_goes() -> None:
    with pytest.raises(AssertionError, match="toy: registered without a case in STREAMS"):
        every_case(WITH_TOYS.sources, {kind.name: {kind.name: 1} for kind in REGISTERED.sources}, "STREAMS")
