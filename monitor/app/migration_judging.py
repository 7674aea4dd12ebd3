"""A migration judged: what the watch sees, with what people left behind, and a blind audit now and then."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.app.migration import MigrationWatch
from monitor.core.index.engine import of_one_process
from monitor.core.measures.formulas.diversity import NO_VECTOR, diversity_ratio
from monitor.core.migration.blind_audit import BlindAudit, blind_audit
from monitor.core.migration.clicks import Impression
from monitor.core.migration.evidence import MigrationEvidence
from monitor.core.migration.gathering import EvidenceSources, compared_lists, gather
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import MigrationView, Phase
from monitor.core.migration.side_effects import ListedTraits
from monitor.core.migration.verdict import MigrationAssessment, assess
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.segments import SOURCE, assign, value_of
from monitor.core.session import Session
from monitor.ports import CorpusDriftError

AUDIT_SECONDS = 3_600.0
"""Between two blind audits that found nothing wrong."""
AGAIN_SECONDS = 60.0
"""After one that failed, found something or saw too little."""
ReadLog = Callable[[Sequence[tuple[str, str]]], tuple[Sequence[Impression], str]]


class MigrationJudge:
    """Used by the loop's thread; what `judging` returns may be called from any.

    Args:
        watch: the migration.
        limits: of its gate.
        depth: k that quality is measured at.
        thresholds: name -> threshold on the first dense score.
        clocks: the monotonic one paces the audits.
        log: what users saw and clicked; None without a log.
    """

    def __init__(
        self,
        watch: MigrationWatch,
        limits: GateLimits,
        *,
        depth: int,
        thresholds: Mapping[str, float],
        clocks: Clocks,
        log: ReadLog | None = None,
    ) -> None:
        self._watch, self._limits, self._depth, self._thresholds = watch, limits, depth, thresholds
        self._clocks, self._log = clocks, log
        self._audit: BlindAudit | None = None
        self._refused = ""
        self._next_audit = -math.inf
        self._audits = 0
        self._kept: tuple[tuple[object, ...], Callable[[], MigrationEvidence]] | None = None

    def judging(self, view: MigrationView, session: Session) -> Callable[[], MigrationAssessment]:
        """Everything that the verdict on a view needs is read now; it is worked out when somebody looks."""
        self._audit_when_due(view)
        log, wrong = self._impressions(view)
        pair = compared_lists(view)
        lists = session.lists()
        lexical, production = lists.get("lexical"), lists.get("production")
        marks = (*(pair or ()), lexical, production, log, self._audit, view.anchors, view.phase, view.changes)
        if self._kept is None or not _same(self._kept[0], marks):
            sources = self._sources(view, session, pair, log)
            self._kept = (marks, cache(lambda: gather(view, sources, self._limits)))
        evidence = self._kept[1]
        more = tuple(said for said in (wrong, self._refused) if said)
        limits = self._limits

        def assessed() -> MigrationAssessment:
            made = evidence()
            known = made if not more else _remarked(made, more)
            return assess(view, known, limits)

        return cache(assessed)

    def _impressions(self, view: MigrationView) -> tuple[Sequence[Impression], str]:
        if self._log is None:
            return (), ""
        return self._log([(anchor.id, anchor.text) for anchor in view.anchors.anchors])

    def _sources(
        self,
        view: MigrationView,
        session: Session,
        pair: tuple[RankedLists, RankedLists] | None,
        log: Sequence[Impression],
    ) -> EvidenceSources:
        plan = self._watch.plan
        segments = assign([one.segment for one in view.anchors.anchors], plan.dimensions, cap=plan.cap)
        traits, contents = _traits(session, pair or ())
        for impression in log:
            for key in map(chunk_key, impression.clicked):
                row = session.corpus.row(key)
                if row is not None:
                    contents[key] = row.content_hash
        lists = session.lists()
        return EvidenceSources(
            self._depth,
            segments,
            traits,
            contents,
            log,
            self._thresholds,
            lists.get("lexical"),
            lists.get("production"),
            self._diversity(session, pair),
            self._audit,
            self._watch.encoder is not None and self._limits.audit > 0,
        )

    def _diversity(self, session: Session, pair: tuple[RankedLists, RankedLists] | None) -> tuple[float, float]:
        """Of each version's lists, among the vectors of its own space; NaN without lists."""
        if pair is None:
            return math.nan, math.nan
        old, new = (_diversity(of, session, self._depth, vectors) for of, vectors in zip(
            pair, (session.corpus.vectors, self._watch.target.vectors), strict=True
        ))  # fmt: skip
        return old, new

    def _audit_when_due(self, view: MigrationView) -> None:
        """Encode some stored vectors' texts anew, in shadow and after the cutover; it holds the loop for as long.

        Of a migration that has ended once, for whoever asks after a restart.
        """
        encoder, now = self._watch.encoder, self._clocks.monotonic()
        under_way = view.phase in (Phase.SHADOWING, Phase.CUT_OVER)
        under_way = under_way or (view.phase is Phase.ENDED and self._audit is None)
        if encoder is None or not self._limits.audit or not under_way or now < self._next_audit:
            return
        found = self._watch.sample(self._limits.audit, seed=self._audits)
        prefix = self._watch.plan.new.document_prefix
        try:
            anew = encoder.encode([prefix + text for text in found.texts]) if found.texts else None
        except CorpusDriftError as error:
            self._refused, self._next_audit = f"the blind audit could not encode: {error}", now + AGAIN_SECONDS
            return
        if anew is None:
            return
        self._audits += 1
        self._refused, self._audit = "", blind_audit(np.array(found.vectors, np.float32), anew)
        enough = self._audit.checked >= min(self._limits.audit, view.coverage.live)
        pause = AUDIT_SECONDS if enough and not self._audit.failed else AGAIN_SECONDS
        self._next_audit = self._clocks.monotonic() + pause


