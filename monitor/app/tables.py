"""Documents as text for people: tables that fit a terminal, worst first."""

import io
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.app.sparkline import past_rows
from monitor.core.records.committed import Quarantined
from monitor.core.records.documents import Document
from monitor.core.text.wording import count_of

STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "unknown": "yellow"}
_SHOWN = (
    ("collapsed_swaps", "mean", "swaps (content)"),
    ("swaps", "mean", "swaps (ids)"),
    ("jaccard_ratio", "mean", "Jaccard"),
    ("rbo_ratio", "mean", "RBO"),
    ("top1_changed_ratio", "mean", "top-1 changed"),
    ("top1_score_drop", "p95", "score drop p95"),
)
_WIDTH = 120
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def drawn(*parts: Table | Text | str, color: bool = False) -> str:
    """Tables and lines as plain text, or with terminal colours."""
    out = io.StringIO()
    # Neither markup nor emoji codes: a document called `a:bug:[b]` is printed as it is called.
    console = Console(
        file=out, width=_WIDTH, force_terminal=color, no_color=not color, highlight=False, markup=False, emoji=False
    )
    for part in parts:
        console.print(part)
    return out.getvalue()


def report_table(
    document: Document, *, color: bool = False, most: int = 40, measure: str = "kept_answers_ratio"
) -> str:
    """A report: verdict, reasons, a row per leg and segment, the most shaken first; and a measure over the past."""
    verdict = document["verdict"]["verdict"]
    baseline = document["baseline"]
    head = Text.assemble((verdict.upper(), STYLES[verdict]), f"  as of {moment(document['now'])}")
    if document["deploy_id"]:
        head.append(f", deploy {document['deploy_id']}")
    if baseline:
        head.append(f", against baseline {baseline['name']}")
    rows = _segment_rows(document["measurements"])
    table = _table("leg", "segment", "anchors", *(heading for _, _, heading in _SHOWN))
    for row in rows[:most]:
        table.add_row(*row)
    reasons = [f"  - {reason}" for reason in document["verdict"]["reasons"][:15]]
    more = [f"... and {len(rows) - most} more segments; --json has them all"] if len(rows) > most else []
    notes = [f"note: {said}" for said in document.get("remarks", ())]
    past = _past_table(document["history"], measure, most) if "history" in document else ()
    return drawn(head, *reasons, *notes, *([table] if rows else []), *more, *past, color=color)


def _past_table(history: Document, measure: str, most: int) -> Sequence[Table | Text | str]:
    """A measure over the last deploys and hours, one block a point; words where nothing is kept."""
    rows = past_rows(history, measure)
    if not rows:
        return ("", f"{measure}: nothing is kept yet; each judged deploy and each hour leaves a point")
    table = _table("leg", "segment", "deploys", "hours", "now", "worst", "limit", "beyond")
    for row in rows[:most]:
        table.add_row(*row)
    deploys, hours = (len(history[name]) for name in ("deploys", "hours"))
    said = f"{measure} over the last {deploys} deploys and {hours} hours, oldest left; · is not known"
    more = [f"... and {len(rows) - most} more; --json has them all"] if len(rows) > most else []
    return ("", said, table, *more)


def _segment_rows(measurements: Sequence[Document]) -> list[list[str]]:
    depth = next((item["k"] for item in measurements if item["k"]), 0)  # the first configured one is judged
    found: dict[tuple[str, str, str], dict[tuple[str, str], Document]] = {}
    for item in measurements:
        if item["k"] in (0, depth) and item["leg"] in ("dense", "lexical", "production"):
            place = (item["leg"], item["dimension"], item["segment"])
            found.setdefault(place, {})[item["metric"], item["stat"]] = item
    ranked = sorted(found.items(), key=lambda pair: (pair[0][1] != "all", -_value(pair[1]), pair[0]))
    return [_segment_row(place, cells) for place, cells in ranked]


def _value(cells: dict[tuple[str, str], Document]) -> float:
    worst = cells.get(("collapsed_swaps", "mean"))
    # What is not known may be the worst of all: it stands first, as on the page.
    return math.inf if worst is None or worst["value"] is None else float(worst["value"])


def _segment_row(place: tuple[str, str, str], cells: dict[tuple[str, str], Document]) -> list[str]:
    leg, dimension, segment = place
    first = cells.get(("swaps", "mean"))
    shown = [_number(cells.get((metric, stat))) for metric, stat, _ in _SHOWN]
    return [leg, "all" if dimension == "all" else f"{dimension}={segment}", str(first["n"] if first else ""), *shown]


def _number(item: Document | None) -> str:
    return "" if item is None else "unknown" if item["value"] is None else f"{item['value']:.3f}"


