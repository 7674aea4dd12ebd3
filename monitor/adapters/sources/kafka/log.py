"""kafka-python logs every request at DEBUG, also the one that carries the password: take it out.

SASL/PLAIN sends user and password in `SaslAuthenticateRequest`, whose repr shows them; the raw bytes of the
connection are logged too. And what its log alone says, listen to: why no connection came about.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


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
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exceptions among the arguments, each text once."""
        for argument in record.args if isinstance(record.args, tuple) else ():
            text = " ".join(str(argument).split())
            if isinstance(argument, Exception) and text not in self._said:
                self._said.append(text)

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
        """A refusal of the credentials if there was one (a mere disconnect may follow it), else the last reason.

        That the time is over, `otherwise`, is logged last of all, and no reason.
        """
        said = [text for text in self._said if text != otherwise]
        refused = [text for text in said if "uthentication" in text or "certificate" in text]
        return [otherwise, *said, *refused][-1]
