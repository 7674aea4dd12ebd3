"""Small hand-made anchors, snapshots and views for the tests of drift."""

from collections.abc import Mapping, Sequence

import numpy as np

from monitor.core.index.baseline import AnchorMark, ListLeg, Member, Snapshot
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Segment, chunk_key
from monitor.core.model.fingerprint import Fingerprint, anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.reporting.drift import Observation
from tests.fingerprints import EXACT

FINGERPRINT = EXACT
Rows = Sequence[Sequence[tuple[str, float]] | None]


def anchor_set(
    segments: Sequence[Segment], *, texts: Mapping[int, str] | None = None, weights: Sequence[float] = ()
) -> AnchorSet:
    """Anchors a0, a1, ... with these segments."""
    anchors = [Anchor(f"a{at}", (texts or {}).get(at, f"question {at}"), None, of) for at, of in enumerate(segments)]
    heavy = np.array(weights or [1.0] * len(anchors))
    return AnchorSet(anchors, np.zeros((len(anchors), 0), np.float32), heavy, [()] * len(anchors))


def snapshot(
    anchors: AnchorSet,
    lists: Mapping[ListLeg, RankedLists],
    *,
    name: str = "main",
    hashes: Mapping[str, str] | None = None,
    fingerprint: Fingerprint = FINGERPRINT,
) -> Snapshot:
    """A baseline; a chunk's content hash is its own id unless `hashes` says otherwise."""
    members = {chunk_key(said): Member(said, "doc", "src", content) for said, content in (hashes or {}).items()}
    marks = {anchor.id: AnchorMark(anchor_digest(anchor), anchor.segment) for anchor in anchors.anchors}
    return Snapshot(name, "d0", 7, fingerprint, marks, dict(lists), members)


def seen(
    lists: Mapping[ListLeg, RankedLists],
    *,
    hashes: Mapping[str, str] | None = None,
    failures: Mapping[int, str] | None = None,
    settling: Sequence[int] = (),
    problems: Sequence[str] = (),
) -> Observation:
    """What the loop saw."""
    return Observation(
        deploy_id="d1",
        now=9,
        positions={"t/0": 4},
        lists=dict(lists),
        hashes={chunk_key(said): content for said, content in (hashes or {}).items()},
        settling=frozenset(settling),
        failures=dict(failures or {}),
        corpus={"chunks": 3.0},
        chunks=(),
        problems=tuple(Problem(ProblemKind.UNCLASSIFIED, text) for text in problems),
    )


def ranked(rows: Rows, depth: int = 3) -> RankedLists:
    return RankedLists.of(rows, depth)


def plain(*words: str, scores: Sequence[float] = (0.9, 0.8, 0.7, 0.6, 0.5)) -> RankedLists:
    """One list per word, one chunk per letter, at falling scores; `-` is an unknown list, `` an empty one."""
    rows: Rows = [None if word == "-" else list(zip(word, scores, strict=False)) for word in words]
    return ranked(rows)
