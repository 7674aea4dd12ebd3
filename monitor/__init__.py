"""Corpus Drift Monitor: which corpus change moved which answers, and may it stay?

Two runs of any retriever, compared:

>>> import monitor
>>> before = {"rotate a key": ["auth#1", "auth#2", "faq#7"], "delete a user": ["users#4", "users#1", "faq#2"]}
>>> after = {"rotate a key": ["auth#1", "auth#2", "faq#7"], "delete a user": ["news#9", "users#4", "faq#2"]}
>>> drift = monitor.compare(before, after, k=3)
>>> drift.swaps.tolist(), drift.top1_changed.tolist()
([0.0, 1.0], [0.0, 1.0])
>>> print(drift.summary()[:4])
measure        k  segment   mean      95% bounds  before  queries
jaccard_ratio  3  all      0.750  0.158 to 0.987                2
swaps          3  all      0.500  0.025 to 2.452                2

A corpus and its anchor queries, maintained event by event:

>>> from monitor import Anchor, Chunk, Delete, Session, Upsert
>>> session = Session([Anchor("a1", "rotate key"), Anchor("a2", "delete user")], depths=(1,), min_anchors=1)
>>> texts = {"k": "rotate a key", "u": "delete a user", "i": "install it", "g": "upgrade it"}
>>> _ = session.apply(Upsert(Chunk.of(name, text)) for name, text in texts.items())
>>> session.compare_with(session.snapshot("before"))
>>> _ = session.apply([Delete("k"), Upsert(Chunk.of("n", "rotate the key"))])
>>> [one.value for one in session.report().measurements if (one.metric, one.stat) == ("swaps", "mean")]
[0.5]
>>> session.judge().verdict
'fail'

Errors that a caller can mend are `CorpusDriftError`, most of them `InputError`, which is a `ValueError` too.
Importing this package loads nothing else, starts no thread and changes no environment.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.api import compare as compare
    from monitor.api import read_qrels as read_qrels
    from monitor.api import read_run as read_run
    from monitor.api import read_segments as read_segments
    from monitor.core.comparing import RunDrift as RunDrift
    from monitor.core.judging.policy import Finding as Finding
    from monitor.core.judging.policy import Rule as Rule
    from monitor.core.judging.policy import Verdict as Verdict
    from monitor.core.model.anchors import Anchor as Anchor
    from monitor.core.model.events import Chunk as Chunk
    from monitor.core.model.events import Delete as Delete
    from monitor.core.model.events import Deploy as Deploy
    from monitor.core.model.events import Upsert as Upsert
    from monitor.core.model.report import DriftReport as DriftReport
    from monitor.core.model.report import Measurement as Measurement
    from monitor.core.run_table import DriftTable as DriftTable
    from monitor.core.session import Session as Session
    from monitor.errors import CorpusDriftError as CorpusDriftError
    from monitor.errors import InputError as InputError

__version__ = "0.1.0"

_HOMES = {
    "Anchor": "monitor.core.model.anchors",
    "Chunk": "monitor.core.model.events",
    "CorpusDriftError": "monitor.errors",
    "Delete": "monitor.core.model.events",
    "Deploy": "monitor.core.model.events",
    "DriftReport": "monitor.core.model.report",
    "DriftTable": "monitor.core.run_table",
    "Finding": "monitor.core.judging.policy",
    "InputError": "monitor.errors",
    "Measurement": "monitor.core.model.report",
    "Rule": "monitor.core.judging.policy",
    "RunDrift": "monitor.core.comparing",
    "Session": "monitor.core.session",
    "Upsert": "monitor.core.model.events",
    "Verdict": "monitor.core.judging.policy",
    "compare": "monitor.api",
    "read_qrels": "monitor.api",
    "read_run": "monitor.api",
    "read_segments": "monitor.api",
}
"""Public name -> the module that it is imported from when it is first asked for."""

__all__ = [
    "Anchor",
    "Chunk",
    "CorpusDriftError",
    "Delete",
    "Deploy",
    "DriftReport",
    "DriftTable",
    "Finding",
    "InputError",
    "Measurement",
    "Rule",
    "RunDrift",
    "Session",
    "Upsert",
    "Verdict",
    "__version__",
    "compare",
    "read_qrels",
    "read_run",
    "read_segments",
]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for: importing the package alone stays quick."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    """What there is, whether loaded or not."""
    return sorted({*globals(), *_HOMES})
