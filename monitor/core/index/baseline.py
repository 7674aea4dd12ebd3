"""Baselines: snapshots of all ranked lists with what is needed to compare with them later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.repeats import first_only
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.index.statistics.profile import Profile
from monitor.core.model.events import Segment
from monitor.core.model.fingerprint import Fingerprint, SearchMode
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import BaselineIdentity

Mode = Literal["pinned", "previous-deploy", "rolling"]
Shingles = Mapping[int, NDArray[np.uint32]]
"""Sorted distinct shingles by chunk key."""
_UNDECIDED = ("inconclusive", "fail")
"""Verdicts that were measured and do not advance a baseline."""
ListLeg = Literal["dense", "lexical", "exact", "production"]
"""`dense` and `lexical` are what is measured (dense: as served); `exact` is the maintained dense list; `production`
is what the whole retriever serves to users, where one is asked."""


@dataclass(frozen=True, slots=True)
class Member:
    """A chunk that stands in some list of a snapshot, as it was then."""

    chunk_id: str
    doc_id: str
    source: str
    content_hash: str
    segment: Segment = ()
    vector: str = ""
    """Digest of its vector (`vector_digest`), "" where none is known."""


@dataclass(frozen=True, slots=True)
class AnchorMark:
    """An anchor as it was: the digest of its question (`anchor_digest`) and its segment attributes."""

    digest: str
    segment: Segment


@dataclass(frozen=True, slots=True)
class Approval:
    """Who took responsibility for a baseline, and why. `time` is wall-clock RFC 3339, for people only."""

    author: str
    reason: str
    time: str


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All ranked lists at one position of the stream; approved, it is a baseline.

    Args:
        name: the baseline's name, or the deploy's id for a deploy's own snapshot.
        deploy_id: the newest deploy at that position, "" before the first.
        event_time: newest event time then (microseconds).
        fingerprint: the measuring set-up.
        anchors: id -> mark, in the row order of the lists.
        lists: leg -> (A, k) ranked lists (dense: served lists).
        members: chunk key -> the chunk as it was, for every key in the lists that was then live.
        corpus: counts then (chunks, documents, ...).
        positions: next offset then, by `topic/partition`.
        approval: None until somebody approves.
        shingles: of the members that have words, what near copies are told by.
    """

    name: str
    deploy_id: str
    event_time: int
    fingerprint: Fingerprint
    anchors: Mapping[str, AnchorMark]
    lists: Mapping[ListLeg, RankedLists]
    members: Mapping[int, Member]
    corpus: Mapping[str, float] = field(default_factory=dict)
    positions: Mapping[str, int] = field(default_factory=dict)
    approval: Approval | None = None
    shingles: Shingles = field(default_factory=dict)
    statistics: SourceStatistics | None = None
    """The BM25 statistics then, by source; None while the lexical leg is off."""
    profile: Profile | None = None
    """The corpus itself then; None where that was not kept."""
    noise: RankedLists | None = None
    """Dense lists that an index of the same corpus built apart serves, in the rows of `lists`; None: no twin."""

    again: RankedLists | None = None
    """What production served when it was asked a second time at the same position; None: it was not."""
    strangers: Mapping[int, str] = field(default_factory=dict)
    """What production calls those of its results that are no chunk, by the key they have in its lists."""
    configuration: IndexConfig | None = None
    """How the real index was configured then, by its own words; None where it did not say."""
    moving: bool = False
    """Whether it is a deploy's own snapshot that stands as the baseline of a moving mode."""
    replaces: str = ""
    """The approved baseline whose place it takes when it is approved itself; "" for none."""

    @property
    def noise_gap(self) -> float | None:
        """p95 of the change of the first two scores between two builds of the dense index; None while unknown.

        0 where the search is exact: two builds cannot differ. A score that one of the builds lacks does not count.
        """
        if self.noise is None:
            return 0.0 if self.fingerprint.search.mode is SearchMode.EXACT else None
        changes = np.abs(self.lists["dense"].scores[:, :2] - self.noise.scores[:, :2])
        found = changes[~np.isnan(changes)]
        return float(np.quantile(found, 0.95, method="inverted_cdf")) if len(found) else None

    @property
    def identity(self) -> BaselineIdentity:
        """What a report says about the baseline it was compared with."""
        author, reason = (self.approval.author, self.approval.reason) if self.approval else ("", "")
        kept_as: Literal["baseline", "deploy"] = "deploy" if self.moving else "baseline"
        return BaselineIdentity(self.name, self.event_time, self.deploy_id, author, kept_as, reason)


DEPLOY_BASELINE = "deploy:"
"""Before the id of a deploy whose snapshot stands as the baseline, in that baseline's name."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A deploy that nobody decided about and that became the baseline all the same, so that it does not freeze.

    Args:
        deploy_id: the INCONCLUSIVE deploy.
        waited: deploys measured since the first undecided one, that one included, while nobody decided.
    """

    deploy_id: str
    waited: int

    @property
    def approval(self) -> Approval:
        """What stands in the place of an approval."""
        for_ = f" for {self.waited} deploys" if self.waited > 1 else ""
        return Approval("nobody", f"moved on: inconclusive{for_}, nobody decided", "")


@dataclass(frozen=True, slots=True)
class Judged:
    """A deploy in the ledger: its id, when it was, and what the gate said."""

    deploy_id: str
    event_time: int
    verdict: str
    positions: Mapping[str, int] = field(default_factory=dict)
    """Next offset at its barrier, by `topic/partition`."""
    adopted: Adopted | None = None
    """The deploy that the baseline moved on to when this one was judged; None: it did not."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person put an approved baseline in force.

    Args:
        name: the baseline's.
        configured: `baseline.name` then; a configuration that names another one since is the newer decision.
        after: the newest judged deploy then, "" before the first.
    """

    name: str
    configured: str
    after: str


