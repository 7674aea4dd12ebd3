"""The table that is asked: where it is, the statements that read it, and what the database says of it.

Names come from the configuration and are quoted as identifiers, values travel as parameters: nothing that a file or
an anchor says is ever taken for SQL.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg import ProgrammingError, conninfo, sql

from monitor.core.model.events import Segment
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.scoring import Distance
from monitor.errors import ConfigurationError

OPERATORS: Mapping[Distance, str] = {Distance.COSINE: "<=>", Distance.DOT: "<#>", Distance.EUCLID: "<->"}
"""pgvector's distances: 1 - cosine, minus the inner product, and the Euclidean distance; smaller is better."""
OPERATOR_CLASSES: Mapping[Distance, str] = {Distance.COSINE: "cosine", Distance.DOT: "ip", Distance.EUCLID: "l2"}
"""What the operator class of an index for a distance is called, between the type and `_ops`."""
COMPARED_AS: Mapping[str, type[np.float16 | np.float32]] = {"vector": np.float32, "halfvec": np.float16}
"""Types of stored vectors that are modelled, and the numbers in which the server compares them."""
Statement = tuple[sql.Composed, list[Any]]
"""SQL with the values of its parameters."""
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class TableSettings:
    """Where production's table is and how it is asked.

    Args:
        url: `postgresql://user@host:port/database?sslmode=...`, or libpq's `host=... dbname=...`; without a password.
        table: its name; `schema`: its schema, "" takes what the search path finds.
        dimension: d of the vectors.
        distance: which of pgvector's distances production sorts by.
        password: of the user; in no repr and no message.
        vector_column: the column of type `vector` or `halfvec`.
        chunk_id: the column of the chunk id, or `column.key` of a json column.
        content_hash: the same of the content hash; "" reads none.
        attribute_prefix: put before an attribute's name to find it: `metadata.` for the keys of a json column, "" for
            columns of their own.
        only: (column, value) pairs that every row asked for has, such as the collection's id in a shared table.
        exact: scan everything; False asks as production does.
        session: (name, value) of pgvector's own settings, as production's sessions have them.
        timeout: seconds one statement may take.
    """

    url: str
    table: str
    dimension: int
    distance: Distance
    password: str = field(default="", repr=False)
    schema: str = ""
    vector_column: str = "embedding"
    chunk_id: str = "id"
    content_hash: str = ""
    attribute_prefix: str = ""
    only: tuple[tuple[str, str], ...] = ()
    exact: bool = False
    session: tuple[tuple[str, str], ...] = ()
    timeout: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what cannot work, in one line."""
        for problem in self._problems():
            raise ConfigurationError(problem)

    @property
    def where(self) -> str:
        """Server and table as messages name them."""
        named = conninfo.conninfo_to_dict(self.url)
        server = f"{named.get('host', 'localhost')}:{named.get('port', 5432)}/{named.get('dbname', '')}"
        return f"postgresql {server} table {self.shown!r}"

    @property
    def shown(self) -> str:
        """The table as people write it."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @property
    def quoted(self) -> sql.Identifier:
        """The table as an identifier."""
        return sql.Identifier(*([self.schema] if self.schema else []), self.table)

    def _problems(self) -> Iterator[str]:
        try:
            named = conninfo.conninfo_to_dict(self.url)
        except (ProgrammingError, ValueError):  # its text may repeat a password
            yield "dense.pgvector.url: cannot be read, expected postgresql://user@host:port/database"
            return
        if named.get("password"):
            yield "dense.pgvector.url holds a password, expected none: use dense.pgvector.password"
        for name in ("vector_column", "chunk_id", "table"):
            if not getattr(self, name).strip("."):
                yield f"dense.pgvector.{name} = {getattr(self, name)!r}, expected a name"


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """An index on the vector column: its access method, operator class, definition, and whether it can be used."""

    name: str
    method: str
    operators: str
    definition: str
    usable: bool


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What a database says of the table.

    `type_name` is that of the vector column (in the schema `extension`), `dimension` what it declares, 0 for none.
    `id_type` is the type of the chunk id's column, "" where the id stands in a json column. `indexes` are those that
    look for nearest neighbours; `building` says whether one is being built now.
    """

    version: str
    extension: str
    type_name: str
    dimension: int
    kind: str
    id_type: str
    indexes: tuple[VectorIndex, ...]
    building: bool

    def configuration(self) -> IndexConfig:
        """What the database holds that decides which rows are found."""
        columns = {"type": self.type_name, "dimension": self.dimension or "any", "kind": self.kind}
        indexes = {of.name: of.definition + ("" if of.usable else " (unusable)") for of in self.indexes}
        return IndexConfig.of({"pgvector": self.version, "column": columns, "index": indexes})

    def contradictions(self, settings: TableSettings) -> list[str]:
        """Where the table is not what the settings say; a replay of it would then mean nothing."""
        where, column = f"table {settings.shown!r}", f"column {settings.vector_column!r}"
        found = []
        if self.kind not in {"r", "p", "m"}:
            found.append(f"{where} is a view or a foreign table, expected a table or a materialized view")
        if self.type_name not in COMPARED_AS:
            modelled = " or ".join(COMPARED_AS)
            found.append(f"{where}: {column} is of type {self.type_name}, expected {modelled}")
        if self.dimension not in {0, settings.dimension}:
            found.append(f"{where}: {column} has dimension {self.dimension}, expected {settings.dimension}")
        return found

    def remarks(self, settings: TableSettings) -> list[str]:
        """What is to be known beside the numbers, which stand."""
        wanted = f"{self.type_name}_{OPERATOR_CLASSES[settings.distance]}_ops"
        found = [f"index {of.name} cannot be used: its building did not end" for of in self.indexes if not of.usable]
        fitting = [of for of in self.indexes if of.usable and of.operators == wanted]
        if self.indexes and not fitting and not settings.exact:
            named = ", ".join(f"{of.name} ({of.operators})" for of in self.indexes)
            found.append(f"no index is for {settings.distance}: every query scans the table, and {named} has no say")
        return found


def text_of(path: str) -> sql.Composed:
    """A column as text, or the text at a path of keys in a json column."""
    column, *keys = path.split(".")
    return sql.SQL("{}::text").format(sql.Identifier(column)) if not keys else _within(column, keys)


def attribute_of(prefix: str, name: str) -> sql.Composed:
    """The column of an attribute, or its text in a json column; the attribute's name is one key, whatever it is."""
    column, *keys = prefix.split(".")
    if not keys:
        return sql.Composed([sql.Identifier(column + name)])
    return _within(column, [*keys[:-1], keys[-1] + name])


