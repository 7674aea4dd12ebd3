"""kafka-python logs every request at DEBUG, also the one that carries the password: take it out.

SASL/PLAIN sends user and password in `SaslAuthenticateRequest`, whose repr shows them; the raw bytes of the
connection are logged too.
"""

import logging


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
