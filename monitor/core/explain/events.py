"""Blamed events and offset ranges, as rows of the incident card."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from monitor.core.attribution import Attribution, DeployTimeline, Event, Statistics
from monitor.core.attribution.cause import cause_of

MOST_EVENTS = 50
Document = dict[str, Any]


def event_rows(
    attributions: Sequence[Attribution], deploys: DeployTimeline, versions: frozenset[str], *, most: int = MOST_EVENTS
) -> list[Document]:
    """Blamed events of each leg, the heaviest first, with their share of the leg's changed slots."""
    made = []
    for one in attributions:
        slots, anchors = _by_cause(one)
        total = float(one.part.sum())
        order = sorted(range(len(one.causes)), key=lambda at: (-slots[at], _place(one.causes[at])))
        events = [(at, one.causes[at]) for at in order if slots[at]]
        for at, event in [pair for pair in events if isinstance(pair[1], Event)][:most]:
            if isinstance(event, Event):
                row = event_document(event, deploys)
                sized = {"share": slots[at] / total, "slots": slots[at], "anchors": anchors[at]}
                made.append({"leg": one.leg, **row, "cause": cause_of(event, versions), **sized})
    return made


def event_document(event: Event, deploys: DeployTimeline) -> Document:
    """One event: where it stood, what it did, to which chunk; the offset is null where nobody knows it any more."""
    known = event.position.offset >= 0
    return {
        "topic": event.position.topic if known else None,
        "partition": event.position.partition if known else None,
        "offset": event.position.offset if known else None,
        "kind": event.kind,
        "chunk_id": event.chunk_id,
        "doc_id": event.doc_id,
        "source": event.source,
        "deploy": deploys.of(event.position),
    }


def range_rows(attributions: Sequence[Attribution]) -> list[Document]:
    """Blamed offsets by leg, topic and partition: first, last, how many events, and their share."""
    made = []
    for one in attributions:
        slots, _ = _by_cause(one)
        total = float(one.part.sum())
        places: dict[tuple[str, int], list[tuple[int, float]]] = {}
        for at, event in enumerate(one.causes):
            if isinstance(event, Event) and slots[at] and event.position.offset >= 0:
                places.setdefault(event.position.source, []).append((event.position.offset, slots[at]))
        for (topic, partition), found in sorted(places.items()):
            offsets = [offset for offset, _ in found]
            summed = sum(part for _, part in sorted(found))
            where = {"leg": one.leg, "topic": topic, "partition": partition}
            size = {"events": len(found), "share": summed / total, "slots": summed}
            made.append({**where, "first": min(offsets), "last": max(offsets), **size})
    return made


def _by_cause(one: Attribution) -> tuple[list[float], list[int]]:
    """Slots and anchors of each cause."""
    explained = one.cause >= 0
    count = len(one.causes)
    slots: list[float] = np.bincount(one.cause[explained], weights=one.part[explained], minlength=count).tolist()
    width = int(one.row.max(initial=0)) + 1
    pairs = np.unique(one.cause[explained] * width + one.row[explained])
    anchors: list[int] = np.bincount(pairs // width, minlength=count).tolist()
    return slots, anchors


def _place(cause: Event | Statistics) -> tuple[str, int, int, str]:
    if isinstance(cause, Statistics):
        return (cause.name, 0, 0, "")
    return (*cause.position, cause.chunk_id)
