"""How bytes of a file become text: by their byte-order mark, by a name that was given, else as UTF-8."""

import codecs
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from monitor.ports import ConfigurationError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BLOCK = 1 << 16
_PROBE = "a\n"


class Undecodable(NamedTuple):
    """A line that is not text in the file's encoding, or too long to be looked at."""

    reason: str
    detail: str


class Mark(NamedTuple):
    """A byte-order mark: the encoding it announces, and how many bytes it takes."""

    encoding: str
    size: int


def mark_of(head: bytes) -> Mark:
    r"""The byte-order mark that these first bytes begin with; encoding "" where there is none.

    >>> mark_of(b"\xff\xfea\x00").encoding, mark_of(b"plain")
    ('utf-16-le', Mark(encoding='', size=0))
    """
    return next((Mark(name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), Mark("", 0))


def refuse_other_than_utf8(head: bytes, where: str) -> None:
    """ConfigurationError where the first bytes of a JSON Lines file are the mark of another encoding."""
    found = mark_of(head).encoding
    if found not in {"", "utf-8"}:
        name = found.upper()[:6]  # `UTF-16`: with it iconv reads the mark itself
        message = f"{where}: is {name} by its byte-order mark, expected UTF-8; convert it: iconv -f {name} -t UTF-8"
        raise ConfigurationError(message)


def checked_encoding(name: str) -> str:
    """The codec's own name.

    Raises:
        ConfigurationError: Python knows no text encoding of this name.
    """
    try:
        if codecs.getincrementaldecoder(name)("replace").decode(_PROBE.encode(name)) == _PROBE:
            return codecs.lookup(name).name
    except (LookupError, ValueError):
        pass
    message = f"encoding {name!r}: not known, expected a name such as utf-8, utf-16-le, latin-1, cp1252 or shift_jis"
    raise ConfigurationError(message)


def text_lines(
    path: Path, *, most_bytes: int, what: str, encoding: str = ""
) -> Iterator[tuple[int, str | Undecodable]]:
    r"""All lines of a text file with their numbers, without their line end (`\n`, `\r\n` or the old Mac's `\r`).

    A byte-order mark decides the encoding, then the name that was given, then UTF-8. Only line ends part lines, not
    the other separators of Unicode. Memory is bounded by `most_bytes` and a block.

    Args:
        path: the file.
        most_bytes: the most bytes of a line as UTF-8; a longer one comes as Undecodable `too_long`.
        what: what the file is, for messages.
        encoding: of a file without a mark; "": UTF-8.

    Raises:
        ConfigurationError: the file cannot be read, or no such encoding.
    """
    named = checked_encoding(encoding) if encoding else ""
    try:
        with path.open("rb") as file:
            head = file.read(_BLOCK)
            mark = mark_of(head)
            chosen = mark.encoding or named or "utf-8"
            blocks = iter(lambda: file.read(_BLOCK), b"")
            lines = _lines(_as_utf8(head[mark.size :], blocks, chosen), most_bytes)
            for number, line in enumerate(lines, 1):
                yield number, _text(line, chosen, most_bytes)
    except OSError as error:
        message = f"cannot read the {what} {path}: {error.strerror or error}"
        raise ConfigurationError(message) from error


def _as_utf8(head: bytes, rest: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Blocks of UTF-8 whatever the encoding; what cannot be decoded becomes bytes that are no UTF-8."""
    if codecs.lookup(encoding).name == "utf-8":
        yield head
        yield from rest
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for block in itertools.chain((head,), rest):
        yield _marked(decoder.decode(block))
    yield _marked(decoder.decode(b"", final=True))


def _marked(text: str) -> bytes:
    # A replacement character means bytes that were no text, here or where the file was made: the line is refused.
    return text.encode("utf-8", "surrogatepass").replace("\ufffd".encode(), b"\xff")


def _lines(blocks: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    """Lines, of a too long one the first `most_bytes` + 1 bytes."""
    held = bytearray()
    returned = False  # the last block ended with a carriage return, which may be half of a line end
    for raw in blocks:
        block = raw[1:] if returned and raw.startswith(b"\n") else raw
        returned = raw.endswith(b"\r") if raw else returned
        first, *more = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        held += first[: most_bytes + 1 - len(held)]
        for piece in more:
            yield bytes(held)
            held = bytearray(piece[: most_bytes + 1])
    if held:
        yield bytes(held)


def _text(line: bytes, encoding: str, most_bytes: int) -> str | Undecodable:
    if len(line) > most_bytes:
        return Undecodable("too_long", f"more than {most_bytes} bytes in one line")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            return Undecodable("not_utf8", f"{error}; another encoding can be named with --encoding")
        return Undecodable("undecodable", f"byte sequences that are no {encoding}")
