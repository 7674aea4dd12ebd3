"""The names of kafka-python that we use, and mends of the library itself.

Imported in this one place, because on Python 3.11 and later its import alone warns (importlib.resources.read_text),
and whoever runs with warnings as errors could not even import it. Its failed connections and TLS handshakes keep
their sockets open until some garbage collection, which in a long outage, at a few attempts a second, eats file
descriptors. And an answer that arrives together with the end of the connection is thrown away: a broker that refuses
a password says so and hangs up at once, and now and then the user would read "unable to bootstrap" instead.
"""

import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition, __version__
    from kafka.errors import (
        IllegalStateError,
        KafkaError,
        KafkaTimeoutError,
        LogTruncationError,
        OffsetOutOfRangeError,
        UnknownTopicOrPartitionError,
    )
    from kafka.net.compat import KafkaNetClient
    from kafka.net.inet import KafkaNetSocket
    from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport
    from kafka.partitioner.default import murmur2
    from kafka.structs import OffsetAndMetadata

__all__ = [
    "IllegalStateError",
    "KafkaConsumer",
    "KafkaError",
    "KafkaNetClient",
    "KafkaProducer",
    "KafkaTimeoutError",
    "LogTruncationError",
    "OffsetAndMetadata",
    "OffsetOutOfRangeError",
    "TopicPartition",
    "UnknownTopicOrPartitionError",
    "__version__",
    "murmur2",
]

_connect = KafkaNetSocket.sock_connect


async def _connect_or_close(self: Any, net: Any, sock: Any, sockaddr: Any, timeout_at: float | None = None) -> Any:
    try:
        return await _connect(self, net, sock, sockaddr, timeout_at=timeout_at)
    except BaseException:
        sock.close()
        raise


KafkaNetSocket.sock_connect = _connect_or_close

_shake_hands = KafkaSSLTransport.handshake


async def _shake_hands_or_close(self: Any) -> None:
    try:
        await _shake_hands(self)
    except BaseException:
        self.close()
        raise


KafkaSSLTransport.handshake = _shake_hands_or_close


def _last_words_first(receive: Any) -> Any:
    """Received bytes without the error behind them: the next read meets the end of the connection again."""

    def received(self: Any) -> tuple[bytes, Exception | None]:
        data, error = receive(self)
        return data, None if data else error

    return received


for _transport in (KafkaTCPTransport, KafkaSSLTransport):
    _transport._sock_recv = _last_words_first(_transport._sock_recv)
