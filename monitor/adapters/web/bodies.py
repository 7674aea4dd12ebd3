"""Bodies of requests: JSON of exactly the expected fields, bounded before it is read whole."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from starlette.requests import Request

BODY_LIMIT = 64 << 10
BODY_SECONDS = 10.0
T = TypeVar("T", bound=msgspec.Struct)


class CaptureRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Capture the current lists under a name."""

    name: str


class ApproveRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Approve a captured baseline."""

    name: str
    author: str
    reason: str
    time: str


class DeployRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Close a deploy where the stream ends now."""

    deploy: str


class ErasedRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whether what was deleted can still be retrieved; see `ErasureRequest`."""

    ids: list[str]
    text: str = ""
    accept_copies: bool = False
    forget: bool = False


class RetryRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Give everything in quarantine another try."""


class Webhook(msgspec.Struct):
    """What a release controller posts to a gate: Flagger sends name, namespace, phase and checksum of a canary too.

    `metadata` is what the canary's own webhook entry says: the only place for a deploy's id and a token, because
    Flagger sends no header of ours.
    """

    metadata: Mapping[str, str] = {}


class BadRequest(Exception):  # noqa: N818 - becomes a 400 answer
    """The request's body is not what it should be; the message says why."""


async def body(request: Request, kind: type[T], limit: int = BODY_LIMIT) -> T:
    """The decoded body of at most `limit` bytes.

    Raises:
        BadRequest: another content type, too many bytes or too slow, not JSON, a missing, wrong or unknown field.
    """
    # A browser cannot send this content type across origins without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        message = "content-type: expected application/json"
        raise BadRequest(message)
    read = await whole(request, limit)
    try:
        return msgspec.json.decode(read, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"body: {error}"
        raise BadRequest(message) from error


def webhook(read: bytes) -> Mapping[str, str]:
    """The metadata of a webhook's body; none where it is not one: webhooks send what they like."""
    try:
        return msgspec.json.decode(read, type=Webhook).metadata
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


async def whole(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """The body's bytes.

    Raises:
        BadRequest: too many bytes, or too slow.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, limit)
    except TimeoutError as error:
        message = f"body: not whole within {BODY_SECONDS:g} s"
        raise BadRequest(message) from error


async def _read(request: Request, limit: int) -> bytes:
    read = bytearray()
    async for block in request.stream():
        read += block
        if len(read) > limit:
            message = f"body: more than {limit} bytes"
            raise BadRequest(message)
    return bytes(read)
