"""The anchors file: JSON Lines of docs/anchors.md, read strictly with all problems at once, written whole."""

import binascii
import json
import math
import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.encoding import refuse_other_than_utf8
from monitor.core.model.anchors import Anchor, QueryVector, SparseVector
from monitor.ports import ConfigurationError

MOST_LINE_BYTES = 4 << 20
MOST_ID_BYTES = 1_024
MOST_TEXT_BYTES = 64 << 10
MOST_PROBLEMS = 1_000
"""Further problems are counted in one last line."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class AnchorVector(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A vector in either spelling."""

    vector: list[float] | None = None
    vector_b64: str | None = None


class SparseWeights(msgspec.Struct, forbid_unknown_fields=True):
    """A sparse vector as Qdrant spells it."""

    indices: list[Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]]
    values: list[float]


class AnchorLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One line of the file, in the order of docs/anchors.md; null and absent are the same where null is allowed."""

    id: str
    text: str
    vector: list[float] | None = None
    vector_b64: str | None = None
    segment: dict[str, str] = {}
    weight: float = 1.0
    rewrites: list[str] = []
    expected_sources: list[str] = []
    relevant: dict[str, float] = {}
    embedding_version: str | None = None
    vectors: dict[str, AnchorVector] = {}
    query_vectors: dict[str, list[float | list[float]] | SparseWeights] = {}
    since: str = ""


FIELDS = AnchorLine.__struct_fields__
_DECODER = msgspec.json.Decoder(AnchorLine)


def load(path: Path, *, dimension: int, default_embedding_version: str) -> tuple[list[Anchor], list[str]]:
    """Read an anchors file.

    Args:
        path: the file; blank lines are skipped, a byte order mark is too.
        dimension: d of the corpus; 0: the dense leg is off and vectors are not looked at.
        default_embedding_version: of anchors that name none.

    Returns:
        The anchors of the good lines in order (`vector` is None where the line has none: an encoder's work), and all
        problems, one line each with the line's number. A file with problems should not be used.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    anchors: list[Anchor] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, raw in numbered_lines(path, MOST_LINE_BYTES, "anchors file"):
        if not raw:
            continue
        line, faults = decode_line(raw)
        if line is None:
            problems += [f"{path}:{number}: {fault}" for fault in faults]
            continue
        if line.id in seen:
            faults.append(f"id {line.id!r} is that of line {seen[line.id]} too, expected distinct ids")
        seen.setdefault(line.id, number)
        vector, fault = _vector(line, dimension)
        others, more = _others(line)
        named, wrong = _query_vectors(line)
        faults += [*([fault] if fault else []), *more, *wrong]
        problems += [f"{path}:{number}: {fault}" for fault in faults]
        if not faults:
            anchors.append(_anchor(line, vector, default_embedding_version, others, named))
    if not anchors and not problems:
        problems.append(f"{path}: no anchors, expected one JSON object per line")
    if len(problems) > MOST_PROBLEMS:
        problems[MOST_PROBLEMS:] = [f"{path}: {len(problems) - MOST_PROBLEMS} more problems"]
    return anchors, problems


def vector_lengths(path: Path) -> Mapping[int, int]:
    """How many of a file's vectors have how many numbers; lines that cannot be read are left to `load`.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    found: Counter[int] = Counter()
    for _, raw in numbered_lines(path, MOST_LINE_BYTES, "anchors file"):
        line = decode_line(raw)[0] if raw else None
        if line is not None and line.vector is not None:
            found[len(line.vector)] += 1
        elif line is not None and line.vector_b64 is not None:
            made = from_base64(line.vector_b64)
            found.update([] if made is None else [len(made)])
    return found


def write(path: Path, anchors: Iterable[Anchor]) -> None:
    """Write anchors, vectors as base64 of little-endian float32, replacing the file as a whole.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{written_line(of)}\n" for of in anchors)
        part.replace(path)
    except OSError as error:
        message = f"cannot write the anchors file {path}: {error.strerror or error}"
        raise ConfigurationError(message) from error


def lines_by_id(path: Path) -> dict[str, str]:
    """The lines of a file that `load` finds no problem in, as they are written, by the anchors' ids."""
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    return {json.loads(line)["id"]: line for line in lines if line.strip()}


def write_new(output: Path, lines: Iterable[str]) -> None:
    """Write lines that a person merges, as a new file.

    Raises:
        ConfigurationError: the output is there already, or cannot be written.
    """
    try:
        with output.open("x", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except FileExistsError:
        message = f"--output {str(output)!r}: it is there already; expected a new file, which you merge"
        raise ConfigurationError(message) from None
    except OSError as error:
        message = f"--output {str(output)!r}: {error.strerror}; expected a file that can be written"
        raise ConfigurationError(message) from error


def written_line(of: Anchor) -> str:
    """An anchor as its line of the file."""
    others = {name: AnchorVector(vector_b64=_base64(made)) for name, made in (of.vectors or {}).items()}
    line = AnchorLine(
        of.id,
        of.text,
        vector_b64=None if of.vector is None else _base64(of.vector),
        segment=dict(of.segment),
        weight=of.weight,
        rewrites=list(of.rewrites),
        expected_sources=list(of.expected_sources),
        relevant=dict(of.relevant),
        embedding_version=of.embedding_version or None,
        vectors=others,
        query_vectors={name: _spelled(made) for name, made in (of.query_vectors or {}).items()},
        since=of.since,
    )
    return msgspec.json.encode(line).decode()


def anchor_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of one line. What it cannot say (distinct ids, the corpus's dimension), `load` checks."""
    parts = msgspec.json.schema_components([AnchorLine], ref_template="#/$defs/{name}")[1]
    made = parts[AnchorLine.__name__]
    properties = made["properties"]
    properties["vectors"]["additionalProperties"] = {
        **parts[AnchorVector.__name__],
        "oneOf": [{"required": ["vector"]}, {"required": ["vector_b64"]}],
    }
    numbers, rows = {"type": "number"}, {"type": "array", "minItems": 1, "items": {"type": "number"}}
    weights = parts[SparseWeights.__name__]
    weights["properties"]["indices"] |= {"minItems": 1, "uniqueItems": True}
    properties["query_vectors"]["propertyNames"] = {"minLength": 1}
    properties["query_vectors"]["additionalProperties"] = {
        "anyOf": [
            {"type": "array", "minItems": 1, "items": numbers},
            {"type": "array", "minItems": 1, "items": rows},
            weights,
        ]
    }
    for name in ("id", "text"):
        properties[name] |= {"minLength": 1, "pattern": r"\S"}
    for name in ("rewrites", "expected_sources"):
        properties[name]["items"] |= {"minLength": 1, "pattern": r"\S"}
    properties["weight"]["exclusiveMinimum"] = 0
    properties["since"]["pattern"] = rf"^({_MONTH.pattern})?$"
    given = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in ("vector", "vector_b64")
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "Anchor",
        "description": "A query under watch. Without a vector the configured encoder makes one.",
        "not": {"allOf": given},
    }


def decode_line(raw: bytes) -> tuple[AnchorLine | None, list[str]]:
    """One line to typed fields, and what is wrong with it; None where it is not even that."""
    if len(raw) > MOST_LINE_BYTES:
        return None, [f"more than {MOST_LINE_BYTES} bytes in one line"]
    try:
        line = _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return None, [_explained(raw, error)]
    return line, list(_faults(line))


def lone_surrogate(raw: bytes) -> bool:
    """Whether this JSON text holds half a surrogate pair: no UTF-8 exists for it."""
    try:
        return _SURROGATE.search(json.dumps(json.loads(raw), ensure_ascii=False)) is not None
    except (ValueError, RecursionError):
        return False


def floats(numbers: Sequence[float]) -> NDArray[np.float32]:
    """Numbers as float32; what float32 cannot hold becomes infinite, for the caller to refuse."""
    with np.errstate(over="ignore"):
        return np.array(numbers, np.float64).astype(np.float32)


def numbered_lines(path: Path, most_bytes: int, what: str) -> Iterator[tuple[int, bytes]]:
    """All lines of a file with their numbers, stripped; of a longer line only `most_bytes` + 1 bytes are kept.

    Raises:
        ConfigurationError: the file cannot be read, or is of another encoding by its byte-order mark.
    """
    try:
        with path.open("rb") as file:
            refuse_other_than_utf8(file.peek(4)[:4], f"the {what} {path}")
            number = 0
            while raw := file.readline(most_bytes + 1):
                rest = raw
                while not rest.endswith(b"\n") and (rest := file.readline(most_bytes)):
                    pass
                number += 1
                yield number, (raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw).strip()
    except OSError as error:
        message = f"cannot read the {what} {path}: {error.strerror or error}"
        raise ConfigurationError(message) from error


def _explained(raw: bytes, error: Exception) -> str:
    """The decoder's message, made plain where it is not."""
    said = str(error)
    if "unknown field" in said:
        return f"{said}, expected only {', '.join(FIELDS)}"
    if isinstance(error, msgspec.DecodeError) and lone_surrogate(raw):
        return "a lone surrogate (\\ud800 to \\udfff without its partner), expected Unicode text"
    return said


def _faults(line: AnchorLine) -> Iterator[str]:
    """What types cannot say."""
    if not line.id.strip() or not line.id.isprintable() or len(line.id.encode()) > MOST_ID_BYTES:
        yield f"id {line.id[:80]!r}, expected 1 to {MOST_ID_BYTES} bytes of printable characters"
    if not line.text.strip() or len(line.text.encode()) > MOST_TEXT_BYTES:
        yield f"text of {len(line.text)} characters, expected 1 to {MOST_TEXT_BYTES} bytes, not only blanks"
    if not (line.weight > 0 and math.isfinite(line.weight)):
        yield f"weight {line.weight}, expected a number above 0"
    if line.since and not _MONTH.fullmatch(line.since):
        yield f"since {line.since[:80]!r}, expected a month such as 2026-11"
    if line.vector is not None and line.vector_b64 is not None:
        yield "vector and vector_b64 are both there, expected one of them"
    for name, value in line.segment.items():
        if not (name and value and name.isprintable() and value.isprintable()):
            yield f"segment {name[:80]!r}: {value[:80]!r}, expected printable characters on both sides"
    for field in ("rewrites", "expected_sources"):
        if not all(value.strip() for value in getattr(line, field)):
            yield f"{field} holds an empty string"


def _vector(line: AnchorLine, dimension: int) -> tuple[NDArray[np.float32] | None, str]:
    """The vector of a line, None without one, and what is wrong with it."""
    if dimension == 0 or (line.vector is None and line.vector_b64 is None):
        return None, ""
    made = floats(line.vector) if line.vector is not None else from_base64(line.vector_b64 or "")
    if made is None:
        return None, "vector_b64 is not base64 of little-endian float32 values"
    if len(made) != dimension:
        return None, f"vector has {len(made)} numbers, expected {dimension}"
    if not np.isfinite(made).all():
        return None, f"vector is not finite at {int(np.flatnonzero(~np.isfinite(made))[0])}, expected finite float32"
    return made, ""


def _others(line: AnchorLine) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """Vectors by embedding version, and what is wrong with them; how long they must be, a migration knows."""
    made: dict[str, NDArray[np.float32]] = {}
    faults: list[str] = []
    for version, given in line.vectors.items():
        found = None
        if (given.vector is None) != (given.vector_b64 is None):
            found = floats(given.vector) if given.vector is not None else from_base64(given.vector_b64 or "")
        if not version or found is None or not np.isfinite(found).all():
            faults.append(f"vectors {version[:80]!r}, expected vector or vector_b64 of finite float32 values")
        else:
            made[version] = found
    return made, faults


def _query_vectors(line: AnchorLine) -> tuple[dict[str, QueryVector], list[str]]:
    """Query vectors by name, and what is wrong with them; what they must match, the collection knows."""
    made: dict[str, QueryVector] = {}
    faults: list[str] = []
    for name, given in line.query_vectors.items():
        found = _sparse(given) if isinstance(given, SparseWeights) else _matrix(given)
        if isinstance(found, str) or not name:
            faults.append(f"query_vectors {name[:80]!r}: {found if isinstance(found, str) else 'no name'}")
        else:
            made[name] = found
    return made, faults


def _sparse(given: SparseWeights) -> SparseVector | str:
    indices, values = np.array(given.indices, np.int64), floats(given.values)
    if len(indices) != len(values) or not len(indices):
        return f"{len(indices)} indices and {len(values)} values, expected one value an index, at least one"
    if len(np.unique(indices)) != len(indices):
        return "an index stands there twice, expected distinct ones"
    return SparseVector(indices, values) if np.isfinite(values).all() else "expected finite float32 values"


def _matrix(given: Sequence[float | list[float]]) -> NDArray[np.float32] | str:
    rows = [one for one in given if isinstance(one, list)]
    if not given or len(rows) not in (0, len(given)) or len({len(row) for row in rows} - {0}) > 1 or [] in rows:
        return "expected numbers, or rows of one length, or indices and values"
    made = (
        np.stack([floats(row) for row in rows]) if rows else floats([of for of in given if not isinstance(of, list)])
    )
    return made if np.isfinite(made).all() else "expected finite float32 values"


def from_base64(encoded: str) -> NDArray[np.float32] | None:
    """Little-endian float32 from base64, None where it is not that."""
    try:
        raw = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return None if len(raw) % 4 else np.frombuffer(raw, "<f4").astype(np.float32)


def _anchor(
    line: AnchorLine,
    vector: NDArray[np.float32] | None,
    default_embedding_version: str,
    others: Mapping[str, NDArray[np.float32]],
    named: Mapping[str, QueryVector],
) -> Anchor:
    return Anchor(
        line.id,
        line.text,
        vector,
        tuple(sorted(line.segment.items())),
        line.weight,
        tuple(line.rewrites),
        tuple(line.expected_sources),
        line.relevant,
        line.embedding_version or default_embedding_version,
        others or None,
        named or None,
        line.since,
    )


def _spelled(vector: QueryVector) -> list[float | list[float]] | SparseWeights:
    if isinstance(vector, SparseVector):
        return SparseWeights(vector.indices.tolist(), vector.values.tolist())
    numbers: list[float | list[float]] = vector.tolist()
    return numbers


def _base64(vector: NDArray[np.float32]) -> str:
    return b64encode(np.ascontiguousarray(vector, "<f4").tobytes()).decode()
