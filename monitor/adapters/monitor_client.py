"""Asking a running monitor over HTTP; what does not answer is said in one line."""

import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from monitor.ports import ConfigurationError, UnreachableError

ANSWER_LIMIT = 64 << 20
"""Bytes of an answer that are read at most."""


class MonitorClient:
    """The endpoints of a running monitor.

    Args:
        url: its base URL.
        token: its bearer token, "" for none; never shown.
        timeout: seconds for one answer.
        certificate_file: the certificate that the monitor serves with, "" for what the system trusts. It is trusted
            for whatever name the monitor is reached by: nobody else has its key.
    """

    def __init__(self, url: str, token: str = "", *, timeout: float = 30.0, certificate_file: str = "") -> None:
        self._url, self._token, self._timeout = url.rstrip("/"), token, timeout
        # The monitor is on this machine or named on purpose: a proxy of the environment has no business between.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if certificate_file:
            handlers.append(urllib.request.HTTPSHandler(context=_pinned(certificate_file)))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, path: str, **query: str) -> Any:
        """The JSON answer of an endpoint.

        Raises:
            UnreachableError: no monitor answers there.
            ConfigurationError: it refuses the request, and says why.
        """
        suffix = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._ask(urllib.request.Request(f"{self._url}{path}{suffix}"))  # noqa: S310 - http(s) by construction

    def text(self, path: str) -> str:
        """The answer of an endpoint that answers in plain text; errors as for `get`."""
        return self._answer(urllib.request.Request(f"{self._url}{path}")).decode(errors="replace")  # noqa: S310 - see get

    def post(self, path: str, body: dict[str, str]) -> Any:
        """The JSON answer to a request; errors as for `get`."""
        encoded = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        return self._ask(urllib.request.Request(f"{self._url}{path}", encoded, headers))  # noqa: S310 - see get

    def _ask(self, request: urllib.request.Request) -> Any:
        try:
            return json.loads(self._answer(request))
        except ValueError as error:
            raise UnreachableError(self._silent(error)) from error

    def _answer(self, request: urllib.request.Request) -> bytes:
        if self._token:
            request.add_unredirected_header("authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                read: bytes = answer.read(ANSWER_LIMIT)
                return read
        except urllib.error.HTTPError as error:
            with error:
                said = _flat(_said(error))
            message = f"monitor at {self._url}: {error.code} {said}"
            if error.code in (400, 401, 404, 421):
                raise ConfigurationError(message) from error
            raise UnreachableError(message) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise UnreachableError(self._silent(error)) from error

    def _silent(self, error: Exception) -> str:
        return f"monitor at {self._url}: no answer ({_flat(str(error))}); expected a running corpus-drift"


def _pinned(certificate_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=certificate_file)
    except OSError as error:
        message = (
            f"http.certificate_file = {certificate_file!r}: {error.strerror or error}; expected a PEM certificate"
        )
        raise ConfigurationError(message) from error
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _flat(said: str) -> str:
    """What another program said, as a part of one line."""
    return " ".join(said.split())[:500]


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(4_096))["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)
