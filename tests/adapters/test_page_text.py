"""The text of pages in the encodings that old repositories hold."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.page_text import UnreadableText, page_text

FRENCH = "La clé de signature est renouvelée à l’été : “déjà vu” – 5 €.\n"
RUSSIAN = "Ключ подписи обновляется летом, и это уже было.\n"


@pytest.mark.parametrize(
    "content",
    [
        FRENCH.encode(),
        FRENCH.encode("utf-8-sig"),
        ("\ufeff" + FRENCH).encode("utf-16-le"),
        ("\ufeff" + FRENCH).encode("utf-16-be"),
        ("\ufeff" + FRENCH).encode("utf-32-le"),
        FRENCH.encode("cp1252"),
    ],
)
def test_the_same_text_whatever_the_encoding(content: bytes) -> None:
    assert page_text(content) == FRENCH


@pytest.mark.parametrize(
    "line", [".. -*- coding: koi8-r -*-\n", "<!-- vim: set fileencoding=koi8-r : -->\n", '<meta charset="KOI8-R">\n']
)
def test_a_declared_encoding(line: str) -> None:
    assert page_text((line + RUSSIAN).encode("koi8-r")) == line + RUSSIAN
    assert page_text((line + RUSSIAN).encode()) == line + RUSSIAN, "UTF-8 is UTF-8, whatever it declares"
    wrong = line.lower().replace("koi8-r", "klingon")
    assert page_text((wrong + FRENCH * 9).encode("cp1252")) == wrong + FRENCH * 9


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a\0b", "binary"),
        (b"\x89PNG\r\n\x1a\n\xff\x03 some words to make it look like text", "binary"),
        (RUSSIAN.encode("koi8-r"), "undecodable"),
        ("鍵を回す方法。".encode("shift_jis"), "undecodable"),
        (b"\xff\xfea", "undecodable"),
        (b"text \x81 text", "undecodable"),
    ],
)
def test_what_gives_no_text_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableText) as caught:
        page_text(content)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    with suppress(UnreadableText):
        assert "\0" not in page_text(content) or content[:2] in {b"\xff\xfe", b"\xfe\xff", b"\0\0"}
