"""Dotted field paths into rows of somebody else's JSON, compiled to typed decoders.

Only the named places are built; everything else in the document is checked for syntax and skipped.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import Any

import msgspec

from monitor.adapters.codecs.limits import EventLimits, parse
from monitor.adapters.codecs.loose import UNAVAILABLE, string
from monitor.adapters.codecs.reasons import malformed
from monitor.adapters.codecs.times import MICROSECONDS, TimeUnit
from monitor.core.model.events import MalformedEvent
from monitor.ports import ConfigurationError

Path = tuple[str, ...]
PathStep = tuple[str, Callable[[str], Any] | None]
"""An attribute of a row, and what makes an object of it where it is a string."""
Place = tuple[PathStep, ...]

_COMPONENT = re.compile(r"(?:\\.|[^.\\])+", re.DOTALL)
_NO_PATHS = frozenset({"segments", "event_time_unit", "key", "version"})
VERSION = "version."
SEGMENT = "segment."
"""How the names begin of fields of which there may be several."""
NO_SEGMENTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FieldPaths:
    r"""Where in a row the fields of a chunk stand: names joined by dots, a dot within a name written `\.`.

    Args:
        chunk_id, doc_id: strings or integers (a primary key), taken as decimal digits.
        text: a string.
        position: an integer; None = not in the row.
        version: an integer or what `versions` reads; several paths order by the first, then by the next.
        vector, vector_b64: a list of numbers or the same as text, or base64 of little-endian float32.
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
    version: str | Sequence[str] | None = None
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
        """(field, path) of every configured field; where there may be many, `segment.<attribute>` and `version.0`."""
        plain = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name not in _NO_PATHS]
        versions = [(f"{VERSION}{at}", path) for at, path in enumerate(several(self.version))]
        attributes = [(f"{SEGMENT}{name}", path) for name, path in self.segments.items()]
        return [(name, path) for name, path in plain + versions + attributes if path is not None]

    def under(self, prefix: str) -> "FieldPaths":
        """The same fields in rows that stand at a path of a larger document; the flag of deletes is left out."""
        moved: dict[str, Any] = {name: f"{prefix}.{path}" for name, path in self.named() if "." not in name}
        moved["version"] = tuple(f"{prefix}.{path}" for path in several(self.version))
        moved["segments"] = {name: f"{prefix}.{path}" for name, path in self.segments.items()}
        return replace(self, **(moved | {"deleted": None}))

    def key_field(self) -> str:
        """The name of the chunk id in a record key that is an object."""
        return self.key if self.key is not None else split(self.chunk_id)[-1]


def several(paths: str | Sequence[str] | None) -> tuple[str, ...]:
    """One path, several, or none."""
    if paths is None:
        return ()
    return (paths,) if isinstance(paths, str) else tuple(paths)


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


class Shape:
    """A typed decoder of the values at some paths; absent or null is None at every level.

    Where a path leads on from a value that is a string, the string is parsed as JSON: LlamaIndex keeps a node in the
    text `_node_content`, MongoDB's connector writes a whole row as text. Size and depth of it are bounded like those
    of a record, and how many strings lie within each other by the length of the path.

    Args:
        leaves: (path, type of the value); a path may be given twice with the same type.
        limits: the bounds.

    Raises:
        ConfigurationError: one path names both a value and an object around another value.
    """

    def __init__(self, leaves: Sequence[tuple[Path, Any]], limits: EventLimits) -> None:
        ordered = sorted(leaves, key=lambda leaf: leaf[0])
        self._inner: dict[str, Shape] = {}
        self._limits = limits
        types: list[tuple[str, Any, None]] = []
        names: dict[str, str] = {}
        for name, group in groupby(ordered, key=lambda leaf: leaf[0][0]):
            inner = [(path[1:], kind) for path, kind in group]
            ends = [kind for path, kind in inner if not path]
            if ends and (len(ends) < len(inner) or any(kind != ends[0] for kind in ends)):
                message = f"field path {name!r}: used as two different kinds of value"
                raise ConfigurationError(message)
            if ends:
                types.append((attribute(name), ends[0] | None, None))
            else:
                self._inner[name] = Shape(inner, limits)
                types.append((attribute(name), self._inner[name].type | str | None, None))
            names[attribute(name)] = name
        self.type: Any = msgspec.defstruct("Row", types, rename=names, gc=False)
        self.json: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self.type)

    def place(self, path: Path) -> Place:
        """How to reach the value at a path in a row of this shape."""
        steps: list[PathStep] = []
        shape: Shape | None = self
        for at, name in enumerate(path, start=1):
            shape = None if shape is None else shape._inner.get(name)
            steps.append((attribute(name), None if shape is None else partial(shape._opened, ".".join(path[:at]))))
        return tuple(steps)

    def _opened(self, path: str, text: str) -> Any:
        """The object that a string holds as JSON."""
        if text == UNAVAILABLE:
            string(text, path)
        try:
            return parse(text.encode(), self.json, self._limits)
        except MalformedEvent as error:
            raise malformed(error.reason, path, f"JSON in a string: {error.detail}") from None


def reach(row: Any, place: Place) -> Any:
    """The value at a place, None where any level of it is absent."""
    for name, opened in place:
        value = getattr(row, name)
        if value is None:
            return None
        if opened is not None and isinstance(value, str):
            value = opened(value)
            setattr(row, name, value)  # several fields may stand in one string: it is parsed once
        row = value
    return row
