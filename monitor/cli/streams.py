"""What the commands say, on a stdout that may not have its characters: a verdict is never lost to a locale."""

import json
import os
import sys
from typing import Literal

import typer

Form = Literal["text", "json", "junit", "markdown"]
_PLAIN = str.maketrans("▁▂▃▄▅▆▇█·", "12345678.")


def tolerant_streams() -> None:
    """From now on a character that stdout or stderr cannot hold is written as its escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # what stands in for a stream may have none
            reconfigure(errors="backslashreplace")


def tell(text: str, form: Form = "text") -> None:
    """Write to stdout, without the newlines at the end but one.

    JSON and XML are UTF-8 by their standards. Where stdout has another encoding they come in ASCII, with escapes of
    their own, so that they are read the same under any of them; words for people come in stdout's own.
    """
    shown = text.rstrip("\n")
    if form == "text" and not _is_utf8(sys.stdout.encoding):
        shown = shown.translate(_PLAIN)  # what is drawn stays a picture: 1 is the lowest block, 8 the highest
    if form in ("json", "junit") and not _is_utf8(sys.stdout.encoding):
        shown = _ascii_json(shown) if form == "json" else shown.encode("ascii", "xmlcharrefreplace").decode()
    typer.echo(shown)


def argument_text(said: str) -> str:
    """An argument as the text it is where the locale could not read it: bytes of UTF-8 came as half characters."""
    if said.isascii():
        return said
    try:
        return os.fsencode(said).decode()
    except UnicodeError:
        return said


def _is_utf8(encoding: str | None) -> bool:
    return (encoding or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")


def _ascii_json(text: str) -> str:
    """The same document: what is not ASCII stands inside strings."""
    return "".join(one if one.isascii() else json.dumps(one)[1:-1] for one in text)
