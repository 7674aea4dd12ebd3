"""Bodies of requests: JSON of exactly the expected fields, bounded before it is read whole."""

import asyncio
from typing import TypeVar

import msgspec
from starlette.requests import Request

BODY_LIMIT = 64 << 10
BODY_SECONDS = 10.0
T = TypeVar("T", bound=msgspec.Struct)


class Capture(msgspec.Struct, forbid_unknown_fields=True):
    """Capture the current lists under a name."""

    name: str


class Approve(msgspec.Struct, forbid_unknown_fields=True):
    """Approve a captured baseline."""

    name: str
    author: str
    reason: str
    time: str


class Deploy(msgspec.Struct, forbid_unknown_fields=True):
    """Close a deploy where the stream ends now."""

    deploy: str


class Retry(msgspec.Struct, forbid_unknown_fields=True):
    """Give everything in quarantine another try."""


class BadRequest(Exception):  # noqa: N818 - becomes a 400 answer
    """The request's body is not what it should be; the message says why."""


async def body(request: Request, kind: type[T]) -> T:
    """The decoded body.

    Raises:
        BadRequest: another content type, too many bytes or too slow, not JSON, a missing, wrong or unknown field.
    """
    # A browser cannot send this content type across origins without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        message = "content-type: expected application/json"
        raise BadRequest(message)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            read = await _read(request)
        return msgspec.json.decode(read, type=kind)
    except TimeoutError as error:
        message = f"body: not whole within {BODY_SECONDS:g} s"
        raise BadRequest(message) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"body: {error}"
        raise BadRequest(message) from error


async def _read(request: Request) -> bytes:
    read = bytearray()
    async for block in request.stream():
        read += block
        if len(read) > BODY_LIMIT:
            message = f"body: more than {BODY_LIMIT} bytes"
            raise BadRequest(message)
    return bytes(read)