def chosen_deploy(
    mode: Mode, ledger: Sequence[Judged], *, window: int, decision: Decision | None = None
) -> str | None:
    """The deploy whose snapshot is the baseline under a moving policy; None when there is none yet.

    Rule 1: `previous-deploy` takes the newest deploy that passed its gate, or that the baseline moved on to, see
    `adoption`. Rule 2: `rolling` takes the oldest of the newest `window` of those, so that slow creep across the
    window stays visible. Rule 3: FAIL and UNKNOWN never advance a baseline. Rule 4: `pinned` takes no deploy at all.
    Rule 5: what a person decided stands until a later deploy passes or is moved on to, and counts as the oldest of
    the window.

    Args:
        mode: the configured policy.
        ledger: judged deploys, oldest first.
        window: N of `rolling`.
        decision: the newest that a person made, if any.
    """
    advanced: list[str | None] = []
    for entry in _later(ledger, "" if decision is None else decision.after):
        if entry.adopted is not None:
            advanced.append(entry.adopted.deploy_id)
        elif entry.verdict == "pass":
            advanced.append(entry.deploy_id)
    if mode == "pinned" or not advanced:
        return None
    candidates = advanced if decision is None else [None, *advanced]
    return candidates[-1] if mode == "previous-deploy" else candidates[-window:][0]


def adoption(
    mode: Mode, ledger: Sequence[Judged], *, patience: int, decision: Decision | None = None
) -> Adopted | None:
    """What the baseline moves on to now that the newest deploy of the ledger was judged; None: it stays.

    INCONCLUSIVE is no harm that anybody showed, but a baseline that waits for a PASS behind it freezes: every later
    deploy is compared with a state ever longer ago. So once `patience` deploys were measured behind the first
    INCONCLUSIVE one and neither a PASS nor a person decided, the newest INCONCLUSIVE deploy is the baseline.

    Rule 1: only a moving mode moves on. Rule 2: FAIL counts as a deploy that did not decide, and is never moved on to
    itself: what failed still fails, against the newest state that did not. Rule 3: UNKNOWN was not measured and
    counts as no deploy. Rule 4: a PASS, a decision, or having moved on begins anew.

    Args:
        mode: the configured policy.
        ledger: judged deploys, oldest first.
        patience: deploys to wait for a decision behind the first INCONCLUSIVE one; 0 waits for none.
        decision: the newest that a person made, if any.
    """
    later = _later(ledger, "" if decision is None else decision.after)
    if mode == "pinned" or not later or later[-1].verdict not in _UNDECIDED:
        return None
    newest, waited = "", 0
    for entry in later:
        if entry.verdict == "pass" or entry.adopted is not None:
            newest, waited = "", 0
        elif entry.verdict == "inconclusive":
            newest, waited = entry.deploy_id, waited + 1
        elif entry.verdict == "fail" and newest:
            waited += 1
    return Adopted(newest, waited) if newest and waited > patience else None


def _later(ledger: Sequence[Judged], after: str) -> Sequence[Judged]:
    """The deploys behind one of them; all where it is no longer in the ledger: then it is older than any."""
    at = next((at for at, entry in enumerate(ledger) if entry.deploy_id == after), -1)
    return ledger[at + 1 :]


def vector_digest(vector: NDArray[np.float32]) -> str:
    """64 bits of BLAKE2b over a prepared vector, hexadecimal; "" for a vector without numbers."""
    return blake2b(vector.tobytes(), digest_size=8).hexdigest() if len(vector) else ""


def content_keys(keys: NDArray[np.int64], hashes: Mapping[int, str]) -> NDArray[np.int64]:
    """*What is said* instead of under which id: each chunk key becomes a key of its content.

    A chunk without a known content hash stands for itself, so it never counts as equal to another.

    Args:
        keys: any array of chunk keys, NO_CHUNK stays.
        hashes: content hash by chunk key.
    """
    distinct, back = np.unique(keys, return_inverse=True)
    mapped = np.array([content_key(key, hashes) for key in distinct.tolist()], np.int64)
    return mapped[back].reshape(keys.shape)


def without_repeats(lists: RankedLists, keys: NDArray[np.int64]) -> RankedLists:
    """The lists under other keys, (A, k) int64, each key only where it stands first: copies are said once.

    Re-chunking that changes ids but no content, and swaps among exact copies, vanish in lists of content keys. A row
    is shorter by the repeats it held.
    """
    return RankedLists(*first_only(keys, lists.scores), lists.known)


def contents_of(keys: Sequence[int], said: Sequence[str | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) content keys of n chunks with these content hashes, and 1 where one, if only "", is known, else 0."""
    contents = [said_key(of) if of and key != NO_CHUNK else key for key, of in zip(keys, said, strict=True)]
    return np.array(contents, np.int64), np.array([of is not None for of in said], np.int64)


def content_key(key: int, hashes: Mapping[int, str]) -> int:
    """The content key of one chunk: a hash of its content hash, or the chunk key itself where none is known."""
    said = hashes.get(key, "")
    return key if key == NO_CHUNK or not said else said_key(said)


@lru_cache(maxsize=65_536)
def said_key(said: str) -> int:
    """The content key of a content hash: 63 bits."""
    # each listed chunk is asked for several times per deploy, and lists move slowly
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest(), "big") >> 1
