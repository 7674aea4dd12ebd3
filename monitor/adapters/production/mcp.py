"""An MCP tool over streamable HTTP: JSON-RPC messages to one endpoint, answered as JSON or as an event stream.

Model Context Protocol, revision 2025-06-18, "Transports": a client accepts both forms of answer; the server may give
a session id with its answer to `initialize`, which goes with every later message, as does the protocol's version.
"""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from monitor.adapters.production.answer_paths import AnswerPaths, UnreadableAnswerError, decoded
from monitor.adapters.production.http import FailedAnswerError, ProductionWire, ReceivedAnswer
from monitor.adapters.production.template import RequestTemplate
from monitor.adapters.retrieval.reasons import FailureReason
from monitor.core.model.production import ProductionAnswer

PROTOCOL = "2025-06-18"
SESSION = "Mcp-Session-Id"
_BOTH = {"Accept": "application/json, text/event-stream"}


class McpExchange:
    """Calls one tool per question, in one session per replay.

    Args:
        tool: its name.
        arguments: the template of its arguments.
        paths: into the tool's result.
    """

    def __init__(self, tool: str, arguments: RequestTemplate, paths: AnswerPaths) -> None:
        self._tool, self._arguments, self._paths = tool, arguments, paths
        self._numbers = count(1)
        self._headers: Mapping[str, str] = _BOTH

    async def begin(self, wire: ProductionWire) -> None:
        """`initialize`, and that we are."""
        about = {"name": "corpus-drift", "version": "1"}
        begun = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": about}
        self._headers = _BOTH
        result, answer = await self._called(wire, "initialize", begun)
        spoken = result.get("protocolVersion")
        headers = {**_BOTH, "MCP-Protocol-Version": spoken if isinstance(spoken, str) else PROTOCOL}
        if SESSION in answer.headers:
            headers[SESSION] = answer.headers[SESSION]
        self._headers = headers
        await wire.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, self._headers)

    async def ask(self, wire: ProductionWire, values: Mapping[str, Any]) -> ProductionAnswer:
        """Call the tool."""
        arguments = self._arguments.filled(values)
        result, _ = await self._called(wire, "tools/call", {"name": self._tool, "arguments": arguments})
        if result.get("isError") is True:
            raise FailedAnswerError(FailureReason.REJECTED, f"the tool {self._tool!r} says that it failed")
        return ProductionAnswer(self._paths.of(result))

    async def _called(
        self, wire: ProductionWire, method: str, parameters: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], ReceivedAnswer]:
        number = next(self._numbers)
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
        answer = await wire.send(message, self._headers)
        for said in _messages(answer):
            if isinstance(said, dict) and said.get("id") == number:
                if isinstance(said.get("result"), dict):
                    return said["result"], answer
                error = said.get("error")
                text = error.get("message", "") if isinstance(error, dict) else "no result"
                raise FailedAnswerError(FailureReason.REJECTED, f"{method}: {text}")
        detail = f"{method}: no message answers it"
        raise UnreadableAnswerError(detail)


def _messages(answer: ReceivedAnswer) -> Iterator[Any]:
    """The JSON-RPC messages of an answer, whichever form it has."""
    if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        yield decoded(answer.content)
        return
    text = answer.content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for event in text.split("\n\n"):
        lines = (line for line in event.split("\n") if line.startswith("data:"))
        data = "\n".join(line.removeprefix("data:").removeprefix(" ") for line in lines)
        if data:
            yield decoded(data.encode())
