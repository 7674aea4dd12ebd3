"""What to do about an incident: commands and lists to copy."""

import re
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any

from monitor.core.attribution.fold import OTHERS, STATISTICS, UNEXPLAINED
from monitor.core.model.report import CauseName, Share

Document = dict[str, Any]
ADVICE: Mapping[CauseName, str] = {
    "PIPELINE": "repair the stream first (lost events, missing markers): reload what was lost, then judge again",
    "QUERY SIDE": "the anchors changed: accept the corpus as it is with the new ones as the baseline",
    "ENCODER": "embed the blamed chunks with the contract of the anchors, or change both and approve a new baseline",
    "INDEX": "look at the index: optimiser state, recall, deleted points; rebuild it if it stays so",
    "CORPUS": "revert the blamed documents at their source, or approve the corpus as it is",
    "LEXICAL STATISTICS": "nothing to revert by chunk: the blamed sources moved word frequencies for everybody",
}


def actions(
    deploy_id: str, causes: Sequence[CauseName], blame: Sequence[Share], events: Sequence[Document], config: str
) -> list[Document]:
    """Actions: advice per cause, approving the corpus as it is, documents and offsets to revert.

    Each has `action`, `title`, `command` ("" where none applies) and `items` to copy.
    """
    made = [_action("advice", f"{cause}: {ADVICE[cause]}") for cause in causes]
    if not causes:
        return []
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", deploy_id).strip("-._")[:40] or "accepted"
    accept = f"corpus-drift baseline accept -c {quote(config)} {name} --author YOU --reason WHY"
    made.append(_action("approve", "accept the corpus as it is now: compare with it from then on", accept))
    documents = _documents(blame)
    if documents:
        made.append(_action("revert_documents", "documents to revert, the heaviest first", items=documents))
    offsets = [f"{one['topic']}/{one['partition']}@{one['offset']}" for one in events if one["offset"] is not None]
    if offsets:
        made.append(
            _action("revert_offsets", "events to undo (topic/partition@offset)", items=list(dict.fromkeys(offsets)))
        )
    return made


def _documents(blame: Sequence[Share]) -> list[str]:
    found = [one for one in blame if one.level == "document" and one.name not in (OTHERS, STATISTICS, UNEXPLAINED)]
    return list(dict.fromkeys(one.name for one in sorted(found, key=lambda one: (-one.slots, one.name))))


def _action(action: str, title: str, command: str = "", items: Sequence[str] = ()) -> Document:
    return {"action": action, "title": title, "command": command, "items": list(items)}
