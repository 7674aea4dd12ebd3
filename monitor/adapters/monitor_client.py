"""Asking a running monitor over HTTP; what does not answer is said in one line."""

import http.client
import json
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from typing import IO, Any

from monitor.ports import ConfigurationError, UnreachableError

ANSWER_LIMIT = 64 << 20
"""Bytes of an answer that are read at most."""
TIMEOUT = 60.0
"""Seconds for one answer: more than the monitor itself waits for its loop, so that its own words arrive."""
REFUSALS = frozenset({400, 401, 403, 404, 421})
"""Answers that say that the request is wrong, not the monitor."""


class MonitorClient:
    """The endpoints of a running monitor.

    Args:
        url: its base URL, http or https; see `checked_url` for one that a person gave.
        token: its bearer token, "" for none; never shown.
        timeout: seconds for one answer as a whole: looking up the name, connecting, and the last byte.
        certificate_file: the certificate that the monitor serves with, "" for what the system trusts. It is trusted
            for whatever name the monitor is reached by: nobody else has its key.
        ca_file: authorities to trust instead of the system's, for the name that the URL says.

    Raises:
        ConfigurationError: the token is none that a header can hold, or one of the files holds no certificate.
    """

    def __init__(
        self, url: str, token: str = "", *, timeout: float = TIMEOUT, certificate_file: str = "", ca_file: str = ""
    ) -> None:
        if not all("!" <= character <= "~" for character in token):
            message = "the monitor's token: expected visible ASCII characters without spaces"
            raise ConfigurationError(message)
        self._url, self._token, self._timeout = url.rstrip("/"), token, timeout
        # The monitor is on this machine or named on purpose: a proxy of the environment has no business between.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({}), _NoRedirect()]
        if ca_file:
            handlers.append(urllib.request.HTTPSHandler(context=_trusting("--ca-file", ca_file)))
        elif certificate_file:
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

    def post(self, path: str, body: dict[str, Any], *, timeout: float | None = None) -> Any:
        """The JSON answer to a request, within `timeout` seconds instead of the usual ones; errors as for `get`."""
        encoded = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        return self._ask(urllib.request.Request(f"{self._url}{path}", encoded, headers), timeout)  # noqa: S310 - see get

    def _ask(self, request: urllib.request.Request, timeout: float | None = None) -> Any:
        try:
            return json.loads(self._answer(request, timeout))
        except ValueError as error:
            raise UnreachableError(self._silent(error)) from error

    def _answer(self, request: urllib.request.Request, timeout: float | None = None) -> bytes:
        seconds = self._timeout if timeout is None else timeout
        if self._token:
            request.add_unredirected_header("authorization", f"Bearer {self._token}")
        try:
            return _within(seconds, lambda: self._read(request, seconds))
        except urllib.error.HTTPError as error:
            with error:
                said = _flat(_said(error))
            said += "; no token was sent" if error.code == HTTPStatus.UNAUTHORIZED and not self._token else ""
            message = f"monitor at {self._url}: {error.code} {said}"
            if error.code in REFUSALS:
                raise ConfigurationError(message) from error
            raise UnreachableError(message) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise UnreachableError(self._silent(error)) from error

    def _read(self, request: urllib.request.Request, seconds: float) -> bytes:
        with self._opener.open(request, timeout=seconds) as answer:
            read: bytes = answer.read(ANSWER_LIMIT)
            return read

    def _silent(self, error: Exception) -> str:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        return f"monitor at {self._url}: no answer ({_flat(str(why))}); expected a running corpus-drift"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A monitor sends nobody elsewhere: what does is another program, and gets no second request."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        del req, fp, code, msg, headers, newurl


def checked_url(url: str) -> str:
    """A monitor's base URL as a person gave it; a path before the endpoints' own is allowed.

    Raises:
        ConfigurationError: no such URL. One that holds credentials is not repeated in the message.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urllib.parse.SplitResult("", "", "", "", ""), None
    if "@" in parts.netloc:
        message = "--monitor: credentials in the URL; expected the token in the environment or in --token-file"
        raise ConfigurationError(message)
    wrong = parts.scheme not in ("http", "https") or not parts.hostname or port == 0
    if wrong or parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        shown = "" if "@" in url or "?" in url else f" {url[:200]!r}"
        message = f"--monitor{shown}: expected a monitor's base URL, such as https://drift.example.org:9464"
        raise ConfigurationError(message)
    return url


def _within(seconds: float, ask: Callable[[], bytes]) -> bytes:
    """What `ask` returns or raises, within a time for all of it.

    A socket's own limit is one per operation: an answer that drips, or a name server that does not answer, would
    take as long as it likes. A thread that is late is left behind; it ends with its socket's limit or the process.
    """
    answer: Future[bytes] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # handed over, not swallowed
            answer.set_exception(error)

    threading.Thread(target=run, name="ask", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError as error:
        message = f"timed out after {seconds:g} s"
        raise TimeoutError(message) from error


def _trusting(name: str, path: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        message = f"{name} = {path!r}: {error.strerror or error}; expected a PEM certificate"
        raise ConfigurationError(message) from error


def _pinned(certificate_file: str) -> ssl.SSLContext:
    context = _trusting("http.certificate_file", certificate_file)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _flat(said: str) -> str:
    """What another program said, as a part of one line."""
    return " ".join(said.split())[:500]


def _said(error: urllib.error.HTTPError) -> str:
    try:
        body = error.read(4_096)
        if error.headers.get("content-type", "").startswith("text/plain"):  # probes
            return body.decode(errors="replace").strip() or str(error.reason)
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)
