"""The promise at length: `python -m tests.alarms [MONTHS]`, by default 10,000 of each law; a few minutes on one core.

First the laws whose mean given the past is exactly what the detector takes for normal, with 2 and with 20 series;
then laws of which it learns what is normal from eight approved weeks, real rounds among them, a tenth of the months.
"""

import sys

import numpy as np

from benchmarks.alarms.history import recorded
from benchmarks.alarms.months import LAWS as LEARNT_LAWS
from tests.alarms.learning import learnt_and_watched, weeks
from tests.alarms.nulls import LAWS, Months, simulated

SERIES = (2, 20)


def main(arguments: list[str]) -> int:
    """Exit code 1 where more false pages than budgeted are shown; fewer months than by default may show neither."""
    months = int(arguments[0]) if arguments else 10_000
    wrong = 0
    for series in SERIES:
        few = max(1, 2 * months // series)
        for name, law in LAWS.items():
            alarms = simulated(law(), np.random.default_rng(series), months=few, series=series)
            found = Months(few, alarms, series, dependent=name.startswith("identical"))
            wrong += _said(f"{name}, {series} series, normal known", found)
    table = np.stack(list(recorded().values()), axis=1)
    real = {"real days": weeks(table, 24), "real weeks": weeks(table, 168)}
    for name, drawn in {**LEARNT_LAWS, **real}.items():
        wrong += _said(f"{name}, normal learnt", learnt_and_watched(drawn, max(1, months // 10), seed=31))
    return 1 if wrong else 0


def _said(name: str, found: Months) -> int:
    mean = found.alarms / found.months
    over = found.at_least > 1.0
    print(  # noqa: T201 - the figures of the run
        f"{name:45} {found.months:6} months: {mean:.3f} false pages a month, at most {found.at_most:.3f} (99%),"
        f" budget 1{': TOO MANY' if over else ': kept' if found.at_most <= 1.0 else ': too few months to say'}",
        flush=True,
    )
    return int(over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
