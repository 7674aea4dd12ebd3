"""Path prefixes that hold the blame."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.attribution.prefixes import heavy_prefixes

STEPS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("weights", "least", "wanted"),
    [
        ({}, 0.05, {}),
        ({"a": 0.0}, 0.05, {}),
        ({"a": 1.0}, 0.05, {"a": "a"}),
        # a folder is named when its pages together reach the limit, and only the deepest folder that does
        ({"x/y/1": 1.0, "x/y/2": 1.0, "x/z/3": 1.0}, 0.6, {"x/y/1": "x/y/…", "x/y/2": "x/y/…"}),
        # what a named page holds is not counted for its folder once more
        ({"x/1": 6.0, "x/2": 1.0, "y/3": 3.0}, 0.2, {"x/1": "x/1", "y/3": "y/3"}),
        ({"x/1": 6.0, "x/2": 1.0, "y/3": 3.0}, 0.1, {"x/1": "x/1", "x/2": "x/2", "y/3": "y/3"}),
        # the whole is nobody's name
        ({"a": 1.0, "b": 1.0, "c": 1.0}, 0.5, {}),
        # packages and fragments have steps too
        ({"pkg::mod::f": 1.0, "pkg::mod::g": 1.0}, 0.6, {"pkg::mod::f": "pkg::mod::…", "pkg::mod::g": "pkg::mod::…"}),
        ({"p#one": 1.0, "p#two": 1.0}, 0.6, {"p#one": "p#…", "p#two": "p#…"}),
    ],
)
def test_who_is_named(weights: dict[str, float], least: float, wanted: dict[str, str]) -> None:
    assert heavy_prefixes(weights, least) == wanted


@given(
    st.dictionaries(STEPS, st.integers(1, 9).map(float), min_size=1, max_size=12), st.sampled_from([0.1, 0.3, 0.6])
)
def test_named_prefixes_are_heavy_disjoint_and_leave_nothing_heavy_behind(
    weights: dict[str, float], least: float
) -> None:
    found = heavy_prefixes(weights, least)
    limit = least * sum(weights.values())
    for name in set(found.values()):
        mine = [document for document, of in found.items() if of == name]
        assert sum(weights[document] for document in mine) >= limit
        assert all(document.startswith(name.rstrip("…")) for document in mine)
    left = {document: of for document, of in weights.items() if document not in found}
    assert all(of < limit for of in left.values())
    for folder in {document[: match.end()] for document in left for match in re.finditer("/", document)}:
        assert sum(of for document, of in left.items() if document.startswith(folder)) < limit
