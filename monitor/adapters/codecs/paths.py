"""Dotted field paths into rows of somebody else's JSON, compiled to typed decoders.

Only the named places are built; everything else in the document is checked for syntax and skipped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import groupby
from types import MappingProxyType
from typing import Any

import msgspec

from monitor.adapters.codecs.times import MICROSECONDS, TimeUnit
from monitor.ports import ConfigurationError

Path = tuple[str, ...]

_COMPONENT = re.compile(r"(?:\\.|[^.\\])+", re.DOTALL)
_NO_PATHS = frozenset({"segments", "event_time_unit", "key"})
NO_SEGMENTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FieldPaths:
    r"""Where in a row the fields of a chunk stand: names joined by dots, a dot within a name written `\.`.

    Args:
        chunk_id, doc_id: strings or integers (a primary key), taken as decimal digits.
        text: a string.
        position, version: integers; None = not in the row.
        vector, vector_b64: a list of numbers, or base64 of little-endian float32.
        embedding_version, content_hash: strings.
        event_time: an RFC 3339 string, or an integer in `event_time_unit`.
        segments: attribute -> path of a string, an integer or a boolean.
        key: the name of the chunk id in a record key that is an object; None = the last name of `chunk_id`.
        deleted: a flag that makes the row a delete (form `fields` only): true, 1, "true" or "1".
    """

    chunk_id: str = "chunk_id"
    doc_id: str = "doc_id"
    text: str = "text"
    position: str | None = "position"
    version: str | None = None
    vector: str | None = "vector"
    vector_b64: str | None = None
    embedding_version: str | None = None
    content_hash: str | None = None
    event_time: str | None = "event_time"
    event_time_unit: TimeUnit = "ms"
    segments: Mapping[str, str] = field(default_factory=lambda: NO_SEGMENTS)
    key: str | None = None
    deleted: str | None = None

    def __post_init__(self) -> None:
        if self.event_time_unit not in MICROSECONDS:
            message = f"paths.event_time_unit: {self.event_time_unit!r}, expected one of {', '.join(MICROSECONDS)}"
            raise ConfigurationError(message)
        for _, path in self.named():
            split(path)

    def named(self) -> list[tuple[str, str]]:
        """(field, path) of every configured field; those of segments are called `segment.<attribute>`."""
        plain = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name not in _NO_PATHS]
        attributes = [(f"segment.{name}", path) for name, path in self.segments.items()]
        return [(name, path) for name, path in plain + attributes if path is not None]

    def key_field(self) -> str:
        """The name of the chunk id in a record key that is an object."""
        return self.key if self.key is not None else split(self.chunk_id)[-1]


def split(path: str) -> Path:
    r"""The names of a dotted path.

    >>> split(r"meta.file\.name")
    ('meta', 'file.name')

    Raises:
        ConfigurationError: an empty path or name.
    """
    names = _COMPONENT.findall(path)
    if not names or len(".".join(names)) != len(path):
        message = f"field path {path!r}: expected names joined by single dots, such as payload.text"
        raise ConfigurationError(message)
    return tuple(re.sub(r"\\(.)", r"\1", name, flags=re.DOTALL) for name in names)


def attribute(name: str) -> str:
    """A Python attribute name for any JSON key, one to one."""
    return "f" + name.encode("utf-8", "surrogatepass").hex()


def shape(leaves: Sequence[tuple[Path, Any]]) -> type[msgspec.Struct]:
    """A struct type whose values stand at these paths; absent or null is None at every level.

    Args:
        leaves: (path, type of the value); a path may be given twice with the same type.

    Raises:
        ConfigurationError: one path names both a value and an object around another value.
    """
    ordered = sorted(leaves, key=lambda leaf: leaf[0])
    types: list[tuple[str, Any, None]] = []
    names: dict[str, str] = {}
    for name, group in groupby(ordered, key=lambda leaf: leaf[0][0]):
        inner = [(path[1:], kind) for path, kind in group]
        ends = [kind for path, kind in inner if not path]
        if ends and (len(ends) < len(inner) or any(kind != ends[0] for kind in ends)):
            message = f"field path {name!r}: used as two different kinds of value"
            raise ConfigurationError(message)
        kind = ends[0] if ends else shape(inner)
        types.append((attribute(name), kind | None, None))
        names[attribute(name)] = name
    return msgspec.defstruct("Row", types, rename=names, gc=False)


def reach(row: object, attributes: Sequence[str]) -> Any:
    """The value at a compiled path, None where any level of it is absent."""
    for name in attributes:
        if row is None:
            return None
        row = getattr(row, name)
    return row


def compiled(path: Path) -> tuple[str, ...]:
    """The attribute names that lead to a path in a row of `shape`."""
    return tuple(attribute(name) for name in path)
