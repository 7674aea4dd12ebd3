"""The rules that grafana/dashboard-linter checks, and what people need besides: descriptions, links, no overlap."""

import re

import pytest

from monitor.core.measures.registry import REGISTRY
from tests.dashboards.boards import DOCUMENTS, Asked, Document, asked, panels, variables

ALL = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=list(DOCUMENTS))
EVERY_QUERY = pytest.mark.parametrize("query", list(asked()), ids=lambda query: query.where)
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
TARGETS = 'job=~"$job",instance=~"$instance"'
UNITS = {"none", "short", "s", "percentunit", "cps", "bytes"}
"""Units that these dashboards use, by Grafana's names."""
EXPORTED = {of.exported for of in REGISTRY.entries.values()} | {
    f"{of.exported}_bucket" for of in REGISTRY.entries.values() if of.kind == "histogram"
}


@ALL
def test_a_dashboard_is_ours_and_read_only(document: Document) -> None:
    assert document["editable"] is False
    assert document["uid"].startswith("corpus-drift-")
    assert document["tags"] == ["corpus-drift"]
    assert document["title"]
    assert document["description"]
    assert "id" not in document


@ALL
def test_the_data_source_is_a_variable(document: Document) -> None:
    (source,) = variables(document, "datasource").values()
    assert (source["name"], source["query"], source["label"]) == ("datasource", "prometheus", "Data source")


@ALL
def test_job_and_instance_can_be_chosen(document: Document) -> None:
    found = variables(document, "query")
    for name in ("job", "instance"):
        of = found[name]
        assert of["label"] == name.capitalize()
        assert of["multi"] is True
        assert of["includeAll"] is True
        assert of["allValue"] == ".+"
        assert of["query"].startswith("label_values(")
    for of in found.values():
        assert of["datasource"] == SOURCE
        assert of["refresh"] == 2  # on every change of the time range


@ALL
def test_every_panel_says_what_it_shows(document: Document) -> None:
    for panel in panels(document):
        assert panel["title"]
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["datasource"] == SOURCE
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["targets"]
        assert [target["refId"] for target in panel["targets"]] == list("ABCD"[: len(panel["targets"])])
        assert all(target["datasource"] == SOURCE for target in panel["targets"])


@ALL
def test_titles_and_ids_are_there_once(document: Document) -> None:
    ids = [panel["id"] for panel in document["panels"]]
    titles = [panel["title"] for panel in document["panels"]]
    assert ids == list(range(1, len(ids) + 1))
    assert len(set(titles)) == len(titles)


@ALL
def test_panels_stand_side_by_side(document: Document) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert all(0 <= x < 24 for x, _ in cells)
        taken |= cells


@EVERY_QUERY
def test_every_selector_is_of_the_chosen_targets(query: Asked) -> None:
    selectors = re.findall(r"([a-zA-Z_]\w*)\{([^}]*)\}", query.expr)
    assert selectors
    for name, matchers in selectors:
        assert name in EXPORTED | {"up"}
        assert matchers.startswith(TARGETS)
    assert query.expr.count("corpus_drift_") == len([name for name, _ in selectors if name != "up"])


@EVERY_QUERY
def test_counters_are_asked_for_their_rate_and_nothing_else_is(query: Asked) -> None:
    counters = {of.exported for of in REGISTRY.entries.values() if of.kind == "counter"}
    for name in re.findall(r"corpus_drift_\w+", query.expr):
        rated = bool(re.search(rf"(?:rate|increase)\({name}\{{[^}}]*\}}\[\$__rate_interval\]\)", query.expr))
        assert rated == (name in counters or name.endswith("_bucket")), name


@ALL
def test_dashboards_lead_to_each_other_and_to_the_monitor(document: Document) -> None:
    (others,) = (link for link in document["links"] if link["type"] == "dashboards")
    assert others["tags"] == document["tags"]
    assert others["includeVars"] is others["keepTime"] is True
    (page,) = (link for link in document["links"] if link["type"] == "link")
    assert page["url"] == "${monitor}/"
    assert variables(document, "textbox")["monitor"]["query"] == "http://127.0.0.1:9464"


@ALL
def test_links_of_values_lead_somewhere(document: Document) -> None:
    links = [link for panel in panels(document) for link in panel["fieldConfig"]["defaults"].get("links", [])]
    for link in links:
        board = re.match(r"/d/([\w-]+)\?", link["url"])
        assert board is None or board[1] in DOCUMENTS
        assert board is not None or link["url"].startswith("${monitor}/")
        for name in re.findall(r"var-(\w+)=", link["url"]):
            assert name in {of["name"] for of in DOCUMENTS["corpus-drift-segment"]["templating"]["list"]}
    if document["uid"] in ("corpus-drift-overview", "corpus-drift-deploy"):
        assert any("?deploy=" in link["url"] for link in links)
        assert any("/d/corpus-drift-segment?" in link["url"] for link in links)


@ALL
def test_deploys_are_marked(document: Document) -> None:
    (deploys,) = document["annotations"]["list"]
    assert deploys["enable"] is True
    assert deploys["useValueForTime"] is True
    assert deploys["datasource"] == SOURCE
    assert "* 1000" in deploys["expr"]  # Grafana takes milliseconds


@ALL
def test_every_variable_used_is_defined(document: Document) -> None:
    text = str(document["panels"]) + str(document["annotations"]) + str(document["templating"])
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__field", "__data", "__all"}
    assert used <= {of["name"] for of in document["templating"]["list"]}