def _within(column: str, keys: Sequence[str]) -> sql.Composed:
    steps = [sql.SQL(" -> {}").format(sql.Literal(key)) for key in keys[:-1]]
    return sql.SQL("({}{} ->> {})").format(sql.Identifier(column), sql.Composed(steps), sql.Literal(keys[-1]))


class Statements:
    """The reads of one table, as SQL with their parameters.

    Args:
        settings: names, and what every row has.
        found: the table as the database describes it.
    """

    def __init__(self, settings: TableSettings, found: TableDescription) -> None:
        self._settings, self._found = settings, found
        self._type = sql.Identifier(found.extension, found.type_name)
        self._id = text_of(settings.chunk_id)
        self._hash = text_of(settings.content_hash) if settings.content_hash else sql.Composed([sql.SQL("''")])
        self._vector = sql.Identifier(settings.vector_column)
        self._present = sql.SQL("{} IS NOT NULL").format(self._vector)
        self._only = [(sql.Composed([sql.Identifier(name)]), value) for name, value in settings.only]

    def search(self, vector: NDArray[np.float32], filters: Segment, limit: int) -> Statement:
        """The best rows: (table, row, chunk id, content hash, distance); an exact search looks at every row.

        An order by anything but the bare operator is one that no index can give. A cosine with a vector of zeros is
        no number to PostgreSQL and comes last; here it is 0, as everywhere in this program.
        """
        distance = sql.SQL("({} OPERATOR({}.{}) %s::{})").format(
            self._vector,
            sql.Identifier(self._found.extension),
            sql.SQL(OPERATORS[self._settings.distance]),
            self._type,
        )
        if self._settings.exact:
            cosine = self._settings.distance is Distance.COSINE
            scanned = "coalesce(nullif({}, 'NaN'), 1)" if cosine else "({} + 0.0::float8)"
            distance = sql.SQL(scanned).format(distance)
        wanted = [(attribute_of(self._settings.attribute_prefix, name), value) for name, value in filters]
        passing, values = self._passing(wanted, *([self._present] if self._settings.exact else []))
        made = sql.SQL("SELECT {}, {}, {}, {} AS distance FROM {}{} ORDER BY distance LIMIT %s").format(
            _ROW, self._id, self._hash, distance, self._settings.quoted, passing
        )
        return made, [literal(vector), *values, limit]

    def rows(self, places: Sequence[str]) -> Statement:
        """(table, row, chunk id, vector) of the rows at these places (`ctid`)."""
        made = sql.SQL("SELECT {}, {}, {} FROM {} WHERE ctid = ANY(%s::tid[])").format(
            _ROW, self._id, self._vector, self._settings.quoted
        )
        return made, [list(places)]

    def of_chunks(self, chunk_ids: Sequence[str], *, vectors: bool) -> Statement:
        """(chunk id, content hash or vector) of the rows of these chunks."""
        compared, of_type, ids = self._compared(chunk_ids)
        within = sql.SQL("{} = ANY(%s::{}[])").format(compared, sql.SQL(of_type))
        passing, values = self._passing((), within)
        read = self._vector if vectors else self._hash
        made = sql.SQL("SELECT {}, {} FROM {}{}").format(self._id, read, self._settings.quoted, passing)
        return made, [ids, *values]

    def sample(self, limit: int) -> Statement:
        """(chunk id, content hash, numbers of the vector) of some rows: whether all that is named is there."""
        passing, values = self._passing((), self._present)
        made = sql.SQL("SELECT {}, {}, {}({}) FROM {}{} LIMIT %s").format(
            self._id,
            self._hash,
            sql.Identifier(self._found.extension, "vector_dims"),
            self._vector,
            self._settings.quoted,
            passing,
        )
        return made, [*values, limit]

    def count(self) -> Statement:
        """(number of rows with a vector)."""
        passing, values = self._passing((), self._present)
        return sql.SQL("SELECT count(*) FROM {}{}").format(self._settings.quoted, passing), list(values)

    def _passing(
        self, wanted: Sequence[tuple[sql.Composed, str]], *before: sql.Composed
    ) -> tuple[sql.Composed, list[str]]:
        """The WHERE of these conditions, of what every row has and of what is wanted, with its values."""
        equal = [*self._only, *wanted]
        conditions = [*before, *(sql.SQL("{} = %s").format(of) for of, _ in equal)]
        if not conditions:
            return sql.Composed([]), []
        return sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(conditions)), [value for _, value in equal]

    def _compared(self, chunk_ids: Sequence[str]) -> tuple[sql.Composed, LiteralString, list[str]]:
        """The chunk id in a type of its column, so that its index serves, and the ids that such a column can hold."""
        column = sql.Composed([sql.Identifier(self._settings.chunk_id)])
        if self._found.id_type == "uuid":
            return column, "uuid", list(filter(_is_uuid, chunk_ids))
        if self._found.id_type in {"int2", "int4", "int8"}:
            numbers = [of for of in chunk_ids if _NUMBER.fullmatch(of) and -(2**63) <= int(of) < 2**63]
            return column, "int8", numbers
        if self._found.id_type in {"text", "varchar"}:
            return column, "text", list(chunk_ids)
        return self._id, "text", list(chunk_ids)


