"""The incident card as text for people: causes, size, who did it, lists before and after, what to do."""

from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells
from rich.table import Table
from rich.text import Text

from monitor.app.formats import lost_answers
from monitor.app.tables import STYLES, drawn, moment
from monitor.core.records.documents import Document

LEVELS = ("source", "path", "deploy", "segment", "document")
SHOWN = 5
"""Names per leg and level, segments, and anchors shown; the JSON document has more."""
EVENTS = 12
ITEMS = 20
CHUNK, SNIPPET = 34, 22
"""Columns of a chunk's id, of which the end says most, and of its text."""
STATE_SIGNS = {"same": " ", "moved": "~", "entered": "+", "left": "-", "rewritten": "*", "renamed": "="}


def explain_card(document: Document, *, color: bool = False) -> str:
    """The card as text."""
    parts: list[Table | Text | str] = [_head(document)]
    parts += _causes(document["causes"])
    parts += [_sizes(document["size"])]
    parts += _segments(document["segments"])
    parts += lost_answers(document)
    parts += _blame(document["blame"])
    parts += _events(document["events"])
    signs = ", ".join(f"{sign} {state}" for state, sign in STATE_SIGNS.items() if sign.strip())
    parts += [f"\nthe most shaken lists, {signs}:"] if document["anchors"] else []
    for anchor in document["anchors"][:SHOWN]:
        parts += _anchor(anchor)
    parts += _fixes(document.get("fix_list") or {})
    parts += _actions(document["actions"])
    parts += [f"note: {said}" for said in document["limits"]]
    return drawn(*parts, color=color)


def _head(document: Document) -> Text:
    verdict, baseline = document["verdict"]["verdict"], document["baseline"]
    head = Text.assemble((verdict.upper(), STYLES[verdict]), "  ")
    head.append(f"deploy {document['deploy']}" if document["deploy"] else "the corpus now")
    head.append(f", as of {moment(document['now'])}")
    head.append(f", against baseline {baseline['name']}" if baseline else ", no baseline")
    asked = [f"{name} {said}" for name, said in document["question"].items() if said]
    head.append(f"; only {' and '.join(asked)}" if asked else "")
    return head


def _causes(causes: Sequence[Document]) -> list[Text | str]:
    if not causes:
        return ["nothing moved: no cause to name"]
    made: list[Text | str] = []
    for one in causes:
        size = (
            f"  {one['slots']:,.{0 if one['slots'] >= 10 else 1}f} slots in {one['anchors']:,} lists"
            if one["slots"]
            else ""
        )
        made.append(Text.assemble("cause ", (one["cause"], "bold"), size))
        made += [f"  - {said}" for said in one["evidence"]]
    return made


def _sizes(sizes: Sequence[Document]) -> Table:
    table = _table("leg", "anchors", "changed", "entered", "left", "moved", "swaps per anchor", "unexplained")
    for one in sizes:
        numbers = [_number(one[name], 0) for name in ("anchors", "changed_anchors", "entered", "left", "moved")]
        table.add_row(one["leg"], *numbers, _number(one["mean_swaps"], 2), _percent(one["unexplained_churn_ratio"]))
    return table


def _segments(segments: Sequence[Document]) -> list[Table | Text]:
    if not segments:
        return []
    table = _table("worst segments", "leg", "anchors", "changed", "swaps per anchor")
    for one in segments[:SHOWN]:
        changed = str(one["changed_anchors"])
        table.add_row(one["segment"], one["leg"], str(one["anchors"]), changed, _number(one["mean_swaps"], 2))
    return [table]


def _blame(shares: Sequence[Document]) -> list[str]:
    made = []
    for leg in ("dense", "lexical", "production"):
        for level in LEVELS:
            found = [one for one in shares if (one["leg"], one["level"]) == (leg, level)][:SHOWN]
            named = ", ".join(f"{one['name']} {one['share']:.0%}" for one in found)
            made += [f"blame, {leg}, {level}: {named}"] if named else []
    return made


