"""Keys of the configuration that every store with a graph (HNSW) has."""

from typing import Literal

from pydantic import Field

from monitor.core.model.fingerprint import SearchConfig, SearchMode
from monitor.kinds import Section


class GraphSection(Section):
    """How an index with an HNSW graph is searched."""

    exact: bool | None = None
    """None: exact in the embedded engine (small corpora), as production asks on a server."""
    hnsw_ef: int | None = Field(None, ge=1)
    """None: 128 in the embedded engine, left to the server on a server."""
    hnsw_m: int = Field(16, ge=2)
    quantization: Literal["none", "scalar", "binary"] = "none"

    def search(self, engine: str, *, exact_by_default: bool) -> SearchConfig:
        """How it searches; the graph has no say in an exact search."""
        if self.exact or (self.exact is None and exact_by_default):
            return SearchConfig(engine, SearchMode.EXACT)
        graph = (("m", str(self.hnsw_m)), ("ef", str(self.hnsw_ef or "default")))
        return SearchConfig(engine, SearchMode.APPROXIMATE, graph)
