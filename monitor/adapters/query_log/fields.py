"""What every form of log shares: its name, where the query and its count stand, what is a query and a count."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Form = Literal["text", "jsonl", "tsv", "csv", "ubi", "msmarco", "beir", "trec"]
FORMS: tuple[Form, ...] = get_args(Form)
MOST_LINE_BYTES = 1 << 20
MOST_TEXT_BYTES = 64 << 10
MOST_COUNT = 2**53
SUFFIXES: Mapping[str, Form] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".csv": "csv",
    ".trec": "trec",
    ".topics": "trec",
}
_GROUPED = re.compile("[0-9]{1,3}(?:[,\u00a0\u202f][0-9]{3})+")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""C0 and C1 without tab and line feed."""
_WHOLE = re.compile(r"[0-9]{1,16}(?:\.0+)?")


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a table's column or an object's field is called otherwise than usual.

    Args:
        query: a column's name or its number from 1, or a path of field names such as `request.q`; "": recognised.
        count: the same for how often the query was asked; "": recognised, 1 where there is none.
    """

    query: str = ""
    count: str = ""


class RefusedLine(ValueError):  # noqa: N818 - the line is refused; it is an outcome, not a failure of ours
    """A record that is no query: one of the reasons of QueryLog, and a detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def query_text(text: str) -> str:
    """The query, stripped.

    Raises:
        RefusedLine: `no_text`, `too_long`, or `control_character`: another than white space.
    """
    stripped = text.strip()
    if not stripped or len(stripped.encode("utf-8", "surrogatepass")) > MOST_TEXT_BYTES:
        reason = "too_long" if stripped else "no_text"
        raise RefusedLine(reason, f"a query of {len(stripped)} characters, expected 1 to {MOST_TEXT_BYTES} bytes")
    if found := _CONTROL.search(stripped):
        reason = "control_character"
        hint = "; UTF-16 without its mark? name it with --encoding" if found[0] == "\0" else ""
        raise RefusedLine(reason, f"U+{ord(found[0]):04X} at character {found.start() + 1}, expected text{hint}")
    return stripped


def whole_count(digits: str) -> int:
    """How often a query was asked: digits, with a comma or a no-break space between thousands, or `.0` behind.

    Raises:
        RefusedLine: `bad_count`.
    """
    plain = re.sub("[,\u00a0\u202f]", "", digits) if _GROUPED.fullmatch(digits) else digits
    count = int(plain.partition(".")[0]) if _WHOLE.fullmatch(plain) else 0
    if not 1 <= count <= MOST_COUNT:
        reason = "bad_count"
        raise RefusedLine(reason, f"count {digits[:40]!r}, expected 1 to {MOST_COUNT}")
    return count
