"""What a documentation history did to retrieval: every deploy against the one before it.

There is one judgement of a deploy, made once when its report is committed: its line while the history is replayed
and its row in the closing table are the same. Its baseline is the deploy before it, whatever became of that one.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from monitor.app.asking import judged_pair
from monitor.app.configuration import Configuration, load
from monitor.app.folders import kept_folder
from monitor.app.running import run_to_end
from monitor.app.wiring import build_drift, open_monitor
from monitor.app.wiring.history import prepare_history, replayed
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Verdict
from monitor.core.model.report import ALL, DriftReport
from monitor.core.records.committed import DeployRecord
from monitor.core.records.documents import Document
from monitor.ports import StateStore

MOST_SHAKEN = 5
SWAPS = "collapsed_swaps"
"""Answers are compared by content, as verdicts are: another id that says the same is no change."""


def replay_history(
    repository: Path, *, globs: Sequence[str], since: str, deploys: str, folder: Path | None
) -> Document:
    """Replay a repository's history and measure each deploy against the one before.

    Raises:
        ConfigurationError, UnreachableError: not a repository, nothing matches or can be replayed, a wrong date.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpus-drift-git-")))
        kept_folder(folder)
        path = prepare_history(folder, repository.absolute(), globs=globs, since=since, deploys=deploys)
        configuration = load(path, {})
        sys.stderr.write("each deploy is judged against the deploy before it\n")
        with open_monitor(configuration) as monitor:
            judge = _Judge(configuration, monitor.parts.store)
            list(judge.lines(monitor.ledger))  # what was replayed before, where the folder was kept
            run_to_end(monitor, until_end=True, lines=judge.lines)
            facts = replayed(monitor)
        ranked = sorted(judge.rows, key=lambda row: -_most(row))
        return {
            "baseline": "the deploy before",
            "deploys": judge.rows,
            "most_shaken": [row for row in ranked if _most(row) > 0][:MOST_SHAKEN],
            **facts,
        }


def _most(row: Document) -> float:
    return max(row["dense"] or 0.0, row["lexical"] or 0.0)


class _Judge:
    """Judges deploys in the order they are closed."""

    def __init__(self, configuration: Configuration, store: StateStore) -> None:
        self.rows: list[Document] = []
        self._store = store
        self._drift = build_drift(configuration)
        self._rules = configuration.rules()
        self._k = configuration.k
        self._before: DeployRecord | None = None

    def lines(self, judged: Sequence[Judged]) -> Iterator[tuple[str, str]]:
        """(verdict, what was judged) of each."""
        for one in judged:
            record = self._store.deploy(one.deploy_id)
            if record is None:
                continue
            before = self._before
            compared = judged_pair(self._drift, self._rules, before.snapshot, record) if before else None
            row = _row(record, compared, self._k)
            self.rows.append(row)
            self._before = record
            against = f", against {before.deploy_id}" if before else ", the first: nothing to compare with"
            yield row["verdict"], f"deploy {record.deploy_id}{against}"


def _row(record: DeployRecord, compared: tuple[DriftReport, Verdict] | None, k: int) -> Document:
    chunks = record.report.corpus.get("chunks", 0.0)
    row: Document = {"deploy": record.deploy_id, "event_time": record.event_time, "chunks": chunks}
    if compared is None:
        return {**row, "verdict": "unknown", "dense": None, "lexical": None, "worst": "", "why": "the first deploy"}
    report, verdict = compared
    swaps = [item for item in report.measurements if (item.metric, item.stat, item.k) == (SWAPS, "mean", k)]
    overall = {item.leg: item.value for item in swaps if item.dimension == ALL}
    parts = [item for item in swaps if item.dimension != ALL and item.value == item.value]
    worst = max(parts, key=lambda item: item.value, default=None)
    where = "" if worst is None else f"{worst.leg} {worst.dimension}={worst.segment}: {worst.value:.2f}"
    why = verdict.reasons[0] if verdict.reasons else f"worst segment {where}" if where else "no segment is watched"
    numbers = {leg: overall.get(leg) for leg in ("dense", "lexical")}
    return {**row, "verdict": verdict.verdict, **numbers, "worst": where, "why": why}
