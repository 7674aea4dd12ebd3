"""Image files: what is read is what was written, and what is not is refused in one line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.stores.sqlite import image_file
from monitor.adapters.stores.sqlite.image_file import BadImageError, read_image, write_image
from monitor.core.arrays.image import Image, Roomy

KINDS = [np.bool_, np.uint8, np.int32, np.int64, np.uint64, np.float32, np.float64]


def image() -> Image:
    generator = np.random.default_rng(1)
    arrays: Image = {kind.__name__: generator.integers(0, 2, (3, 5)).astype(kind) for kind in KINDS}
    plain = {"texts": ["", "straße", "\x00"], "none": [None, [["a", "b"]]], "number": 2**63 - 1, "float": 0.5}
    long = np.arange(100_003, dtype=np.int64)
    return {"arrays": arrays, **plain, "long": long, "empty": np.zeros((0, 4), np.float32), "half": long[::2]}


def written(path: Path) -> str:
    return write_image(path, image(), written_by="1.2", setup="s")


def assert_same(found: Image, expected: Image) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, np.ndarray):
            assert found[name].dtype == value.dtype
            np.testing.assert_array_equal(found[name], value)
            assert found[name].flags.writeable
        elif isinstance(value, dict):
            assert_same(found[name], value)
        else:
            assert found[name] == value


def test_what_is_read_is_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_file, "_BLOCK", 4_096)
    name = written(tmp_path / "image")
    assert_same(read_image(tmp_path / "image", name, written_by="1.2", setup="s"), image())


def test_room_behind_an_array_is_zeros(tmp_path: Path) -> None:
    kept = np.arange(6, dtype=np.int32).reshape(3, 2) + 1
    name = write_image(tmp_path / "image", {"roomy": Roomy(kept, 5)}, written_by="1", setup="")
    assert (tmp_path / "image").stat().st_size < 400, "room is not stored"
    found = read_image(tmp_path / "image", name, written_by="1", setup="")["roomy"]
    np.testing.assert_array_equal(found, np.concatenate((kept, np.zeros((2, 2), np.int32))))


def test_another_version_setup_or_name_is_refused(tmp_path: Path) -> None:
    name = written(tmp_path / "image")
    for asked, expected in (
        ({"written_by": "1.3", "setup": "s"}, "of version 1.2"),
        ({"written_by": "1.2", "setup": "t"}, "another set-up"),
    ):
        with pytest.raises(BadImageError, match=expected):
            read_image(tmp_path / "image", name, **asked)
    with pytest.raises(BadImageError, match="not the image that the state names"):
        read_image(tmp_path / "image", name[::-1], written_by="1.2", setup="s")
    with pytest.raises(FileNotFoundError):
        read_image(tmp_path / "nothing", name, written_by="1.2", setup="s")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_change_of_the_file_goes_unseen(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("spoilt") / "image"
    name = written(path)
    whole = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    path.write_bytes(whole)
    with pytest.raises(BadImageError):
        read_image(path, name, written_by="1.2", setup="s")


def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    name = written(tmp_path / "image")
    with pytest.raises(NotImplementedError, match="expected arrays of numbers"):
        write_image(tmp_path / "image", {"a": np.zeros(2), "b": {1, 2}.__iter__()}, written_by="1", setup="")
    with pytest.raises(NotImplementedError, match="expected arrays of numbers"):
        write_image(tmp_path / "image", {"b": np.array(["text"])}, written_by="1", setup="")
    assert [path.name for path in tmp_path.iterdir()] == ["image"]
    assert_same(read_image(tmp_path / "image", name, written_by="1.2", setup="s"), image())
