"""Where well-known frameworks keep what a chunk needs, in the payload of a point or in a plain row."""

from collections.abc import Mapping
from types import MappingProxyType

PRESETS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        # langchain-qdrant: QdrantVectorStore, with its default keys; the point id is the chunk's
        "langchain": {
            "chunk_id": "id",
            "doc_id": "metadata.source",
            "text": "page_content",
            "position": "metadata.start_index",
        },
        # llama-index: the payload is the node's metadata, and the node itself is JSON in a string
        "llamaindex": {
            "chunk_id": "_node_content.id_",
            "doc_id": "ref_doc_id",
            "text": "_node_content.text",
            "position": "_node_content.start_char_idx",
        },
        # qdrant-haystack: the point id is a UUID made of the document's id, which the payload holds
        "haystack": {
            "chunk_id": "id",
            "doc_id": "meta.source_id",
            "text": "content",
            "position": "meta.split_id",
            "sink_chunk_id": "id",
        },
    }
)
"""Framework -> path by key of `[source.fields]`; none of them writes a time."""
