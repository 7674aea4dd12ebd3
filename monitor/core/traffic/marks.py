"""Keyed hashes that stand for questions, clients and results: who lacks the key learns nothing from them."""

import hmac
from typing import Literal

from monitor.core.model.events import Segment
from monitor.errors import ConfigurationError

LEAST_KEY = 16
"""Bytes of a key at least: a shorter one can be guessed, and with it every query that one cares to try."""
WIDTH = 16
"""Bytes of a mark: two of a billion questions share one with a probability of 10^-21."""


class TrafficMarks:
    """HMAC-SHA-256 under one key, cut to 128 bits.

    Args:
        key: secret, from the environment.

    Raises:
        ConfigurationError: the key is too short.

    >>> marks = TrafficMarks("sixteen bytes ok")
    >>> marks.question("rotate key", ()) == marks.question("rotate key", ())
    True
    >>> len(marks.client("anna")), marks.client("rotate key") == marks.question("rotate key", ())
    (16, False)
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        if len(self._key) < LEAST_KEY:
            found = f"traffic.key: {len(self._key)} bytes" if key else "traffic.key: not set"
            where = "CORPUS_DRIFT_TRAFFIC__KEY, or in the file that CORPUS_DRIFT_TRAFFIC__KEY_FILE names"
            message = f"{found}; expected {LEAST_KEY} bytes or more in {where}"
            raise ConfigurationError(message)

    def question(self, normal: str, segment: Segment) -> bytes:
        """The mark of a question: of its normal form, and of the attributes it was asked with."""
        return self._mark("question", repr((normal, segment)).encode())

    def client(self, name: str) -> bytes:
        """The mark of a client."""
        return self._mark("client", name.encode("utf-8", "surrogatepass"))

    def result(self, chunk_key: int) -> int:
        """The mark of a result, 32 bits: enough to tell the results of two lists apart."""
        return int.from_bytes(self._mark("result", chunk_key.to_bytes(8, "big", signed=True))[:4], "big")

    def key(self) -> str:
        """What tells one key from another without telling the key."""
        return self._mark("key", b"").hex()

    def _mark(self, kind: Literal["question", "client", "result", "key"], said: bytes) -> bytes:
        return hmac.digest(self._key, kind.encode() + b"\0" + said, "sha256")[:WIDTH]
