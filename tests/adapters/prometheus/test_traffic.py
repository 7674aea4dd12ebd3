"""Series of traffic and of a change of anchors: unknown is NaN, what is not there is absent."""

import math

from monitor.adapters.prometheus.text import page_text
from monitor.adapters.prometheus.traffic import panel_families, traffic_families
from monitor.core.traffic.panel import PanelBridge
from tests.adapters.web.page.test_traffic import view


def test_nothing_without_traffic() -> None:
    assert list(traffic_families(None)) == []
    assert list(panel_families(())) == []


def test_series() -> None:
    text = page_text(traffic_families(view())).decode()
    assert 'anchor_traffic_coverage_ratio{dimension="language",segment="en",stat="lower",weight="asks"} 0.' in text
    assert 'corpus_drift_traffic_records_total{reason="counted"} 98.0' in text
    assert "corpus_drift_anchors_historical 0.0" in text
    assert "corpus_drift_traffic_sampled_ratio 1.0" in text


def test_unknown_is_nan_and_there() -> None:
    text = page_text(traffic_families(view([]))).decode()
    assert 'coverage_ratio{dimension="all",segment="all",stat="upper",weight="asks"} NaN' in text
    assert "corpus_drift_anchor_traffic_judged_ratio NaN" in text
    assert "corpus_drift_last_traffic_timestamp_seconds NaN" in text


def test_the_bridge() -> None:
    bridge = PanelBridge("ndcg", "dense", 0.5, 0.75, 0.25, 0.125, math.nan, 7, 1, 1)
    text = page_text(panel_families((bridge,))).decode()
    assert 'corpus_drift_anchor_panel_bridge{leg="dense",metric="ndcg",stat="difference"} 0.25' in text
    assert 'corpus_drift_anchor_panel_bridge{leg="dense",metric="ndcg",stat="upper"} NaN' in text
