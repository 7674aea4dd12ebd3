"""An incident card as `/api/v1/explain` gives it, valid by its schema, with any names in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from monitor.core.explain.schema import explain_schema
from monitor.ports import ConfigurationError
from tests.adapters.serving import Shown

Document = dict[str, Any]


def result(rank: int, chunk_id: str, state: str = "same", **fields: object) -> Document:
    """One line of a list."""
    given: Document = {
        "rank": rank, "chunk_id": chunk_id, "doc_id": "guide.md", "source": "docs", "snippet": f"text of {chunk_id}",
        "score": 1.0 / rank, "state": state, "other_rank": rank if state == "same" else None, "causes": [],
    }  # fmt: skip
    return given | fields


def cause(by: str = "event", name: str = "new", **fields: object) -> Document:
    """Why a slot changed."""
    given: Document = {
        "share": 0.5, "by": by, "topic": "events", "partition": 0, "offset": 41, "kind": "upsert", "chunk_id": name,
        "doc_id": "guide.md", "deploy": "d1", "source": "docs",
    }  # fmt: skip
    if by != "event":
        given |= dict.fromkeys(("topic", "partition", "offset", "kind", "chunk_id", "doc_id", "deploy"))
    return given | fields


def anchor(name: str = "a1", text: str = "how to pay", leg: str = "dense", swaps: float = 1.0) -> Document:
    """An anchor in whose list one result came, one left, two changed places and one was renamed."""
    return {
        "id": name,
        "text": text,
        "segment": {"language": "de"},
        "leg": leg,
        "swaps": swaps,
        "before": [
            result(1, "kept"),
            result(2, "up", "moved", other_rank=3),
            result(3, "gone", "left", causes=[cause(), cause("unexplained")]),
            result(4, "old-id", "renamed"),
        ],
        "after": [
            result(1, "kept"),
            result(2, "new", "entered", causes=[cause(), cause("statistics", source="api")]),
            result(3, "up", "moved", other_rank=2),
            result(4, "new-id", "renamed", snippet=None),
        ],
    }


def card(name: str = "guide", **fields: object) -> Document:
    """A whole card in which everything from outside is called `name`."""
    event = {**cause(name=name), "leg": "dense", "cause": "CORPUS", "slots": 3.0, "anchors": 2}
    event.pop("by")
    sizes = {"anchors": 24, "changed_anchors": 9, "entered": 4.0, "left": 4.0, "moved": None, "swaps": 4.0}
    given: Document = {
        "schema_version": 1,
        "deploy": "d1",
        "now": 1_780_000_000_000_000,
        "positions": {"events/0": 42},
        "baseline": None,
        "verdict": {"verdict": "fail", "reasons": [], "findings": []},
        "question": {"segment": "", "anchor": ""},
        "causes": [{"cause": "CORPUS", "slots": 8.0, "anchors": 4, "evidence": [f"8 slots by {name}"]}],
        "size": [{"leg": "dense", **sizes, "mean_swaps": 0.17, "unexplained_churn_ratio": 0.25}],
        "segments": [],
        "blame": [
            {"leg": "dense", "level": level, "name": name, "share": 0.75, "slots": 6.0, "anchors": 4}
            for level in ("source", "path", "document", "segment", "deploy")
        ],
        "events": [event],
        "ranges": [
            {"leg": "dense", "topic": name, "partition": 0, "first": 7, "last": 41, "events": 2, "share": 1.0,
             "slots": 6.0}
        ],
        "anchors": [anchor(name, name), anchor(name, name, "lexical", 0.5)],
        "losses": [],
        "actions": [
            {"action": "advice", "title": "CORPUS: revert", "command": "", "items": []},
            {"action": "approve", "title": "accept", "command": f"corpus-drift baseline accept {name}", "items": []},
            {"action": "revert_documents", "title": "documents to revert", "command": "", "items": [name, "b"]},
        ],
        "limits": [],
    }  # fmt: skip
    made = given | fields
    Draft202012Validator(explain_schema()).validate(made)
    return made


@dataclass
class Explaining(Shown):
    """A service that explains by this card; an anchor that is not in it is refused as the real one does."""

    document: Document = field(default_factory=card)

    def explain(self, deploy_id: str, segment: str, anchor: str) -> Mapping[str, Any]:
        self._fail()
        self.asked.append(("explain", deploy_id, segment, anchor))
        mine = [one for one in self.document["anchors"] if anchor in ("", one["id"])]
        if not mine:
            message = f"anchor {anchor!r}: not there"
            raise ConfigurationError(message)
        return {**self.document, "question": {"segment": segment, "anchor": anchor}, "anchors": mine}