def history_table(document: Document, *, color: bool = False) -> str:
    """What a history did to retrieval: one row per deploy, then the most shaken ones named, and what was not read."""
    table = _table("deploy", "when", "verdict", "chunks", "dense swaps", "lexical swaps", "worst segment")
    for row in document["deploys"]:
        cells = [row["deploy"], moment(row["event_time"])[:10], Text(row["verdict"].upper(), STYLES[row["verdict"]])]
        swaps = [_plain(row[leg]) for leg in ("dense", "lexical")]
        table.add_row(*cells, f"{row['chunks']:,.0f}", *swaps, row["worst"])
    counts = Counter(row["verdict"] for row in document["deploys"])
    totals = ", ".join(f"{counts[verdict]} {verdict.upper()}" for verdict in STYLES if counts[verdict])
    head = f"verdicts and swaps (by content) against {document['baseline']}: {totals}"
    tail = [f"  {at}. {row['deploy']}: {row['why']}" for at, row in enumerate(document["most_shaken"], 1)]
    heads = ["most shaken, against the deploy before:"] if tail else []
    notes = "".join(f"note: {note}\n" for note in document["notes"])
    return drawn(table, head, *heads, *tail, color=color) + notes


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def baseline_table(documents: Sequence[Document]) -> str:
    """One row per baseline."""
    if not documents:
        return "no baseline captured yet; see corpus-drift baseline capture"
    table = _table("baseline", "in force", "captured at", "deploy", "anchors", "fingerprint", "approved by", "reason")
    for one in documents:
        approval = one["approval"] or {"author": "(not approved)", "reason": ""}
        mark = "yes" if one["in_force"] else ""
        cells = (one["name"], mark, moment(one["event_time"]), one["deploy"], str(one["anchors"]), one["fingerprint"])
        table.add_row(*cells, approval["author"], approval["reason"])
    return drawn(table)


def baseline_card(document: Document) -> str:
    """One baseline in full."""
    approval = document["approval"]
    said = (
        f"approved by {approval['author']} at {approval['time']}: {approval['reason']}"
        if approval
        else "not approved"
    )
    lines = [
        f"baseline {document['name']}: {document['anchors']} anchors, captured at {moment(document['event_time'])}",
        f"  deploy       {document['deploy'] or '(none yet)'}",
        f"  {said}",
        f"  fingerprint  {document['fingerprint']}",
        *(f"    {name:18} {value}" for name, value in document["measured_with"].items()),
    ]
    if document["in_force"]:
        lines.append("in force: reports and gates compare with it")
    elif approval:
        lines.append("not in force: another baseline was put in force since, or is configured")
    else:
        lines.append(
            f"approve it with: corpus-drift baseline approve -c FILE {document['name']} --author YOU --reason WHY"
        )
    return "\n".join(lines)


def quarantine_entry(item: Quarantined, *, most: int = 400) -> Document:
    """A record set aside as a document; at most so many bytes of its value, as text where it is text."""
    value = b"" if item.value is None else item.value[:most]
    return {
        "topic": item.position.topic,
        "partition": item.position.partition,
        "offset": item.position.offset,
        "reason": item.reason,
        "detail": item.detail,
        "bytes": item.size,
        "value": value.decode("utf-8", "backslashreplace"),
    }


def quarantine_table(documents: Sequence[Document]) -> str:
    """One row per record set aside."""
    if not documents:
        return "nothing is in quarantine"
    table = _table("where", "reason", "bytes", "detail")
    for one in documents:
        table.add_row(
            f"{one['topic']}/{one['partition']}/{one['offset']}", one["reason"], str(one["bytes"]), one["detail"]
        )
    return drawn(table)


def retried_table(document: Document) -> str:
    """How many were taken, then one row per record that stays."""
    said = f"{document['taken']:,} taken, {len(document['kept']):,} stay in quarantine"
    if not document["kept"]:
        return said
    table = _table("where", "reason")
    for one in document["kept"]:
        table.add_row(f"{one['topic']}/{one['partition']}/{one['offset']}", one["reason"])
    return drawn(said, table)


def problem_lines(document: Document) -> str:
    """What a check found: counts, then each problem."""
    counts = ", ".join(f"{count:,} {name}" for name, count in document["counts"].items())
    return "\n".join([*document["problems"], counts])


def anchors_lines(document: Document) -> str:
    """What a check of an anchors file found: each problem, then what it holds."""
    of = f" of {document['dimension']:,} numbers" if document["dimension"] else ""
    return f"{problem_lines(document)}{of}"


def built_lines(document: Document) -> str:
    """What became of a query log, a line per thing worth knowing."""
    chosen, queries = count_of(document["anchors"], "anchor"), count_of(document["queries"], "query", "queries")
    many, read = document["lines"], document["lines"].get("read", 0)
    other = ("read", "blank", "header")
    refused = [f"{count:,} {reason}" for reason, count in many.items() if count and reason not in other]
    merged = document["merged"]
    made = [
        f"{document['path']}: {chosen}, chosen of {queries}",
        f"  read as        {document['form']}" + (f": {document['columns']}" if "columns" in document else ""),
        f"  lines read     {read:,}, blank {many.get('blank', 0):,}, refused {', '.join(refused) or '0'}",
        f"  spellings      {merged.get('merged', 0):,} merged, {merged.get('no_words', 0):,} without a word",
    ]
    made += [f"  segment        {name}: {count:,}" for name, count in document["segments"].items()]
    return "\n".join([*made, *(f"  refused        {said}" for said in document["refused"])])


def lines(document: Document) -> str:
    """A flat document, a line per key."""
    return "\n".join(f"{key}: {value}" for key, value in document.items())


def moment(microseconds: int) -> str:
    """An event time for people; 0 is that of a stream without events."""
    if microseconds == 0:
        return "(no event yet)"
    return (_EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%d %H:%M")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    left = {
        "leg",
        "segment",
        "deploys",
        "hours",
        "deploy",
        "when",
        "verdict",
        "worst segment",
        "baseline",
        "where",
        "reason",
        "detail",
    }
    for heading in headings:
        table.add_column(
            heading,
            justify="left" if heading in left else "right",
            overflow="ellipsis" if heading == "segment" else "fold",
            no_wrap=heading == "segment",
        )
    return table
