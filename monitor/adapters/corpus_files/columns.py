"""From columns to the fields of rows: whole columns for vectors and times, one value at a time for the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.paths import SEGMENT, FieldPaths, Path, Shape, split
from monitor.adapters.codecs.reasons import malformed
from monitor.adapters.corpus_files.library import arrow, compute
from monitor.core.model.events import MalformedEvent
from monitor.ports import ConfigurationError

VECTOR, TIME, PACKED = "vector", "event_time", "vector_b64"
NEEDED = ("chunk_id", "text")


class FileRow(msgspec.Struct, frozen=True):
    """One row.

    Args:
        fields: an object with the fields that are read one at a time, or what is wrong with them.
        plain: the same as Python has them, for whoever sets the row aside.
        vector: bytes of float32, little-endian; None where there is none, or where `fields` has it.
        time: microseconds since 1970; None where there is none, or where `fields` has it.
    """

    fields: Any
    plain: dict[str, Any]
    vector: bytes | None
    time: int | None


@dataclass(frozen=True, slots=True)
class FileColumns:
    """Which columns of a file are read, and how.

    Args:
        names: of the columns.
        one_by_one: paths of what is read one value at a time.
        vector: path of a column of vectors, None where there is none.
        time: path of a column of time stamps, None where there is none.
    """

    names: tuple[str, ...]
    one_by_one: FieldPaths
    vector: Path | None
    time: Path | None

    @classmethod
    def of(cls, paths: FieldPaths, stated: Sequence[str], schema: Any, dimension: int, file: str) -> "FileColumns":
        """The columns of a file with this schema.

        Args:
            paths: where fields stand.
            stated: fields whose path somebody wrote down: it must lead somewhere.
            schema: of pyarrow.
            dimension: d of the vectors, 0: they are not read.
            file: for messages.

        Raises:
            ConfigurationError: a column is missing, or has vectors of another length.
        """
        absent = [(name, path) for name, path in paths.named() if split(path)[0] not in schema.names]
        for name, path in absent:
            field = "segments" if name.startswith(SEGMENT) else name.partition(".")[0]
            if field in NEEDED or field in stated:
                has = ", ".join(schema.names)
                message = f"bootstrap: {file}: no column {split(path)[0]!r} for {name}; expected one of {has}"
                raise ConfigurationError(message)
        there = [(name, path) for name, path in paths.named() if (name, path) not in absent]
        if not dimension:
            there = [(name, path) for name, path in there if name not in (VECTOR, PACKED)]
        elif not {VECTOR, PACKED} & {name for name, _ in there}:
            message = (
                f"bootstrap: {file}: no column {paths.vector!r} with vectors; expected bootstrap.fields.vector to "
                f"name one of {', '.join(schema.names)}, or dense.engine = 'none'"
            )
            raise ConfigurationError(message)
        by_name = {name: split(path) for name, path in there}
        vector = next((by_name[n] for n in (VECTOR, PACKED) if n in by_name and _numbers(schema, by_name[n])), None)
        if vector is not None:
            _refuse_length(_type(schema, vector), dimension, ".".join(vector), file)
        time = by_name[TIME] if TIME in by_name and _is_time(_type(schema, by_name[TIME])) else None
        whole: dict[str, Any] = {VECTOR: None, PACKED: None} if vector is not None else {}
        whole |= {TIME: None} if time is not None else {}
        names = dict.fromkeys(path[0] for path in by_name.values())
        return cls(tuple(names), replace(paths, **whole), vector, time)

    def rows(self, batch: Any, shape: Shape) -> Iterator[FileRow]:
        """Every row of a record batch, in order."""
        columns = [path[0] for path in (self.vector, self.time) if path is not None and len(path) == 1]
        plain = batch.select([name for name in self.names if name not in columns])
        values = _values(plain) if plain.num_columns else [{}] * batch.num_rows
        vectors = [None] * batch.num_rows if self.vector is None else _vectors(_at(batch, self.vector))
        times = [None] * batch.num_rows if self.time is None else _times(_at(batch, self.time))
        for row, vector, time in zip(values, vectors, times, strict=True):
            broken = isinstance(row, MalformedEvent)
            yield FileRow(row if broken else _fields(row, shape), {} if broken else row, vector, time)


def _values(batch: Any) -> list[Any]:
    """What each row has as Python values, by column; an error where its bytes are no text."""
    try:
        made: list[Any] = batch.to_pylist(maps_as_pydicts="lossy")
    except UnicodeDecodeError as error:
        if batch.num_rows == 1:
            return [malformed(reasons.NOT_UTF8, "row", f"byte {error.start} is not UTF-8: {error.reason}")]
        return [value for at in range(batch.num_rows) for value in _values(batch.slice(at, 1))]
    return made


def _fields(row: dict[str, Any], shape: Shape) -> Any:
    try:
        return msgspec.convert(row, shape.type)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        return malformed(reasons.WRONG_TYPE, where.rstrip("`") or "row", what)
    except MalformedEvent as error:
        return error


def _type(schema: Any, path: Path) -> Any:
    """The type of the values at a path; None where it leads through something else than structs."""
    kind = schema.field(path[0]).type
    for name in path[1:]:
        at = kind.get_field_index(name) if arrow().types.is_struct(kind) else -1
        if at < 0:
            return None
        kind = kind.field(at).type
    return kind


def _numbers(schema: Any, path: Path) -> bool:
    """Whether a column has vectors that can be taken as a whole: lists of numbers, or bytes."""
    types, kind = arrow().types, _type(schema, path)
    if kind is None:
        return False
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return bool(types.is_floating(kind.value_type) or types.is_integer(kind.value_type))
    return _is_bytes(kind)


def _is_bytes(kind: Any) -> bool:
    types = arrow().types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def _is_time(kind: Any) -> bool:
    return kind is not None and bool(arrow().types.is_timestamp(kind) or arrow().types.is_date(kind))


def _refuse_length(kind: Any, dimension: int, column: str, file: str) -> None:
    if arrow().types.is_fixed_size_list(kind) and kind.list_size != dimension:
        message = (
            f"bootstrap: {file}: column {column!r} has vectors of {kind.list_size} numbers; "
            f"expected corpus.dimension = {dimension}"
        )
        raise ConfigurationError(message)


def _at(batch: Any, path: Path) -> Any:
    column = batch.column(path[0])
    for name in path[1:]:
        column = compute().struct_field(column, name)
    return column


def _vectors(column: Any) -> list[bytes | None]:
    """The bytes of each vector as little-endian float32; what overflows is infinite, what is null NaN."""
    if _is_bytes(column.type):
        made: list[bytes | None] = column.to_pylist()
        return made
    lengths = compute().list_value_length(column).to_pylist()
    numbers = column.flatten().to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        packed = memoryview(np.ascontiguousarray(numbers, "<f4").tobytes())
    vectors, at = list[bytes | None](), 0
    for length in lengths:
        vectors.append(None if length is None else bytes(packed[4 * at : 4 * (at + length)]))
        at += length or 0
    return vectors


def _times(column: Any) -> list[int | None]:
    """Microseconds since 1970; a time stamp without a zone is UTC."""
    package = arrow()
    stamps = column.cast(package.timestamp("us", tz=getattr(column.type, "tz", None)), safe=False)
    whole: NDArray[np.int64] | None = None
    if not stamps.null_count:
        whole = stamps.cast(package.int64()).to_numpy()
    made: list[int | None] = stamps.cast(package.int64()).to_pylist() if whole is None else whole.tolist()
    return made
