"""The committed dashboards as documents, and what is asked in them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dashboards.__main__ import BOARDS, FOLDER

Document = dict[str, Any]
DOCUMENTS: dict[str, Document] = {
    board.uid: json.loads((FOLDER / f"{board.uid}.json").read_text(encoding="utf-8")) for board in BOARDS
}


@dataclass(frozen=True)
class Asked:
    """One query: of which dashboard and panel, and whether only its value now is asked for."""

    where: str
    expr: str
    instant: bool


def panels(document: Document) -> list[Document]:
    """Panels that show something: no rows."""
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def asked() -> Iterator[Asked]:
    """Every query of every panel and annotation."""
    for uid, document in DOCUMENTS.items():
        for panel in panels(document):
            for target in panel["targets"]:
                yield Asked(f"{uid}: {panel['title']} {target['refId']}", target["expr"], target["instant"])
        for annotation in document["annotations"]["list"]:
            yield Asked(f"{uid}: annotation {annotation['name']}", annotation["expr"], True)


def variables(document: Document, kind: str) -> dict[str, Document]:
    """Variables of one type by name."""
    return {of["name"]: of for of in document["templating"]["list"] if of["type"] == kind}
