"""HTTP connections that are not held for ever: who does not finish asking is let go, sooner where many do not."""

import asyncio
from collections import Counter
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""For a request's head: uvicorn itself has a limit for idle connections only, and half-asked ones would use it up."""
OWING_MOST = 192
"""Connections that wait for their client; one more, and the one that was silent for longest is let go."""
CONNECTIONS_MOST = OWING_MOST + 64
"""Beyond it uvicorn answers 503; the difference is for those that are being answered."""


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a limit on the time that a request's head may take, and on how many may take it.

    Without the second, a few hundred connections that say nothing would fill what uvicorn serves at once, and
    everybody else would get 503 until they are over their time.
    """

    _timer: asyncio.TimerHandle | None = None
    _heard = 0.0

    def connection_made(self, transport: Any) -> None:
        """A connection is there; its first request is due."""
        super().connection_made(transport)
        self._heard = self.loop.time()
        self._expect()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Something came; if it begins a request, the rest of its head is due."""
        self._heard = self.loop.time()
        self._expect()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    @property
    def answering(self) -> bool:
        """Whether an answer is under way."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def owing(self) -> bool:
        """Whether it is the client's turn: nothing asked yet, or not all of it."""
        if self.transport.is_closing():
            return False
        return not self.answering or self.conn.their_state is h11.SEND_BODY

    def _make_room(self) -> None:
        """Let the longest silent go, of the address that has most of them: a crowd costs nobody else his place."""
        owing = [one for one in self.connections if isinstance(one, PatientProtocol) and one.owing]
        if len(owing) <= OWING_MOST:
            return
        (crowd, _), *_ = Counter(one.host for one in owing).most_common(1)
        min((one for one in owing if one.host == crowd), key=lambda one: one._heard).transport.close()

    @property
    def host(self) -> str:
        """The client's address, "" where it has none."""
        return self.client[0] if self.client else ""

    def _expect(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._due)

    def _due(self) -> None:
        self._timer = None
        if not self.answering and not self.transport.is_closing():
            self.transport.close()
