"""What a reader of some format tells about a document: its lines, its headings, what must not be cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

_NOTHING: Mapping[int, int] = MappingProxyType({})


class Heading(NamedTuple):
    """Lines `start` to `end` (exclusive) are a heading; `anchor` is the explicit id its author gave it, or ''."""

    start: int
    end: int
    level: int
    title: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class DocumentLayout:
    """The lines of a document and their structure.

    Args:
        lines: all lines, without their ends.
        headings: in order, not overlapping.
        solid: ranges (start to end, exclusive) that are never cut: code, comments.
        start: the first line of the text; those before are front matter.
        title: of the text above the first heading.
        structured: whether headings are known in this format: a long text without structure is cut where its content
            says, so that an edit moves only what is around it.
    """

    lines: Sequence[str]
    headings: Sequence[Heading] = ()
    solid: Mapping[int, int] = field(default_factory=lambda: _NOTHING)
    start: int = 0
    title: str = ""
    structured: bool = True
