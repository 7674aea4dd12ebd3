"""A ledger of traffic to what is said of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor.core.model.anchors import AnchorSet
from monitor.core.traffic.carrying import CarriedJudgement, by_state
from monitor.core.traffic.coverage import WINDOW, AskTable, coverage_shares
from monitor.core.traffic.intents import KeptText, new_intents
from monitor.core.traffic.leak import AnchorLeak
from monitor.core.traffic.ledger import TrafficLedger
from monitor.core.traffic.proposal import proposals
from monitor.core.traffic.view import TrafficLog, TrafficView


def traffic_view(
    ledger: TrafficLedger,
    anchors: AnchorSet,
    log: TrafficLog,
    texts: Mapping[bytes, KeptText],
    leaks: Sequence[AnchorLeak] = (),
    judgements: Sequence[CarriedJudgement] = (),
    *,
    dimensions: Sequence[str] = (),
    cap: int = 50,
    least: float = 0.5,
) -> TrafficView:
    """What a ledger says of the traffic and these anchors; the same for the same rows, however they came together.

    Args:
        ledger: what was asked, and how it stands.
        anchors: of now.
        log: how the log is read.
        texts: what was asked, by mark, as far as it is known.
        leaks: anchors that stand elsewhere.
        judgements: where the anchors' judgements lead now.
        dimensions: by whose segments shares are told apart.
        cap: the most segments of a dimension.
        least: coverage below which the anchors no longer speak for the traffic.
    """
    table = AskTable.of(ledger)
    shares = coverage_shares(table, ledger, anchors, dimensions=dimensions, cap=cap)
    standings = [ledger.questions[mark].standing for mark in table.questions]
    days = min(WINDOW, ledger.newest - int(table.day.min()) + 1) if len(table) else 0
    intents = new_intents(table, ledger, anchors, texts)
    # Whom users have left shows after the whole window only.
    shares = shares if days == WINDOW else replace(shares, anchors=())
    return TrafficView(
        newest=ledger.newest,
        days=days,
        asks=int(table.count.sum()),
        clients=int(table.client.max(initial=-1)) + 1,
        questions=len(table.questions),
        sampled=2.0**-ledger.level,
        legs=dict(sorted(Counter(of.leg for of in standings if of is not None).items())),
        judged=shares.judged,
        coverage=shares.coverage,
        unseen=shares.unseen,
        anchors=shares.anchors,
        divergence=shares.divergence,
        log=log,
        intents=intents,
        leaks=tuple(leaks),
        judgements=by_state(judgements) if judgements else {},
        proposals=proposals(intents, shares.anchors, leaks, judgements, anchors, days=days),
        least=least,
    )
