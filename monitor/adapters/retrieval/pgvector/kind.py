"""`dense.engine = "pgvector"`: a table of PostgreSQL that production fills, read only."""

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr

from monitor.core.model.fingerprint import SearchConfig, SearchMode
from monitor.kinds import Checked, RealIndex, RetrieverContext, RetrieverKind, Section
from monitor.ports import ConfigurationError

if TYPE_CHECKING:
    from monitor.adapters.retrieval.pgvector.store import PgvectorTable

SessionName = Literal[
    "hnsw.ef_search",
    "hnsw.iterative_scan",
    "hnsw.max_scan_tuples",
    "hnsw.scan_mem_multiplier",
    "ivfflat.probes",
    "ivfflat.iterative_scan",
    "ivfflat.max_probes",
]
"""pgvector's settings of a session."""


class PgvectorSection(Section):
    """A table of PostgreSQL with a column of pgvector."""

    url: str = ""
    password: SecretStr = SecretStr("")
    table: str = ""
    schema_name: str = Field("", alias="schema")
    vector_column: str = "embedding"
    chunk_id: str = "id"
    content_hash: str = ""
    attribute_prefix: str = ""
    only: dict[str, str] = Field(default_factory=dict)
    """By column, the value that every row of this corpus has."""
    exact: bool = False
    session: dict[SessionName, str | int | float] = Field(default_factory=dict)
    """pgvector's settings by name, as production's sessions have them."""
    timeout: float = Field(5.0, gt=0)


def _table(section: PgvectorSection, context: RetrieverContext) -> "PgvectorTable":
    if find_spec("psycopg") is None:
        message = (
            "dense.engine = 'pgvector' needs the package psycopg, expected: pip install 'corpus-drift[pgvector]'"
        )
        raise ConfigurationError(message)
    from monitor.adapters.retrieval.pgvector.store import PgvectorTable
    from monitor.adapters.retrieval.pgvector.table import TableSettings

    return PgvectorTable(
        TableSettings(
            url=section.url,
            table=section.table,
            dimension=context.dimension,
            distance=context.distance,
            password=section.password.get_secret_value(),
            schema=section.schema_name,
            vector_column=section.vector_column,
            chunk_id=section.chunk_id,
            content_hash=section.content_hash,
            attribute_prefix=section.attribute_prefix,
            only=tuple(section.only.items()),
            exact=section.exact,
            session=tuple((name, str(value)) for name, value in section.session.items()),
            timeout=section.timeout,
        )
    )


def _index(section: PgvectorSection, context: RetrieverContext) -> RealIndex:
    table = _table(section, context)
    return RealIndex(table, lookup=partial(table.vectors, deadline=context.deadline))


def _search(section: PgvectorSection) -> SearchConfig:
    if section.exact:
        return SearchConfig("pgvector", SearchMode.EXACT)
    named = sorted((name, str(value)) for name, value in section.session.items())
    return SearchConfig("pgvector", SearchMode.APPROXIMATE, tuple(named))


def _check(section: PgvectorSection, context: RetrieverContext) -> Checked:
    from monitor.adapters.retrieval.failed_reads import FailedRead

    table = _table(section, context)
    try:
        met, remarks = table.meet(), table.remarks()
    finally:
        table.close()
    where = f"postgresql table {section.table!r}"
    if isinstance(met, FailedRead):
        return Checked((f"{where}: UNKNOWN: {met.reason}: {met.detail}",), known=False)
    indexes = ", ".join(f"{of.name} ({of.method}, {of.operators})" for of in met.indexes) or "no vector index"
    said = f"{where}: pgvector {met.version}, {met.type_name} of {met.dimension or 'any'} numbers, {indexes}"
    return Checked((said, *(f"note: {remark}" for remark in remarks)), known=True)


def _lacking(section: PgvectorSection) -> str:
    named = section.url and section.table
    return "" if named else "dense.engine = 'pgvector' needs dense.pgvector.url and dense.pgvector.table"


PGVECTOR = RetrieverKind(
    "pgvector", PgvectorSection, _index, search=_search, owned=False, lacking=_lacking, check=_check
)