def _same(before: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """Lists by what is in them, for those of anchors with rewrites are cut anew each time; all else by identity."""
    return len(before) == len(now) and all(_equal(one, other) for one, other in zip(before, now, strict=True))


def _equal(one: object, other: object) -> bool:
    if one is other or not (isinstance(one, RankedLists) and isinstance(other, RankedLists)):
        return one is other
    pairs = ((one.keys, other.keys), (one.lengths, other.lengths), (one.known, other.known))
    return all(np.array_equal(*pair) for pair in pairs) and np.array_equal(one.scores, other.scores, equal_nan=True)


def _remarked(made: MigrationEvidence, more: tuple[str, ...]) -> MigrationEvidence:
    return replace(made, remarks=(*made.remarks, *more))


def _traits(session: Session, lists: Sequence[RankedLists]) -> tuple[dict[int, ListedTraits], dict[int, str]]:
    """What is known of every listed chunk that is live, and its content hash."""
    keys = np.unique(np.concatenate([np.zeros(0, np.int64), *(of.keys.ravel() for of in lists)]))
    rows = [row for key in keys.tolist() if key != NO_CHUNK and (row := session.corpus.row(key)) is not None]
    live = [row for row in rows if row.live]
    lexical = of_one_process(session.engine).lexical
    slots = np.array([row.slot for row in live], np.int64)
    tokens = [math.nan] * len(live) if lexical is None else lexical.tokens(slots).tolist()
    traits = {
        row.key: ListedTraits(row.doc_id, value_of(SOURCE, row.segment), float(count), row.event_time)
        for row, count in zip(live, tokens, strict=True)
    }
    return traits, {row.key: row.content_hash for row in live}


def _diversity(lists: RankedLists, session: Session, depth: int, vectors: NDArray[np.float32]) -> float:
    keys = lists.keys[:, :depth]
    found, at = np.unique(keys, return_inverse=True)
    rows = [session.corpus.row(key) for key in found.tolist()]
    slots = np.array([NO_VECTOR if row is None or not row.live else row.slot for row in rows], np.int64)
    values = diversity_ratio(vectors, slots[at].reshape(keys.shape))
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan
