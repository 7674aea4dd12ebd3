"""How known retrieval APIs are asked and what their answers look like.

Facts, as their own documentation states them (November 2026):

* Dify, external knowledge API: `POST ENDPOINT/retrieval` with `knowledge_id`, `query` and `retrieval_setting` of
  `top_k` and `score_threshold`; answers `records` of `content`, `score`, `title` and `metadata`; a Bearer token.
* OpenAI, vector store search: `POST /v1/vector_stores/ID/search` with `query` and `max_num_results` (1 to 50);
  answers `data` of `file_id`, `filename`, `score`, `attributes` and `content`, a list of parts with `text`.
* LangServe and LangChain's RemoteRunnable: `POST PATH/invoke` with `input`; answers `output`, of a retriever a list
  of documents with `page_content`, `metadata` and perhaps `id`.
* Haystack's hayhooks: `POST /PIPELINE/run` with the pipeline's inputs; a wrapper's answer stands under `result`; a
  document has `id`, `content`, `score` and `meta`, whose entries may stand beside them (flattened).
* MCP, a tool called over streamable HTTP: JSON-RPC `tools/call` with `name` and `arguments`; answers
  `structuredContent` or `content`, a list of parts with `text`, which may be JSON: see `mcp`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from monitor.adapters.production.answer_paths import AnswerPaths


@dataclass(frozen=True, slots=True)
class ProductionPreset:
    """One API.

    Args:
        body: the request's template; of MCP the tool's arguments.
        paths: into its answer.
        parameters: names in the template that only the user can know.
    """

    body: Mapping[str, Any]
    paths: AnswerPaths
    parameters: tuple[str, ...] = ()


MCP = "mcp"
PRODUCTION_PRESETS: Mapping[str, ProductionPreset] = MappingProxyType(
    {
        "dify": ProductionPreset(
            {
                "knowledge_id": "{knowledge_id}",
                "query": "{text}",
                "retrieval_setting": {"top_k": "{k}", "score_threshold": 0.0},
            },
            AnswerPaths(
                results=("records",),
                result_id=("metadata.chunk_id", "metadata.id"),
                document_id=("metadata.doc_id", "metadata.path", "title"),
                text=("content",),
                score=("score",),
            ),
            parameters=("knowledge_id",),
        ),
        "openai": ProductionPreset(
            {"query": "{text}", "max_num_results": "{k}"},
            AnswerPaths(
                results=("data",),
                result_id=("attributes.chunk_id",),
                document_id=("file_id", "filename"),
                text=("content.*.text",),
                score=("score",),
            ),
        ),
        "langserve": ProductionPreset(
            {"input": "{text}"},
            AnswerPaths(
                results=("output", "output.documents"),
                result_id=("metadata.chunk_id", "id", "metadata.id"),
                document_id=("metadata.doc_id", "metadata.source"),
                text=("page_content",),
                score=("metadata.score", "metadata.relevance_score"),
            ),
        ),
        "haystack": ProductionPreset(
            {"query": "{text}"},
            AnswerPaths(
                results=("result", "result.documents", "documents", "retriever.documents", "ranker.documents"),
                result_id=("meta.chunk_id", "chunk_id", "id"),
                document_id=("meta.doc_id", "meta.source_id", "meta.file_path", "source_id", "file_path"),
                text=("content",),
                score=("score",),
            ),
        ),
        MCP: ProductionPreset(
            {"query": "{text}"},
            AnswerPaths(
                results=(
                    "structuredContent.results",
                    "structuredContent.result",
                    "structuredContent.documents",
                    "content.0.text.results",
                    "content.0.text.documents",
                    "content.0.text",
                    "content",
                ),
                result_id=("chunk_id", "id", "metadata.chunk_id", "metadata.id", "text.chunk_id", "text.id"),
                document_id=("doc_id", "metadata.source", "url", "title", "text.doc_id", "text.url"),
                text=("content", "page_content", "text.content", "text.text", "text"),
                score=("score", "metadata.score", "text.score"),
            ),
        ),
    }
)
"""By the name in `production.preset`."""
