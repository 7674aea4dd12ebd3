"""How the real index is configured, by its own words: recorded with each snapshot, and compared like a fingerprint.

Unlike a fingerprint's field, a parameter that differs makes no comparison void: an index may be tuned any day. It is
named as a cause, CONFIG, beside what moved.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from monitor.core.model.fingerprint import ABSENT, Difference
from monitor.core.model.report import ALL, CauseEvidence, Measurement

MOST = 400
"""Parameters that are kept; of an index with more of them the first ones, in the order of their names."""
LONGEST = 200
"""Characters of a value."""
SHOWN = 8
"""Differences that are named one by one."""


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """The parameters of an index as (name, value), in the order of their names.

    >>> now, then = IndexConfig.of({"hnsw": {"m": 16}}), IndexConfig.of({"hnsw": {"m": 32}})
    >>> [str(of) for of in now.differences(then)]
    ["hnsw.m: baseline '32', now '16'"]
    """

    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "IndexConfig":
        """From nested tables, whose keys are joined by dots; an empty or absent value is none."""
        return cls(tuple(sorted(_flat(said, "")))[:MOST])

    def digest(self) -> str:
        """64 bits of BLAKE2b over all parameters, hexadecimal."""
        text = "\x1f".join(f"{name}={value}" for name, value in self.parameters)
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def differences(self, other: "IndexConfig") -> tuple[Difference, ...]:
        """What differs from that of a baseline, `other`."""
        mine, theirs = dict(self.parameters), dict(other.parameters)
        pairs = [(name, theirs.get(name, ABSENT), mine.get(name, ABSENT)) for name in sorted({**mine, **theirs})]
        return tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])


def config_evidence(now: IndexConfig | None, then: IndexConfig | None) -> Iterator[CauseEvidence]:
    """One line for each parameter that changed since the baseline; none where either is not known."""
    changed = () if now is None or then is None else now.differences(then)
    for difference in changed[:SHOWN]:
        yield CauseEvidence("CONFIG", f"the index is configured otherwise: {difference}")
    if len(changed) > SHOWN:
        yield CauseEvidence("CONFIG", f"and {len(changed) - SHOWN} more parameters of the index")


def config_changes(now: IndexConfig | None, then: IndexConfig | None) -> Iterator[Measurement]:
    """`index_config_changes`, the parameters that differ from the baseline's; nothing of an index without any."""
    if now is None and then is None:
        return
    known = now is not None and then is not None
    value = float(len(now.differences(then))) if now is not None and then is not None else float("nan")
    reason = "" if known else "index_config_unknown"
    yield Measurement("index_config_changes", "corpus", 0, ALL, ALL, "mean", value, int(known), 1, reason=reason)


def _flat(said: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(said, Mapping):
        for key, value in said.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(said, list | tuple):
        for at, value in enumerate(said):
            yield from _flat(value, f"{name}.{at}")
    elif said is not None and said != "":
        text = str(said).lower() if isinstance(said, bool) else str(said)
        yield name, "".join(sign if sign.isprintable() else " " for sign in text)[:LONGEST]
