"""Published views for the exporter, the page and the endpoints: of a real small corpus, or with odd contents."""

from collections import Counter
from collections.abc import Sequence

from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.model.events import Partition
from monitor.core.model.report import BaselineIdentity, DriftReport, Measurement, SegmentSize
from monitor.core.records.published import Durations, Health, Published

HOSTILE = (
    'quote " and \\ backslash',
    "new\nline # HELP x",
    "<script>alert(1)</script>",
    "漢字 ünï \u202e\u2028",
    'tab\t\x07 {a="b"} 1',
)


def measurement(metric: str, segment: str, value: float, **fields: object) -> Measurement:
    given: dict[str, object] = {"leg": "dense", "k": 10, "dimension": "source", "stat": "mean", "n": 8, "expected": 9}
    given |= fields
    return Measurement(metric=metric, segment=segment, value=value, **given)  # type: ignore[arg-type]  # by name


def finding(segment: str, reason: str) -> Finding:
    return Finding("r1", "critical", "swaps", "dense", 10, "mean", "source", segment, "fail", 3.0, 2.0, 8, reason)


def health(**fields: object) -> Health:
    seen = Durations.none((0.1, 1.0)).observed(0.05).observed(3.0)
    given: dict[str, object] = {
        "turned": 1.7e9, "last_event": 0.0, "last_report": 1.7e9, "last_full_replay": 0.0, "last_commit": 1.7e9,
        "lag": {Partition("events", 0): 3}, "waiting": (), "failures": Counter({"deadline": 2}), "touched": 4,
        "state_bytes": 1 << 20, "batches": seen, "replays": seen, "replay_latencies": (0.001, 0.002, 0.003),
        "index_points": 12,
    }  # fmt: skip
    return Health(**(given | fields))  # type: ignore[arg-type]  # by name


def view(segments: Sequence[str], measurements: Sequence[Measurement] = (), **fields: object) -> Published:
    """One view over some segments, everything in it that a report can hold."""
    measured = [measurement("swaps", segment, 1.5) for segment in segments]
    report = DriftReport(
        deploy_id="d1",
        now=1_780_000_000_000_000,
        positions={"events/0": 5},
        fingerprint="f",
        baseline=BaselineIdentity("main", 1_770_000_000_000_000, "d0", segments[0] if segments else "ann"),
        measurements=(*measured, *measurements),
        segments=tuple(SegmentSize("source", segment, 9, 8, True) for segment in segments),
        corpus={"chunks": 60.0},
    )
    verdict = Verdict("fail", tuple(segments), tuple(finding(segment, segment) for segment in segments))
    given: dict[str, object] = {
        "corpus": "small", "report": report, "own": verdict, "verdict": verdict,
        "counters": {("events", "upsert", "new"): 60, ("quarantined", "not_json"): 2, ("open_gaps",): 1},
        "ledger": tuple(Judged(segment, 1_780_000_000_000_000, "fail") for segment in segments), "health": health(),
    }  # fmt: skip
    return Published(**(given | fields))  # type: ignore[arg-type]  # by name
