"""What went wrong with a read of a Qdrant server, told by status and exception type; texts are for people only.

The statuses are those of `src/actix/helpers.rs` and `src/actix/auth.rs` in Qdrant 1.15 to 1.19.
"""

import json
from collections.abc import Mapping
from typing import Any

import httpcore
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from monitor.adapters.retrieval.failed_reads import DETAIL, FailedRead, printable
from monitor.adapters.retrieval.qdrant.transport import ClosedError, RateLimitedError, TooLargeError
from monitor.adapters.retrieval.reasons import FailureReason

OF_STATUS: Mapping[int, FailureReason] = {
    401: FailureReason.REFUSED,
    403: FailureReason.FORBIDDEN,
    404: FailureReason.COLLECTION_MISSING,
    408: FailureReason.DEADLINE,
    422: FailureReason.INVALID,
}


def failed(error: Exception, api_key: str) -> FailedRead:
    """The failure that an exception of the client or its transport stands for; the key is struck out of its text."""
    source = error.source if isinstance(error, ResponseHandlingException) else error
    return FailedRead(_reason(source), printable(_said(source), api_key) or type(source).__name__)


def _reason(error: Exception) -> FailureReason:
    if isinstance(error, UnexpectedResponse):
        return _reason_of_status(error.status_code or 0)
    if isinstance(error, RateLimitedError):
        return FailureReason.RATE_LIMITED
    if isinstance(error, TooLargeError):
        return FailureReason.TOO_LARGE
    if isinstance(error, httpcore.ConnectTimeout):
        return FailureReason.UNREACHABLE
    if isinstance(error, httpcore.TimeoutException):
        return FailureReason.DEADLINE
    return (
        FailureReason.UNREACHABLE
        if isinstance(error, httpcore.NetworkError | ClosedError)
        else FailureReason.BAD_ANSWER
    )


def _reason_of_status(status: int) -> FailureReason:
    if status in OF_STATUS:
        return OF_STATUS[status]
    if status >= 500:
        return FailureReason.SERVER_ERROR
    return FailureReason.REJECTED if status >= 400 else FailureReason.BAD_ANSWER


def _said(error: Exception) -> str:
    if not isinstance(error, UnexpectedResponse):
        return str(error)
    return f"HTTP {error.status_code}: {_own_words(error.content)}".rstrip(": ")


def _own_words(content: bytes) -> str:
    """`status.error` of an answer in Qdrant's form, else the beginning of the text: 401 is no JSON."""
    try:
        body: Any = json.loads(content)
        return str(body["status"]["error"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return content[: 2 * DETAIL].decode("utf-8", "replace")
