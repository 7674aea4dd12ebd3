"""Asking a running monitor over HTTP; what does not answer is said in one line."""

import json
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
    """

    def __init__(self, url: str, token: str = "", *, timeout: float = 30.0) -> None:
        self._url, self._token, self._timeout = url.rstrip("/"), token, timeout
        # The monitor is on this machine or named on purpose: a proxy of the environment has no business between.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, **query: str) -> Any:
        """The JSON answer of an endpoint.

        Raises:
            UnreachableError: no monitor answers there.
            ConfigurationError: it refuses the request, and says why.
        """
        suffix = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._ask(urllib.request.Request(f"{self._url}{path}{suffix}"))  # noqa: S310 - http(s) by construction

    def post(self, path: str, body: dict[str, str]) -> Any:
        """The JSON answer to a request; errors as for `get`."""
        encoded = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        return self._ask(urllib.request.Request(f"{self._url}{path}", encoded, headers))  # noqa: S310 - see get

    def _ask(self, request: urllib.request.Request) -> Any:
        if self._token:
            request.add_unredirected_header("authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.loads(answer.read(ANSWER_LIMIT))
        except urllib.error.HTTPError as error:
            said = _said(error)
            message = f"monitor at {self._url}: {error.code} {said}"
            if error.code in (400, 401, 404, 421):
                raise ConfigurationError(message) from error
            raise UnreachableError(message) from error
        except (OSError, ValueError) as error:
            message = f"monitor at {self._url}: no answer ({error}); expected a running corpus-drift"
            raise UnreachableError(message) from error


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(4_096))["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)
