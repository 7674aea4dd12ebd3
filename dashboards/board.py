"""A dashboard: panels with their places and ids, variables, deploy annotations, links; as classic JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.panels import SOURCE, built
from dashboards.sdk import JSONEncoder, dashboard, models
from dashboards.specs import Heading, Panel, metric

TAG = "corpus-drift"
WIDTH = 24
CARD = "${monitor}/?deploy="
"""Address of an incident card; a deploy's id follows."""
SEGMENT_BOARD = (
    "/d/corpus-drift-segment?${datasource:queryparam}&var-job=${__data.fields.job:percentencode}"
    "&var-instance=${__data.fields.instance:percentencode}&var-dimension=${__data.fields.dimension:percentencode}"
    "&var-segment=${__data.fields.segment:percentencode}"
)
"""Address of the drill-down for a row of a table."""
DEPLOYS = (
    f"{metric('last_deploy_timestamp_seconds')} * 1000"
    f" * on (job, instance) group_left (deploy, verdict) {metric('last_deploy_info')}"
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable filled by a query, with one value chosen."""

    name: str
    label: str
    description: str
    query: str


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard as plain values."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()
    before: bool = False
    """Whether to ask for a time span to look back."""


def board_json(board: Board) -> str:
    """The dashboard as Grafana imports it."""
    made = dashboard.Dashboard(board.title).uid(board.uid).description(board.description).tags([TAG])
    made.readonly().time("now-6h", "now").refresh("30s").timezone("browser").tooltip(
        models.DashboardCursorSync.CROSSHAIR
    )
    for variable in _variables(board):
        made.with_variable(variable)
    for link in _links():
        made.link(link)
    made.annotation(_deploys())
    document = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    document["panels"] = _placed(board.panels)
    for shown in (*document["links"], *document["annotations"]["list"]):
        del shown["placement"]  # the SDK's default hides them in a menu
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Panels from left to right, line by line; ids count from 1."""
    placed: list[dict[str, Any]] = []
    x = y = tallest = 0
    for at, spec in enumerate(panels, 1):
        width, height = (WIDTH, 1) if isinstance(spec, Heading) else (spec.width, spec.height)
        if x + width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        made: dict[str, Any] = json.loads(json.dumps(built(spec).build(), cls=JSONEncoder))
        if isinstance(spec, Heading):
            made |= {"collapsed": False, "panels": []}
        placed.append(made | {"id": at, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
        x, tallest = x + width, max(tallest, height)
    return placed


def _variables(board: Board) -> list[Any]:
    source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    monitor = (
        dashboard.TextBoxVariable("monitor")
        .label("Monitor")
        .description("The monitor's own address, for links to incident cards.")
        .default_value("http://127.0.0.1:9464")
    )
    targets = [
        _several("job", "Job", "label_values(corpus_drift_build_info, job)"),
        _several("instance", "Instance", 'label_values(corpus_drift_build_info{job=~"$job"}, instance)'),
    ]
    chosen = [_query(of.name, of.label, of.query).description(of.description) for of in board.variables]
    spans = [dashboard.IntervalVariable("before").label("Compared with").values("15m,1h,6h,1d,7d")]
    return [source, *targets, *chosen, *(spans if board.before else []), monitor]


def _query(name: str, label: str, query: str) -> Any:
    variable = dashboard.QueryVariable(name).label(label).query(query).definition(query).datasource(SOURCE)
    return variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)


def _several(name: str, label: str, query: str) -> Any:
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    return _query(name, label, query).multi(True).include_all(True).all_value(".+").current(everything)


def _links() -> list[Any]:
    others = dashboard.DashboardLink("Corpus drift").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    others.include_vars(True).keep_time(True).as_dropdown(False)
    page = dashboard.DashboardLink("Monitor's page").type(models.DashboardLinkType.LINK).url("${monitor}/")
    return [others, page.target_blank(True).icon("external link")]


def _deploys() -> Any:
    """A mark at each deploy's event time, with its verdict."""
    made = dashboard.AnnotationQuery().name("Deploys").datasource(SOURCE).enable(True).hide(False)
    made.icon_color("blue").expr(DEPLOYS).use_value_for_time(True).step("60s")
    return made.title_format("deploy {{deploy}}").text_format("verdict: {{verdict}}").tag_keys("verdict")
