"""What went wrong with a read of a Qdrant server, told by status and exception type; texts are for people only.

The statuses are those of `src/actix/helpers.rs` and `src/actix/auth.rs` in Qdrant 1.15 to 1.19.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from monitor.adapters.retrieval.qdrant.transport import ClosedError, RateLimitedError, TooLargeError
from monitor.adapters.retrieval.reasons import Reason

DETAIL = 200
"""Characters of a server's own words in a message."""

OF_STATUS: Mapping[int, Reason] = {
    401: Reason.REFUSED,
    403: Reason.FORBIDDEN,
    404: Reason.COLLECTION_MISSING,
    408: Reason.DEADLINE,
    422: Reason.INVALID,
}


@dataclass(frozen=True, slots=True)
class Failed:
    """A read that failed: the name of what went wrong, and one line for people."""

    reason: Reason
    detail: str


def failed(error: Exception, api_key: str) -> Failed:
    """The failure that an exception of the client or its transport stands for; the key is struck out of its text."""
    source = error.source if isinstance(error, ResponseHandlingException) else error
    return Failed(_reason(source), _printable(_said(source), api_key) or type(source).__name__)


def _reason(error: Exception) -> Reason:
    if isinstance(error, UnexpectedResponse):
        return _reason_of_status(error.status_code or 0)
    if isinstance(error, RateLimitedError):
        return Reason.RATE_LIMITED
    if isinstance(error, TooLargeError):
        return Reason.TOO_LARGE
    if isinstance(error, httpcore.ConnectTimeout):
        return Reason.UNREACHABLE
    if isinstance(error, httpcore.TimeoutException):
        return Reason.DEADLINE
    return Reason.UNREACHABLE if isinstance(error, httpcore.NetworkError | ClosedError) else Reason.BAD_ANSWER


def _reason_of_status(status: int) -> Reason:
    if status in OF_STATUS:
        return OF_STATUS[status]
    if status >= 500:
        return Reason.SERVER_ERROR
    return Reason.REJECTED if status >= 400 else Reason.BAD_ANSWER


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


def _printable(text: str, api_key: str) -> str:
    line = " ".join(text.split())
    if api_key:
        line = line.replace(api_key, "***")
    return "".join(sign if sign.isprintable() else "?" for sign in line)[:DETAIL]