_ROW = sql.SQL("tableoid::int8, ctid::text")
"""What tells a row from all others now: its table (of a partitioned one, the partition) and its place in it."""


def _is_uuid(chunk_id: str) -> bool:
    """Whether a column of UUIDs shows one so: lower case, with hyphens."""
    try:
        return str(UUID(chunk_id)) == chunk_id
    except ValueError:
        return False


def literal(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector reads it; each number so that it is the same float32 again."""
    return f"[{','.join(map(repr, vector.tolist()))}]"


def vector_in(stored: bytes, type_name: str) -> NDArray[np.float32]:
    """The (d,) float32 vector of pgvector's binary form: two 16-bit numbers, the first is d, then the components.

    Raises:
        ValueError: the bytes are not such a form.
    """
    size = int.from_bytes(stored[:2], "big")
    numbers = np.frombuffer(stored, ">f2" if type_name == "halfvec" else ">f4", offset=4)
    if len(numbers) != size:
        message = f"a vector of {len(numbers)} numbers says that it has {size}"
        raise ValueError(message)
    return numbers.astype(np.float32)


DESCRIBED = """
SELECT c.oid::int8, c.relkind::text, n.nspname::text, t.typname::text, a.atttypmod, e.extversion::text,
       coalesce((SELECT it.typname::text FROM pg_catalog.pg_attribute i
                 JOIN pg_catalog.pg_type it ON it.oid = i.atttypid
                 WHERE i.attrelid = c.oid AND i.attname = %(chunk_id)s AND NOT i.attisdropped), ''),
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.relid = c.oid)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = %(vector)s AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_extension e ON e.extname = 'vector'
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE c.oid = to_regclass(%(table)s)
"""
"""The table and its vector column; no row where either is not there."""
INDEXES = """
SELECT ic.relname::text, am.amname::text, o.opcname::text, pg_catalog.pg_get_indexdef(i.indexrelid),
       i.indisvalid AND i.indisready
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
JOIN pg_catalog.pg_am am ON am.oid = ic.relam
JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0]
WHERE i.indrelid = %s AND am.amname IN ('hnsw', 'ivfflat')
ORDER BY ic.relname
"""
"""The indexes with which a nearest neighbour can be looked for."""
