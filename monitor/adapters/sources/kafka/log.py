"""kafka-python logs every request at DEBUG, also the one that carries the password: take it out.

SASL/PLAIN sends user and password in `SaslAuthenticateRequest`, whose repr shows them; the raw bytes of the
connection are logged too. And what its log alone says, listen to: why no connection came about.
"""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import (
    AuthorizationError,
    KafkaError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError, AuthorizationError, ssl.SSLError)


class _NoSecrets(logging.Filter):
    """Takes SASL messages and raw bytes out of log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_harmless(arg) for arg in record.args)
        return True


def _harmless(argument: object) -> object:
    if isinstance(argument, bytes | bytearray | memoryview):
        return f"{len(argument)} bytes"
    name = type(argument).__name__
    return f"{name}(hidden)" if name.startswith("Sasl") else argument


_NO_SECRETS = _NoSecrets()


def hide_secrets() -> None:
    """Put the filter on the loggers that would show credentials; calling it again changes nothing."""
    for name in ("kafka.net.connection", "kafka.protocol.parser"):
        logging.getLogger(name).addFilter(_NO_SECRETS)


class Reasons(logging.Handler):
    """Remembers why connections failed: kafka-python only logs it, and raises that the time is over."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: dict[str, Exception] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exceptions among the arguments, each text once."""
        for argument in record.args if isinstance(record.args, tuple) else ():
            if isinstance(argument, Exception):
                self._seen.setdefault(" ".join(str(argument).split()), argument)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to kafka-python's connection manager meanwhile."""
        logger = logging.getLogger("kafka.net.manager")
        logger.addHandler(self)
        try:
            yield
        finally:
            logger.removeHandler(self)

    def best(self, otherwise: str) -> str:
        """The last refusal if there was one (a mere disconnect may follow it), else the last reason.

        That the time is over, `otherwise`, is logged last of all, and no reason.
        """
        said = [text for text in self._seen if text != otherwise]
        refused = [text for text in said if is_refusal(self._seen[text])]
        return [otherwise, *said, *refused][-1]


def is_refusal(error: object) -> bool:
    """Whether the broker refused us or we refused its certificate, also where kafka-python wraps the reason.

    >>> is_refusal(KafkaError(ssl.SSLCertVerificationError("self-signed"))), is_refusal(ssl.SSLEOFError("cut off"))
    (True, False)
    """
    if isinstance(error, KafkaError) and any(map(is_refusal, error.args)):
        return True
    return isinstance(error, REFUSALS) and not isinstance(error, ssl.SSLEOFError)
