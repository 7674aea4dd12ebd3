"""What a documentation history did to retrieval: every deploy against the one before it."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from monitor.app.asking import judged_pair
from monitor.app.configuration import Configuration, load
from monitor.app.running import run_to_end
from monitor.app.wiring import build_drift, open_monitor, read_state
from monitor.app.wiring.history import prepare_history
from monitor.core.committed import DeployRecord
from monitor.core.drift import Drift
from monitor.core.policy import Verdict
from monitor.core.report import ALL, DriftReport
from monitor.ports import StateStore

MOST_SHAKEN = 5
Document = dict[str, Any]


def replay_history(
    repository: Path, *, globs: Sequence[str], since: str, deploys: str, folder: Path | None
) -> Document:
    """Replay a repository's history and measure each deploy against the one before.

    Raises:
        ConfigurationError, UnreachableError: not a repository, nothing matches, a wrong date.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpus-drift-git-")))
        folder.mkdir(parents=True, exist_ok=True)
        path = prepare_history(folder, repository.absolute(), globs=globs, since=since, deploys=deploys)
        configuration = load(path, {})
        with open_monitor(configuration) as monitor:
            run_to_end(monitor, until_end=True)
        with read_state(configuration) as store:
            return _document(configuration, build_drift(configuration), store)


def _document(configuration: Configuration, drift: Drift, store: StateStore) -> Document:
    rows: list[Document] = []
    before: DeployRecord | None = None
    for judged in store.ledger():
        record = store.deploy(judged.deploy_id)
        if record is None:
            continue
        compared = None if before is None else judged_pair(drift, configuration.rules(), before.snapshot, record)
        rows.append(_row(record, compared, configuration.k))
        before = record
    ranked = sorted(rows, key=lambda row: -max(row["dense"] or 0.0, row["lexical"] or 0.0))
    shaken = [row for row in ranked if (row["dense"] or row["lexical"])][:MOST_SHAKEN]
    return {"deploys": rows, "most_shaken": shaken}


def _row(record: DeployRecord, compared: tuple[DriftReport, Verdict] | None, k: int) -> Document:
    chunks = record.report.corpus.get("chunks", 0.0)
    row: Document = {"deploy": record.deploy_id, "event_time": record.event_time, "chunks": chunks}
    if compared is None:
        return {**row, "verdict": "unknown", "dense": None, "lexical": None, "worst": "", "why": "the first deploy"}
    report, verdict = compared
    swaps = [item for item in report.measurements if (item.metric, item.stat, item.k) == ("swaps", "mean", k)]
    overall = {item.leg: item.value for item in swaps if item.dimension == ALL}
    parts = [item for item in swaps if item.dimension != ALL and item.value == item.value]
    worst = max(parts, key=lambda item: item.value, default=None)
    where = "" if worst is None else f"{worst.leg} {worst.dimension}={worst.segment}: {worst.value:.2f}"
    why = verdict.reasons[0] if verdict.reasons else f"worst segment {where}" if where else "no segment is watched"
    numbers = {leg: overall.get(leg) for leg in ("dense", "lexical")}
    return {**row, "verdict": verdict.verdict, **numbers, "worst": where, "why": why}