def _events(events: Sequence[Document]) -> list[Table]:
    if not events:
        return []
    table = _table("event", "kind", "chunk", "deploy", "leg", "share", "slots", "anchors")
    for one in sorted(events, key=lambda one: -one["slots"])[:EVENTS]:
        where = "(forgotten)" if one["offset"] is None else f"{one['topic']}/{one['partition']}@{one['offset']}"
        size = (f"{one['share']:.1%}", _number(one["slots"], 1), str(one["anchors"]))
        table.add_row(where, one["kind"], _cut(one["chunk_id"], 44), _cut(one["deploy"], 16), one["leg"], *size)
    return [table]


def _anchor(anchor: Document) -> list[Table | Text]:
    head = Text.assemble("\nanchor ", (anchor["id"], "bold"), f" ({anchor['leg']}, {anchor['swaps']:g} swaps): ")
    head.append(anchor["text"][:200])
    table = _table("", "before", " ", "after", "score", "text")
    before, after = anchor["before"] or [], anchor["after"]
    for at in range(max(len(before), len(after))):
        old = before[at] if at < len(before) else None
        new = after[at] if at < len(after) else None
        gone = "" if old is None else f"{STATE_SIGNS[old['state']]} {_cut(old['chunk_id'], CHUNK)}"
        here = "" if new is None else f"{STATE_SIGNS[new['state']]} {_cut(new['chunk_id'], CHUNK)}"
        told = new if new is not None and new["state"] != "same" else old
        table.add_row(
            str(at + 1),
            gone,
            _why(old),
            here,
            "" if new is None else _number(new["score"], 3),
            "" if told is None else chop_cells(told["snippet"] or " ", SNIPPET)[0],
        )
    return [head, table]


def _why(result: Document | None) -> str:
    if result is None or not result["causes"]:
        return ""
    first = result["causes"][0]
    return str(first["by"] if first["by"] != "event" else first["kind"])


def _fixes(of: Document) -> list[str]:
    """What to do to the index, counted; a pipeline gets it chunk by chunk."""
    fixes = of.get("fixes", ())
    if not fixes:
        return []
    counted = Counter(f"{fix['action']} ({fix['reason'].replace('_', ' ')})" for fix in fixes)
    said = ", ".join(f"{count:,} to {what}" for what, count in counted.most_common())
    more = f" and {of['unnamed']:,} more" if of["unnamed"] else ""
    return [f"\nfix list: {said}{more}; --fix jsonl names them"]


def _actions(actions: Sequence[Document]) -> list[Text | str]:
    made: list[Text | str] = ["\nwhat to do:"] if actions else []
    for one in actions:
        made.append(f"  {one['title']}")
        # never broken into lines: they are there to be copied
        copied = [*one["command"].split(" && ")] if one["command"] else []
        copied += one["items"][:ITEMS]
        made += [Text(f"    {said}", no_wrap=True, overflow="ignore") for said in copied]
        left = len(one["items"]) - ITEMS
        made += [f"    ... and {left} more; --json has them"] if left > 0 else []
    return made


def _cut(text: str, most: int) -> str:
    """The end of a text, in columns of a terminal: an ideograph takes two."""
    if cell_len(text) <= most:
        return text
    end = text[1 - most :]
    while cell_len(end) >= most:
        end = end[1:]
    return f"\N{HORIZONTAL ELLIPSIS}{end}"


def _number(value: float | None, places: int) -> str:
    return "unknown" if value is None else f"{value:,.{places}f}"


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def _table(*headings: str) -> Table:
    numbers = {"anchors", "changed", "entered", "left", "moved", "swaps per anchor", "unexplained", "share", "slots"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        right = heading in numbers or heading == "score"
        table.add_column(heading, justify="right" if right else "left", overflow="ellipsis", no_wrap=True)
    return table
