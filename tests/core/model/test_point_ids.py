"""What a chunk id is to a collection, both ways: names lead back to points and points to names, and to no other."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.model.point_ids import canonical, name_of, payload_name, payload_number, point_of

NUMBERS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 7, 2**63, 2**64 - 1])
UUIDS = st.uuids(allow_nil=True)
DIGITS = st.integers(0, 2**70).map(str) | st.text("0123456789", min_size=1, max_size=40)
IDS = (
    st.text(max_size=40)
    | DIGITS
    | UUIDS.map(str)
    | UUIDS.map(lambda one: one.hex.upper())
    | UUIDS.map(lambda u: u.urn)
)


@given(NUMBERS | UUIDS | UUIDS.map(str))
def test_a_points_name_leads_back_to_the_point(point: int | str | UUID) -> None:
    name = name_of(point)
    assert name is not None
    assert point_of(name) == (point if isinstance(point, int) else str(point))
    assert canonical(name) == name


@given(IDS)
def test_a_chunk_id_that_names_a_point_is_that_points_name(chunk_id: str) -> None:
    """No ghosts: what an event calls its chunk, spelt as the server does, is what the server's point is called."""
    point = point_of(canonical(chunk_id))
    if point is not None:
        assert name_of(point) == canonical(chunk_id)
    else:
        assert canonical(chunk_id) == chunk_id


@given(IDS)
def test_no_two_spellings_of_a_number_name_one_point(chunk_id: str) -> None:
    point = point_of(chunk_id)
    if isinstance(point, int):
        assert str(point) == chunk_id
        assert 0 <= point < 2**64
    elif point is not None:
        assert point == str(UUID(chunk_id))


@given(IDS)
def test_a_payloads_number_is_called_like_the_chunk(chunk_id: str) -> None:
    number = payload_number(chunk_id)
    assert number is None or (payload_name(number) == chunk_id and -(2**63) <= number < 2**63)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_number_of_a_payload_is_found_by_its_name(number: int) -> None:
    name = payload_name(number)
    assert name is not None
    assert payload_number(name) == number


@pytest.mark.parametrize(
    "chunk_id", ["007", "", "-1", "+7", "7.0", " 7", "٧", str(2**64), "9" * 30, "guide.md#1", "{x}"]
)
def test_what_names_no_point(chunk_id: str) -> None:
    assert point_of(chunk_id) is None


@pytest.mark.parametrize("value", [True, False, None, 7.0, [], {}, "", "\ud800"])
def test_what_is_no_chunk_id(value: object) -> None:
    assert payload_name(value) is None


@pytest.mark.parametrize("value", [True, None, 7.0, -1, 2**64, "", "7", "a"])
def test_what_is_no_point(value: object) -> None:
    assert name_of(value) is None
