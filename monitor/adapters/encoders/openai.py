"""Texts to vectors through an OpenAI-compatible `/v1/embeddings` endpoint: batches, deadlines, bounded retries."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.encoders.openai_session import HttpResponse, HttpSession, NoAnswerError
from monitor.adapters.encoders.openai_vectors import DimensionError, MalformedEmbeddingsError, read_vectors
from monitor.ports import ConfigurationError, UnreachableError

RETRIED = frozenset({408, 429, 500, 502, 503, 504})
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds; each further pause doubles, a Retry-After of the server replaces it."""
MOST_REQUEST_CHARACTERS = 200_000
"""Texts of one request together: providers refuse requests of about 300,000 tokens."""

_PRINTABLE_KEY = re.compile(r"[!-~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class OpenAISettings:
    """Where and how to encode.

    Args:
        url: the base (`http://host:8080/v1`) or the endpoint itself (ending in `/embeddings`); no credentials in it.
        model: the model's name at the endpoint.
        embedding_version: what these vectors are called in the corpus and in the anchors.
        dimension: d; answers of another length are refused.
        api_key: sent as bearer token, never shown; empty: none is sent.
        timeout: seconds for one request in total: all its tries, pauses, and the last byte of its answer.
        batch: the most texts in one request.
        tries: the most times one request is sent.
        ask_base64: ask for base64 vectors (a quarter of the bytes); answers of both forms are always understood.
        ask_dimension: send `dimensions`, for models that can shorten their vectors.
    """

    url: str
    model: str
    embedding_version: str
    dimension: int
    api_key: str = field(default="", repr=False)
    timeout: float = 30.0
    batch: int = 64
    tries: int = 5
    ask_base64: bool = False
    ask_dimension: bool = False


class OpenAIEncoder:
    """An Encoder over HTTP. The constructor checks the settings and opens nothing.

    `encode` retries (it serves ingestion, not a measurement): what the network or an overloaded server did is tried
    again until the request's total time is over; what the server refuses or answers wrongly is not.

    Args:
        settings: where and how.
        wait: waits that many seconds; True when waiting was cut short, which ends the encoding (a stop event's
            `wait`).
    """

    def __init__(self, settings: OpenAISettings, *, wait: Callable[[float], bool] | None = None) -> None:
        _check(settings)
        self._settings, self._wait = settings, wait or threading.Event().wait
        parts = urlsplit(settings.url)
        path = parts.path.rstrip("/")
        endpoint = path if path.endswith("/embeddings") else f"{path}/embeddings"
        self._shown = f"{parts.scheme}://{parts.netloc}{endpoint}"
        self._url = self._shown + (f"?{parts.query}" if parts.query else "")

    def __repr__(self) -> str:
        return f"OpenAIEncoder({self._shown}, model={self._settings.model!r})"

    @property
    def embedding_version(self) -> str:
        """As configured: the endpoint itself does not say what it runs."""
        return self._settings.embedding_version

    @property
    def dimension(self) -> int:
        """The d of the vectors."""
        return self._settings.dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, (n, d) float32, finite, as the endpoint made them (not normalised).

        Blank texts are not sent (endpoints refuse them); they get the zero vector. Takes at most `timeout` seconds
        per `batch` texts. Not to be called from a running asyncio loop.

        Raises:
            ConfigurationError: the endpoint refuses the key, the model or the texts, or makes another dimension.
            UnreachableError: no usable answer in time.
        """
        made = np.zeros((len(texts), self.dimension), np.float32)
        rows = [at for at, text in enumerate(texts) if text.strip()]
        if not rows:
            return made
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if self._settings.api_key:
            headers["Authorization"] = f"Bearer {self._settings.api_key}"
        with HttpSession(
            self._url, headers, most_bytes=(1 << 20) + self._settings.batch * self.dimension * 32
        ) as session:
            for part in self._batches(rows, texts):
                made[part] = self._request(session, [texts[at] for at in part])
        return made

    def _batches(self, rows: Sequence[int], texts: Sequence[str]) -> Iterator[list[int]]:
        part: list[int] = []
        room = MOST_REQUEST_CHARACTERS
        for at in rows:
            if part and (len(part) == self._settings.batch or len(texts[at]) > room):
                yield part
                part, room = [], MOST_REQUEST_CHARACTERS
            part.append(at)
            room -= len(texts[at])
        yield part

    def _request(self, session: HttpSession, texts: Sequence[str]) -> NDArray[np.float32]:
        """One batch: sent until it is answered, refused, or its time or tries are over."""
        body = self._body(texts)
        until = session.now() + self._settings.timeout
        said = ""
        for attempt in range(self._settings.tries):
            pause = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
            try:
                answer = session.post(body, until)
            except NoAnswerError as error:
                said = self._scrubbed(str(error))
            else:
                if answer.status not in RETRIED:
                    return self._read(answer, len(texts))
                said = f"HTTP {answer.status}"
                if answer.retry_after is not None:
                    pause = answer.retry_after
                    said += f", retry after {pause:g} s"
            if attempt + 1 == self._settings.tries or session.now() + pause >= until:
                break
            if self._wait(pause):
                said = f"stopped while waiting after {said}"
                break
        message = f"encoder {self._shown}: {said}; tried {attempt + 1} times within {self._settings.timeout:g} s"
        raise UnreachableError(message)

    def _body(self, texts: Sequence[str]) -> bytes:
        fields: dict[str, object] = {"model": self._settings.model, "input": list(texts)}
        fields["encoding_format"] = "base64" if self._settings.ask_base64 else "float"
        if self._settings.ask_dimension:
            fields["dimensions"] = self.dimension
        try:
            return msgspec.json.encode(fields)
        except UnicodeEncodeError as error:
            message = f"encoder {self._shown}: a text holds a lone surrogate, expected Unicode text"
            raise ConfigurationError(message) from error

    def _read(self, answer: HttpResponse, count: int) -> NDArray[np.float32]:
        if answer.status != 200:
            message = f"encoder {self._shown}: {self._refusal(answer)}"
            raise ConfigurationError(message)
        try:
            return read_vectors(answer.content, count, self.dimension)
        except DimensionError as error:
            message = f"encoder {self._shown}: {error}"
            raise ConfigurationError(message) from error
        except MalformedEmbeddingsError as error:
            message = f"encoder {self._shown}: bad answer: {self._scrubbed(str(error))}"
            raise UnreachableError(message) from error

    def _refusal(self, answer: HttpResponse) -> str:
        """Why the server does not want the request. A refused key is never quoted, not even by the server."""
        if answer.status in (401, 403):
            given = "the API key" if self._settings.api_key else "requests without an API key"
            return f"HTTP {answer.status}: it refuses {given}"
        if 300 <= answer.status < 400:
            return f"HTTP {answer.status}: it redirects, expected the final URL"
        return f"HTTP {answer.status}: {self._scrubbed(answer.content.decode(errors='replace')) or 'no reason given'}"

    def _scrubbed(self, text: str) -> str:
        """Foreign text in one short line, without the key."""
        key = self._settings.api_key
        return _CONTROL.sub(" ", text.replace(key, "[key]") if key else text).strip()[:200]


def _check(settings: OpenAISettings) -> None:
    """Refuse settings that cannot work; the URL is shown only where it holds no secret."""
    parts = urlsplit(settings.url)
    wrong = ""
    if parts.username is not None or parts.password is not None:
        wrong = "encoder.url holds credentials, expected them in encoder.api_key"
    elif parts.scheme not in ("http", "https") or not parts.hostname:
        wrong = f"encoder.url {settings.url!r}, expected http://HOST[:PORT]/v1 or https://..."
    elif settings.api_key and not _PRINTABLE_KEY.fullmatch(settings.api_key):
        wrong = "encoder.api_key holds blanks or other than printable ASCII characters"
    elif settings.dimension < 1:
        wrong = f"corpus.dimension = {settings.dimension}, expected the length of the endpoint's vectors"
    elif not settings.model or not settings.embedding_version:
        wrong = "encoder.model and corpus.embedding_version, expected both with encoder.kind = 'openai'"
    elif settings.batch < 1 or settings.tries < 1 or not settings.timeout > 0:
        wrong = "encoder: batch, tries and timeout, expected numbers above 0"
    if wrong:
        raise ConfigurationError(wrong)
