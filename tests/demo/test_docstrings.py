"""The demo's corpus: read from a tree made to be difficult, and from the Python that runs the tests."""

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.demo import docstrings
from monitor.demo.docstrings import INSTALLED, STANDARD, Root, installed_roots, read_documentation, split_docstring

SOURCE = '''"""The package speaks first."""
import nothing_that_exists

class Shape:
    """A shape with sides."""

    def area(self):
        """Return the covered area."""
        def inner():
            "Help the area method."

    @property
    def name(self):
        """The name of it."""

    @name.setter
    def name(self, value):
        """Set the name anew."""

if True:
    try:
        async def fetch():
            """Fetch it without blocking."""
    except Exception:
        def fetch():
            """Fetch it the old way."""
else:
    def unused():
        """Two words"""
'''


def write(root: Path, name: str, content: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(root: Path) -> docstrings.Documentation:
    return read_documentation([Root(root, INSTALLED)])


def test_every_documented_object_is_a_chunk_in_source_order(tmp_path: Path) -> None:
    write(tmp_path, "shapes/__init__.py", SOURCE)
    found = read(tmp_path)
    assert [(one.chunk_id, one.kind, one.text) for one in found.objects] == [
        ("shapes", "module", "The package speaks first."),
        ("shapes:Shape", "class", "A shape with sides."),
        ("shapes:Shape.area", "method", "Return the covered area."),
        ("shapes:Shape.area.inner", "function", "Help the area method."),
        ("shapes:Shape.name", "method", "The name of it."),
        ("shapes:Shape.name~2", "method", "Set the name anew."),
        ("shapes:fetch", "function", "Fetch it without blocking."),
        ("shapes:fetch~2", "function", "Fetch it the old way."),
    ]
    assert [one.ordinal for one in found.objects] == list(range(8))
    assert {one.doc_id for one in found.objects} == {"shapes"}
    assert found.objects[1].segment == (("doc_type", "class"), ("domain", INSTALLED), ("source", "shapes"))


def test_long_docstrings_are_cut_between_paragraphs(tmp_path: Path) -> None:
    paragraphs = "\n\n".join(f"Paragraph {number} " + "word " * 48 for number in range(5))
    write(tmp_path, "long.py", f'"""{paragraphs}"""')
    found = read(tmp_path).objects
    assert [(one.chunk_id, one.part, len(one.text.split())) for one in found] == [
        ("long", 1, 100),
        ("long#2", 2, 100),
        ("long#3", 3, 50),
    ]


@given(st.text(st.sampled_from("ab \n\t\x00\ud800é"), max_size=4_000), st.integers(0, 400))
def test_pieces_keep_every_word_and_can_be_encoded(text: str, words: int) -> None:
    text += " word" * words
    pieces = split_docstring(text)
    kept = " ".join(pieces).split()
    cleaned = text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd").split()
    assert kept == (cleaned if len(cleaned) >= 3 else [])
    for piece in pieces:
        assert "\ud800" not in piece
        assert len(piece.split()) <= 158
        assert len(pieces) == 1 or len(piece.split()) >= 20


def test_a_giant_word_is_bounded() -> None:
    assert [len(piece) for piece in split_docstring("one two " + "x" * 50_000)] == [docstrings.MOST_CHARACTERS]


def test_hostile_files_are_counted_and_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a_good.py", '"""A good module here."""')
    write(tmp_path, "b_syntax.py", '"""Not closed')
    write(tmp_path, "c_null.py", b'"""A null byte \x00 here."""')
    write(tmp_path, "d_deep.py", '"""Deep it goes down."""\nx = ' + "(" * 5_000 + ")" * 5_000)
    write(tmp_path, "d_unary.py", '"""Deep it goes down."""\nx = ' + "-" * 100_000 + "1")
    write(tmp_path, "e_coding.py", b'# coding: no-such-codec\n"""Some words are here."""')
    write(tmp_path, "f_latin.py", b'# coding: latin-1\n"""Caf\xe9 au lait."""')
    write(tmp_path, "g_bytes.py", b'"""Caf\xe9 without a cookie."""')
    write(tmp_path, "h_large.py", '"""A large module here."""\n#' + "x" * docstrings.MOST_BYTES)
    write(tmp_path, "i_escape.py", '"""Lone \\ud800 and \\x07 and \\d here."""')
    write(tmp_path, "j_bom.py", b'\xef\xbb\xbf"""With a byte order mark."""')
    os.mkfifo(tmp_path / "k_fifo.py")
    (tmp_path / "l_dangling.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "m_loop").symlink_to(tmp_path)
    (tmp_path / "n_self.py").symlink_to(tmp_path / "n_self.py")
    Path(os.fsdecode(bytes(tmp_path) + b"/o_\xff.py")).write_text('"""An undecodable name here."""')
    write(tmp_path, "p_folder.py/__init__.py", '"""A folder named like that."""')
    write(tmp_path, "q_empty.py", "")
    found = read(tmp_path)
    assert {one.doc_id: one.text for one in found.objects} == {
        "a_good": "A good module here.",
        "f_latin": "Café au lait.",
        "i_escape": "Lone \ufffd and \ufffd and \\d here.",
        "j_bom": "With a byte order mark.",
        "p_folder.py": "A folder named like that.",
    }
    assert found.files == 6
    # the deep ones are refused by the parser's own limits, which differ between versions of Python
    assert found.skipped == {"not_utf8_name": 1, "too_large": 1, "unparsable": 6, "unreadable": 3}


def test_folders_that_are_not_documentation_are_left_out(tmp_path: Path) -> None:
    for name in (
        "pkg",
        "pkg/tests",
        "test",
        "site-packages/x",
        "pkg/_vendor/y",
        "monitor",
        "pkg/monitor",
        "__pycache__",
    ):
        write(tmp_path, f"{name}/some.py", '"""Three words here."""')
    assert [one.doc_id for one in read(tmp_path).objects] == ["pkg.some", "pkg.monitor.some"]


def test_the_first_root_that_has_a_module_wins(tmp_path: Path) -> None:
    write(tmp_path, "one/shared.py", '"""From the first root."""')
    write(tmp_path, "two/shared.py", '"""From the second root."""')
    write(tmp_path, "two/own.py", '"""Only in the second."""')
    found = read_documentation([Root(tmp_path / "one", STANDARD), Root(tmp_path / "two", INSTALLED)])
    assert [(one.text, one.domain) for one in found.objects] == [
        ("From the first root.", STANDARD),
        ("Only in the second.", INSTALLED),
    ]
    assert found.skipped == {"module_seen": 1}


def test_a_missing_root_has_nothing(tmp_path: Path) -> None:
    found = read(tmp_path / "nowhere")
    assert found.objects == ()
    assert found.skipped == {"unreadable": 1}


def test_the_standard_library_is_a_corpus_and_nothing_is_imported() -> None:
    root, *others = installed_roots()
    assert root.domain == STANDARD
    assert [other.domain for other in others] == [INSTALLED] * len(others)
    found = read_documentation([root])
    assert found.files > 300
    assert set(found.skipped) <= {"unparsable"}
    by_id = {one.chunk_id: one for one in found.objects}
    assert len(by_id) == len(found.objects), "ids are distinct"
    assert len(by_id) > 4_000
    assert by_id["json.decoder:JSONDecoder"].text.startswith("Simple JSON <https://json.org> decoder")
    assert by_id["textwrap:dedent"].kind == "function"
    assert by_id["collections:OrderedDict.popitem"].kind == "method"
    for one in found.objects:
        one.text.encode()
        one.chunk_id.encode()
        assert len(one.text) <= docstrings.MOST_CHARACTERS
    assert not {"antigravity", "turtledemo", "this"} & set(sys.modules)


def test_packages_are_found_wherever_the_path_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed, checkout = tmp_path / "installed", tmp_path / "checkout"
    write(installed, "shapes/__init__.py", SOURCE)
    write(installed, "shapes-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: shapes\nVersion: 1.0\n")
    write(checkout, "shapes/__init__.py", SOURCE)
    write(checkout, "other.egg-info/PKG-INFO", "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    before = installed_roots()
    monkeypatch.syspath_prepend(checkout)
    monkeypatch.syspath_prepend(installed)
    standard, *others = installed_roots()
    assert (standard, Root(installed.resolve(), INSTALLED) in others) == (before[0], True)
    assert {root.path for root in others} == {root.path for root in before[1:]} | {installed.resolve()}
    assert others[0] == before[1], "the environment's own come first"


def test_reading_twice_gives_the_same() -> None:
    root = Root(installed_roots()[0].path / "email", STANDARD)
    first = read_documentation([root])
    assert len(first.objects) > 100
    assert read_documentation([root]) == first


def test_garbage_is_collected_as_before_once_all_is_read(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('"""Three words here."""\n')
    assert gc.isenabled()
    assert read_documentation((Root(tmp_path, STANDARD),)).files == 1
    assert gc.isenabled()
    gc.disable()
    try:
        read_documentation((Root(tmp_path, STANDARD),))
        assert not gc.isenabled()
    finally:
        gc.enable()
