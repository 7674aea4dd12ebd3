"""What to do about an incident: commands and lists to copy."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.core.attribution.fold import OTHERS, STATISTICS, UNEXPLAINED
from monitor.core.model.report import CauseName, Share

Document = dict[str, Any]
APPROVE = "approve"
"""The action that has a command."""
ADVICE: Mapping[CauseName, str] = {
    "PIPELINE": "repair the stream first (lost events, missing markers): reload what was lost, then judge again",
    "QUERY SIDE": "the anchors changed: accept the corpus as it is with the new ones as the baseline",
    "ENCODER": "embed the blamed chunks with the contract of the anchors, or change both and approve a new baseline",
    "INDEX": "look at the index: optimiser state, recall, deleted points; rebuild it if it stays so",
    "CORPUS": "revert the blamed documents at their source, or approve the corpus as it is",
    "LEXICAL STATISTICS": "nothing to revert by chunk: the blamed sources moved word frequencies for everybody",
}


def actions(
    deploy_id: str, causes: Sequence[CauseName], blame: Sequence[Share], events: Sequence[Document], options: str
) -> list[Document]:
    """Actions: advice per cause, approving the corpus as it is, documents and offsets to revert.

    `options` say in commands who is asked, as `-c FILE`. Each has `action`, `title`, `command` ("" where none is)
    and `items` to copy.
    """
    made = [_action("advice", f"{cause}: {ADVICE[cause]}") for cause in causes]
    if not causes:
        return []
    accept = _accept(deploy_id, options)
    made.append(_action(APPROVE, "accept the corpus as it is now: compare with it from then on", accept))
    documents = _documents(blame)
    if documents:
        made.append(_action("revert_documents", "documents to revert, the heaviest first", items=documents))
    offsets = [f"{one['topic']}/{one['partition']}@{one['offset']}" for one in events if one["offset"] is not None]
    if offsets:
        made.append(
            _action("revert_offsets", "events to undo (topic/partition@offset)", items=list(dict.fromkeys(offsets)))
        )
    return made


def addressed(document: Document, options: str) -> Document:
    """A card with the commands of whoever asked for it: the monitor's own name a file that may not be here."""
    given = [
        {**one, "command": _accept(document["deploy"], options)} if one["action"] == APPROVE else one
        for one in document["actions"]
    ]
    return {**document, "actions": given}


def _accept(deploy_id: str, options: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", deploy_id).strip("-._")[:40] or "accepted"
    return f"corpus-drift baseline accept {options} {name} --author YOU --reason WHY"


def _documents(blame: Sequence[Share]) -> list[str]:
    found = [one for one in blame if one.level == "document" and one.name not in (OTHERS, STATISTICS, UNEXPLAINED)]
    return list(dict.fromkeys(one.name for one in sorted(found, key=lambda one: (-one.slots, one.name))))


def _action(action: str, title: str, command: str = "", items: Sequence[str] = ()) -> Document:
    return {"action": action, "title": title, "command": command, "items": list(items)}
