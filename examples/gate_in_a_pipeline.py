"""A gate of your own rules in a pipeline: files in, an exit code out.

Run it: `python examples/gate_in_a_pipeline.py`. It writes two TREC run files and judges them; with the default rules
`corpus-drift compare before.run after.run` does the same without Python.
"""

import sys
import tempfile
from pathlib import Path

import monitor

RULES = [
    monitor.Rule("few-swaps", "swaps", "dense", "mean", 5, max=1.0),
    monitor.Rule("same-first", "top1_changed_ratio", "dense", "mean", 0, max=0.1),
    monitor.Rule("still-found", "recall_ratio", "dense", "mean", 5, min=0.9),
]


def write_run(path: Path, shift: int) -> None:
    """A run of 150 queries; every 30th one has other results at the end of its list."""
    with path.open("w") as file:
        for query in range(150):
            for rank in range(5):
                document = f"d{query}.{rank + (shift if query % 30 == 0 and rank > 3 else 0)}"
                file.write(f"q{query} Q0 {document} {rank + 1} {10 - rank} demo\n")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        before, after, qrels = (Path(folder, name) for name in ("before.run", "after.run", "qrels.txt"))
        write_run(before, shift=0)
        write_run(after, shift=50)
        qrels.write_text("".join(f"q{query} 0 d{query}.0 1\n" for query in range(150)))
        drift = monitor.compare(before, after, k=5)
        verdict = drift.judge(RULES, monitor.read_qrels(qrels))
    print("verdict:", verdict.verdict)
    for finding in verdict.findings:
        print(f"  {finding.verdict:12} {finding.rule:12} {finding.reason}")
    return {"pass": 0, "fail": 1}.get(verdict.verdict, 3)


if __name__ == "__main__":
    sys.exit(main())
