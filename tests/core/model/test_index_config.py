"""The configuration of an index: flat, bounded, compared like a fingerprint, and a cause where it changed."""

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.model.index_config import LONGEST, MOST, IndexConfig, config_changes, config_evidence

NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
M16 = IndexConfig.of({"hnsw": {"m": 16, "on_disk": False}, "fields": {}, "names": ["a", "b"], "none": None})
M32 = IndexConfig.of({"hnsw": {"m": 32}, "names": ["a", "b"], "quantization": "scalar"})


def test_nested_tables_are_flat_and_in_order() -> None:
    assert M16.parameters == (("hnsw.m", "16"), ("hnsw.on_disk", "false"), ("names.0", "a"), ("names.1", "b"))
    assert IndexConfig.of({"a": "x" * 999}).parameters == (("a", "x" * LONGEST),)
    assert len(IndexConfig.of({str(at): at for at in range(9_999)}).parameters) == MOST


@given(st.dictionaries(st.text(max_size=3), NESTED, max_size=4))
def test_the_order_in_which_it_is_said_has_no_say(said: dict[str, Any]) -> None:
    other = IndexConfig.of(dict(reversed(said.items())))
    assert dict(IndexConfig.of(said).parameters).keys() == dict(other.parameters).keys()
    assert IndexConfig.of(said).differences(IndexConfig.of(said)) == ()
    assert IndexConfig.of(said).digest() == IndexConfig.of(said).digest()


def test_what_changed_is_named_on_both_sides() -> None:
    assert [str(of) for of in M32.differences(M16)] == [
        "hnsw.m: baseline '16', now '32'",
        "hnsw.on_disk: baseline 'false', now 'absent'",
        "quantization: baseline 'absent', now 'scalar'",
    ]
    assert M16.digest() != M32.digest()


def test_a_change_is_the_cause_config_and_what_is_not_known_is_none() -> None:
    said = [(of.cause, of.said) for of in config_evidence(M32, M16)]
    assert said[0] == ("CONFIG", "the index is configured otherwise: hnsw.m: baseline '16', now '32'")
    assert len(said) == 3
    many = IndexConfig.of({f"p{at:02}": at for at in range(20)})
    assert [of.said for of in config_evidence(many, IndexConfig())][-1] == "and 12 more parameters of the index"
    assert list(config_evidence(None, M16)) == list(config_evidence(M16, None)) == []


def test_changes_are_counted_and_unknown_is_never_none_of_them() -> None:
    (one,) = config_changes(M32, M16)
    assert (one.value, one.n, one.reason) == (3.0, 1, "")
    (same,) = config_changes(M16, M16)
    assert same.value == 0.0
    for unknown in (config_changes(None, M16), config_changes(M16, None)):
        (of,) = unknown
        assert math.isnan(of.value)
        assert (of.n, of.reason) == (0, "index_config_unknown")
    assert list(config_changes(None, None)) == []
