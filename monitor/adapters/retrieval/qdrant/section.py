"""Keys that every table of a Qdrant collection has, whoever reads it."""

from pydantic import SecretStr

from monitor.kinds import Section


class CollectionSection(Section):
    """Where a collection is, and what of a point is the chunk's id and vector."""

    url: str = ""
    api_key: SecretStr = SecretStr("")
    ca_file: str = ""
    collection: str = ""
    vector_name: str = ""
    chunk_id_field: str = ""
