"""False pages in calm months and delay where something rises, of this program's alarms and of what else is used.

    python -m benchmarks.alarms [--months N] [--loop N] [--page docs/alarms.md]

Each detector learns from eight approved weeks of 22 series and then sees a month. `--loop` also runs the product
itself, events and index and all, through so many months of harmless edits on its own clock, and counts its pages.
Nothing here depends on how fast or busy the machine is.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.alarms.detectors import DETECTORS, Detector
from benchmarks.alarms.loop import Counted, harmless_months
from benchmarks.alarms.months import LAWS, LEARNT, MONTH, ONSET, RISES, Law, Rise

MARKS = "<!-- written by python -m benchmarks.alarms --page docs/alarms.md -->", "<!-- end -->"
SEED = 16


def false_pages(detector: Detector, law: Law, months: int) -> float:
    """Alarms in a calm month, on average."""
    generator = np.random.default_rng(SEED)
    approved, churn = law(generator, LEARNT, months), law(generator, MONTH, months)
    return int(detector(approved, churn).sum()) / months


def delays(detector: Detector, rise: Rise, months: int) -> tuple[float, float]:
    """(share of the rises that are found before the month ends, median rounds until then) over real days."""
    law, generator = LAWS["real days (FastAPI docs)"], np.random.default_rng(SEED)
    approved, churn = law(generator, LEARNT, months), rise.on(law(generator, MONTH, months))
    raised = detector(approved, churn)[ONSET:, :, 0]
    found = raised.any(axis=0)
    rounds = raised.argmax(axis=0)[found] + 1
    return float(found.mean()), float(np.median(rounds)) if len(rounds) else float("nan")


def table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Markdown."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def calm_table(months: int) -> Iterator[str]:
    """False pages by detector and law."""
    rows = ([name, *(_pages(detector, law, months) for law in LAWS.values())] for name, detector in DETECTORS.items())
    yield from table(["false pages a month", *LAWS], rows)


def _pages(detector: Detector, law: Law, months: int) -> str:
    found = false_pages(detector, law, months)
    return f"{found:.2f}" if found < 10 else f"{found:,.0f}"


def delay_table(months: int) -> Iterator[str]:
    """Delay by detector and rise."""
    rows = ([name, *(_delay(detector, rise, months) for rise in RISES)] for name, detector in DETECTORS.items())
    yield from table(["hours until the page", *(rise.name for rise in RISES)], rows)


def _delay(detector: Detector, rise: Rise, months: int) -> str:
    share, rounds = delays(detector, rise, months)
    if share == 0.0:
        return "never"
    return f"{rounds:.0f}" if share > 0.995 else f"{rounds:.0f} (found {share:.0%})"


def loop_table(found: Mapping[str, Counted]) -> Iterator[str]:
    """What the product itself paged in months of harmless edits."""
    rows = (
        [name, f"{one.rounds:,}", f"{one.months:.1f}", str(one.alarms), f"{one.churn:.4f}", f"{one.normal:.4f}"]
        for name, one in found.items()
    )
    heads = ["the program's own loop", "rounds", "months", "pages", "mean churn a round", "learnt as normal"]
    yield from table(heads, rows)


def main(arguments: Sequence[str]) -> int:
    """Print the tables, or write them to their place on a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=100, help="of each law and rise (default 100)")
    parser.add_argument("--loop", type=float, default=0.0, help="months of the program's own loop (default none)")
    parser.add_argument("--page", type=Path, help="write the tables between the marks of this page")
    chosen = parser.parse_args(arguments)
    lines = [*calm_table(chosen.months), "", *delay_table(chosen.months)]
    if chosen.loop:
        lines += ["", *loop_table(harmless_months(chosen.loop))]
    text = "\n".join(lines)
    print(text)
    if chosen.page is not None:
        page = chosen.page.read_text(encoding="utf-8")
        begin, end = (page.index(mark) for mark in MARKS)
        chosen.page.write_text(f"{page[: begin + len(MARKS[0])]}\n{text}\n{page[end:]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
