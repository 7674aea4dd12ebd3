"""The text of a documentation page whose encoding nobody says.

The policy, first that fits: the byte-order mark; UTF-8; what the page declares in its first lines (`coding:`,
`charset=`, as editors, HTML and XML write it); Windows-1252, the superset of Latin-1, where the text is plausible in
it. So a page that is converted from one of these to UTF-8 has the same text before and after, and is not changed.
"""

import re

from monitor.adapters.encoding import checked_encoding, mark_of
from monitor.ports import ConfigurationError

_DECLARED = re.compile(rb"(?:coding|charset)\s*[:=]\s*[\"']?([A-Za-z0-9._-]{2,40})", re.IGNORECASE)
_LOOKED_AT = 1_024
_MOST_HIGH = 0.3
"""Of the letters: text of a Latin script has fewer above ASCII, that of another in its own encoding has many more."""
_ODD = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


class UnreadableText(Exception):  # noqa: N818 - a state of the page that is counted, not an error of the program
    """Bytes that give no text; `reason` is `binary` or `undecodable`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def page_text(content: bytes) -> str:
    """The text of a page, without its byte-order mark.

    Raises:
        UnreadableText: `binary`: it holds NUL, or is not UTF-8 and holds control characters; `undecodable`: text of
            an encoding that is not known.
    """
    mark = mark_of(content[:4])
    if mark.encoding:
        return _strictly(content[mark.size :], mark.encoding)
    if b"\0" in content:
        raise UnreadableText("binary")  # noqa: EM101 - a word of a bounded set, not a message
    try:
        return content.decode()
    except UnicodeDecodeError:
        return _declared(content) or _western(content)


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        raise UnreadableText("undecodable") from error  # noqa: EM101 - a word of a bounded set, not a message


def _declared(content: bytes) -> str:
    """The text in the encoding that the page declares, "" where it declares none or a wrong one."""
    found = _DECLARED.search(content[:_LOOKED_AT])
    try:
        return content.decode(checked_encoding(found[1].decode("ascii"))) if found else ""
    except (ConfigurationError, UnicodeError):
        return ""


def _western(content: bytes) -> str:
    text = _strictly(content, "cp1252")
    if _ODD.search(text):
        raise UnreadableText("binary")  # noqa: EM101 - a word of a bounded set, not a message
    letters = sum(not character.isspace() for character in text)
    high = len(text) - len(text.encode("ascii", "ignore"))
    if high > _MOST_HIGH * letters:
        raise UnreadableText("undecodable")  # noqa: EM101 - a word of a bounded set, not a message
    return text
