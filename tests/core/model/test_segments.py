"""Attribute values, filters and caps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.model.events import Segment
from monitor.core.model.segments import admits, assign, groups, value_of

DE_DOCS: Segment = (("language", "de"), ("source", "docs"))


@pytest.mark.parametrize(
    ("wanted", "segment", "admitted"),
    [
        ((), (), True),
        ((), DE_DOCS, True),
        ((("language", "de"),), DE_DOCS, True),
        (DE_DOCS, DE_DOCS, True),
        ((("language", "en"),), DE_DOCS, False),
        ((("language", "de"), ("source", "blog")), DE_DOCS, False),
        ((("doc_type", "guide"),), DE_DOCS, False),
        ((("language", "de"),), (), False),
    ],
)
def test_filters(wanted: Segment, segment: Segment, admitted: bool) -> None:
    assert admits(wanted, segment) is admitted


@pytest.mark.parametrize(
    ("dimension", "value"),
    [("language", "de"), ("domain", "unset"), ("source+language", "docs+de"), ("domain+language", "unset+de")],
)
def test_values(dimension: str, value: str) -> None:
    assert value_of(dimension, DE_DOCS) == value


def test_the_most_frequent_stay_ties_go_by_name() -> None:
    segments: list[Segment] = [(("s", name),) for name in "ccbbaad"]
    assert assign(segments, ["s"], cap=2)["s"] == ("other", "other", "b", "b", "a", "a", "other")
    assert assign(segments, ["s"], cap=4)["s"] == tuple("ccbbaad")
    assert assign([], ["s"], cap=2) == {"all": (), "s": ()}


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.integers(1, 8))
def test_caps_bound_the_segments_and_keep_every_anchor(values: list[str], cap: int) -> None:
    made = assign([(("s", value),) for value in values], ["s"], cap=cap)
    assert list(made) == ["all", "s"]
    assert made["all"] == ("all",) * len(values)
    own = set(made["s"]) - {"other"}
    assert len(own) <= cap
    assert all(name in (value, "other") for name, value in zip(made["s"], values, strict=True))
    if len(set(values)) <= cap:
        assert made["s"] == tuple(values)
    kept = min((values.count(name) for name in own), default=0)
    assert all(values.count(value) <= kept for value in set(values) - own)


@settings(deadline=None)
@given(st.lists(st.sampled_from("cab")))
def test_groups_index_sorted_names(names: list[str]) -> None:
    distinct, index = groups(names)
    assert list(distinct) == sorted(set(names))
    assert [distinct[at] for at in index.tolist()] == names
