"""A ledger of traffic to what is said of it."""

from collections import Counter
from collections.abc import Sequence

from monitor.core.model.anchors import AnchorSet
from monitor.core.traffic.coverage import WINDOW, AskTable, coverage_shares
from monitor.core.traffic.ledger import TrafficLedger
from monitor.core.traffic.view import TrafficLog, TrafficView


def traffic_view(
    ledger: TrafficLedger,
    anchors: AnchorSet,
    log: TrafficLog,
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
        dimensions: by whose segments shares are told apart.
        cap: the most segments of a dimension.
        least: coverage below which the anchors no longer speak for the traffic.
    """
    table = AskTable.of(ledger)
    shares = coverage_shares(table, ledger, anchors, dimensions=dimensions, cap=cap)
    standings = [ledger.questions[mark].standing for mark in table.questions]
    return TrafficView(
        newest=ledger.newest,
        days=min(WINDOW, ledger.newest - int(table.day.min()) + 1) if len(table) else 0,
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
        least=least,
    )
