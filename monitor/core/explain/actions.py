"""What to do about an incident: commands and lists to copy."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from monitor.core.judging.policy import Finding
from monitor.core.model.losses import Loss
from monitor.core.model.report import CauseName, Share
from monitor.core.records.advice import advice, blamed_documents

Document = dict[str, Any]
APPROVE = "approve"
"""The action that has a command."""


def actions(
    asked: tuple[str, str],
    causes: Sequence[CauseName],
    found: tuple[Sequence[Loss], Iterable[Finding]],
    blame: Sequence[Share],
    events: Sequence[Document],
) -> list[Document]:
    """Actions: advice, documents and offsets to revert, and last of all approving the corpus as it is.

    Args:
        asked: the deploy's id, and who is asked, as commands say it: `-c FILE`.
        causes: classes of causes.
        found: answers lost, and findings of the verdict.
        blame: who did it.
        events: the events that did it.

    Returns:
        Each has `action`, `title`, `command` ("" where none is) and `items` to copy.
    """
    if not causes:
        return []
    made = [_action(one.action, one.title, items=one.items) for one in advice(causes, *found)]
    documents = blamed_documents(blame)
    if documents:
        made.append(_action("revert_documents", "documents to revert, the heaviest first", items=documents))
    offsets = [f"{one['topic']}/{one['partition']}@{one['offset']}" for one in events if one["offset"] is not None]
    if offsets:
        made.append(
            _action("revert_offsets", "events to undo (topic/partition@offset)", items=list(dict.fromkeys(offsets)))
        )
    made.append(_action(APPROVE, "accept the corpus as it is now: compare with it from then on", _accept(*asked)))
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


def _action(action: str, title: str, command: str = "", items: Sequence[str] = ()) -> Document:
    return {"action": action, "title": title, "command": command, "items": list(items)}
