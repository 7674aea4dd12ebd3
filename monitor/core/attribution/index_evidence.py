"""What the served lists themselves say of index and encoder."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution.cause import OF_FIELD
from monitor.core.attribution.known import CorpusView
from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.facts import source_of
from monitor.core.measures.formulas.index import ann_recall
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.changes import ChunkRow
from monitor.core.model.fingerprint import Fingerprint, SearchMode
from monitor.core.model.fixes import Fix, FixReason
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import CauseEvidence

NOISE = 3.0
"""Standard errors that a fall of an approximate index's recall is above, to say something of the index."""


def anchor_versions(anchors: AnchorSet) -> frozenset[str]:
    """The embedding versions that the anchors name."""
    return frozenset(anchor.embedding_version for anchor in anchors.anchors if anchor.embedding_version)


def fingerprint_evidence(now: Fingerprint, then: Fingerprint) -> Iterator[CauseEvidence]:
    """One line per field that differs, under the class it belongs to."""
    for difference in now.differences(then):
        cause = OF_FIELD.get(difference.field)
        if cause is not None:
            yield CauseEvidence(cause, f"the fingerprint differs from the baseline's: {difference}")


class ServedFault(NamedTuple):
    """A chunk in the served lists with which something is wrong: how many places it holds there, and what it is."""

    key: int
    places: int
    row: ChunkRow | None
    reason: FixReason


@dataclass(frozen=True, slots=True)
class ServedFaults:
    """What is wrong in the served lists, by chunk key, among `total` results."""

    total: int = 0
    faults: tuple[ServedFault, ...] = ()


def served_faults(
    lists: Mapping[ListLeg, RankedLists], known: CorpusView, versions: frozenset[str], settling: frozenset[int]
) -> ServedFaults:
    """Look at every chunk in the served lists.

    Args:
        lists: the lists now.
        known: the corpus.
        versions: embedding versions of the anchors.
        settling: anchors whose lists are left out.
    """
    served = lists.get("dense")
    if served is None:
        return ServedFaults()
    calm = np.setdiff1d(np.flatnonzero(served.known), np.fromiter(settling, np.int64, len(settling)))
    keys = served.keys[calm]
    distinct, counts = np.unique(keys[keys != NO_CHUNK], return_counts=True)
    now = known.corpus.columns(distinct)
    encoders, places = now.encoders()
    foreign = np.array([bool(versions) and of not in versions for of in encoders] + [False])[places]
    other = np.zeros(len(distinct), np.bool_)
    if known.served:
        stated = map(known.served.get, distinct.tolist())
        other[:] = [bool(of and said) and of != said for of, said in zip(stated, now.content_hashes(), strict=True)]
    at = np.flatnonzero(~now.live | other | foreign)
    rows = {row.key: row for row in known.corpus.known(distinct[at].tolist())}
    faults = []
    for key, count, differs in zip(distinct[at].tolist(), counts[at].tolist(), other[at].tolist(), strict=True):
        row = rows.get(key)
        reason = FixReason.OTHER_CONTENT if differs else FixReason.OTHER_ENCODER
        if row is None or not row.live:
            reason = FixReason.NO_EVENT if row is None else FixReason.DELETED
        faults.append(ServedFault(key, count, row, reason))
    return ServedFaults(int(counts.sum()), tuple(faults))


def served_fixes(found: ServedFaults, known: CorpusView) -> Iterator[Fix]:
    """What to do to the served index, what holds most places first.

    A point without a chunk id comes last. An index of which nobody says what it serves has nothing to fix.
    """
    for of in sorted(found.faults, key=lambda of: (-of.places, _name(of, known))):
        about = ("", "", None) if of.row is None else (of.row.doc_id, source_of(of.row), of.row.event_time)
        yield Fix.of(of.reason, _name(of, known), *about)
    for point in known.nameless:
        yield Fix.of(FixReason.NO_CHUNK_ID, point)


def _name(of: ServedFault, known: CorpusView) -> str:
    return known.names.get(of.key, f"(key {of.key:x})") if of.row is None else of.row.chunk_id


def served_evidence(found: ServedFaults) -> Iterator[CauseEvidence]:
    """Ghosts and chunks of another embedding contract in the served lists."""
    ghosts, foreign = 0, dict[str, int]()
    for fault in found.faults:
        if fault.reason is FixReason.OTHER_ENCODER and fault.row is not None:
            version = fault.row.embedding_version
            foreign[version] = foreign.get(version, 0) + fault.places
        else:
            ghosts += fault.places
    if ghosts:
        yield CauseEvidence(
            "INDEX", f"{ghosts} of {found.total} served results are deleted or say something else by the events"
        )
    for version, count in sorted(foreign.items()):
        said = f"{count} of {found.total} served results are embedded by {version!r}, no anchor is"
        yield CauseEvidence("ENCODER", said)


def recall_evidence(
    baseline: Snapshot, lists: Mapping[ListLeg, RankedLists], alignment: Alignment, *, k: int, eps: float
) -> Iterator[CauseEvidence]:
    """Whether the served lists miss more of the exact ones than they did in the baseline.

    Of an exact index any miss counts. An approximate one misses a little more or less after each insert: there the
    mean fall over the anchors must be above NOISE standard errors of it. Ghosts of then cannot be told any more, so
    every served result counts as live on both sides.
    """
    pairs = [
        (of["dense"].take(rows).at(k), of["exact"].take(rows).at(k))
        for of, rows in ((baseline.lists, alignment.then), (lists, alignment.now))
        if "dense" in of and "exact" in of
    ]
    if len(pairs) < 2:
        return
    then, now = (_recall(*pair, eps) for pair in pairs)
    both = ~np.isnan(then - now)
    fell = (then - now)[both]
    if not len(fell):
        return
    exact = baseline.fingerprint.search.mode is SearchMode.EXACT
    error = 0.0 if exact or len(fell) < 2 else float(np.std(fell, ddof=1)) / math.sqrt(len(fell))
    if float(fell.mean()) > NOISE * error:
        said = f"is {now[both].mean():.3f}, was {then[both].mean():.3f} in the baseline"
        yield CauseEvidence("INDEX", f"recall of the served lists {said}")


def _recall(served: RankedLists, exact: RankedLists, eps: float) -> NDArray[np.float64]:
    return ann_recall(served, exact, served.keys != NO_CHUNK, eps=eps)
