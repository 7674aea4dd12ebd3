"""Panels of Grafana from the plain values of `dashboards.specs`."""

from collections.abc import Sequence
from typing import Any

from dashboards.sdk import (
    bargauge,
    common,
    common_models,
    dashboard,
    models,
    prometheus,
    queries_models,
    stat,
    statetimeline,
    timeseries,
)
from dashboards.sdk import table as tables
from dashboards.specs import Bars, Graph, Link, Number, Panel, Query, Ranking, States

SOURCE = common_models.DataSourceRef(type_val="prometheus", uid="${datasource}")
COLOURS = {"pass": "green", "inconclusive": "orange", "unknown": "purple", "fail": "red"}
STATES = {"0": "pass", "1": "inconclusive", "2": "unknown", "3": "fail"}
_HIDDEN = ("Time", "__name__", "instance")
"""Columns of a table that say little."""


def built(spec: Panel) -> Any:
    """The builder of one panel, without its place."""
    if isinstance(spec, Graph):
        return _graph(spec)
    if isinstance(spec, Number):
        return _number(spec)
    if isinstance(spec, Ranking):
        return _ranking(spec)
    if isinstance(spec, Bars):
        return _bars(spec)
    if isinstance(spec, States):
        return _states(spec)
    return dashboard.Row(spec.title)


def _common(panel: Any, spec: Graph | Number | Ranking | Bars | States) -> Any:
    panel.title(spec.title).description(spec.description).datasource(SOURCE).unit(spec.unit)
    return panel.span(spec.width).height(spec.height)


def _with(panel: Any, queries: Sequence[Query], *, instant: bool, form: str = "time_series") -> Any:
    for at, query in enumerate(queries):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(ord("A") + at))
        target.format(queries_models.PromQueryFormat(form)).datasource(SOURCE)
        panel.with_target(target.instant() if instant else target.range())
    return panel


def _graph(spec: Graph) -> Any:
    panel = _common(timeseries.Panel(), spec).line_width(1).fill_opacity(30 if spec.stacked else 5)
    if spec.stacked:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
    panel.legend(
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    panel.tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    return _with(panel, spec.queries, instant=False)


def _number(spec: Number) -> Any:
    panel = _common(stat.Panel(), spec).graph_mode(common_models.BigValueGraphMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if spec.verdict:
        panel.text_mode(common_models.BigValueTextMode.NAME).color_mode(common_models.BigValueColorMode.BACKGROUND)
        for name, colour in COLOURS.items():
            fixed = models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
            panel.override_by_regexp(f".*\\b{name}$", [fixed])
    elif spec.bad_above is not None:
        panel.color_mode(common_models.BigValueColorMode.VALUE).thresholds(_bad_above(spec.bad_above))
    else:
        panel.color_mode(common_models.BigValueColorMode.NONE)
    return _with(_linked(panel, spec.link), spec.queries, instant=True)


def _ranking(spec: Ranking) -> Any:
    panel = _linked(_common(tables.Panel(), spec), spec.link)
    shown = {"excludeByName": dict.fromkeys(_HIDDEN, True), "renameByName": {"Value": "value"}}
    panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=shown))
    panel.sort_by([common.TableSortByFieldState().display_name("value").desc(True)])
    return _with(panel, spec.queries, instant=True, form="table")


def _bars(spec: Bars) -> Any:
    panel = _common(bargauge.Panel(), spec).min(0).max(1)
    panel.orientation(common_models.VizOrientation.HORIZONTAL).display_mode(common_models.BarGaugeDisplayMode.BASIC)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return _with(panel, spec.queries, instant=True)


def _states(spec: States) -> Any:
    results = {
        value: models.ValueMappingResult(text=name, color=COLOURS[name], index=at)
        for at, (value, name) in enumerate(STATES.items())
    }
    panel = _common(statetimeline.Panel(), spec).mappings([models.ValueMap(options=results)])
    panel.show_value(common_models.VisibilityMode.NEVER).row_height(0.8).merge_values(True)
    return _with(panel, spec.queries, instant=False)


def _linked(panel: Any, link: Link | None) -> Any:
    if link is not None:
        panel.data_links([dashboard.DashboardLink(link.title).url(link.url).target_blank(False)])
    return panel


def _bad_above(limit: float) -> Any:
    steps = [models.Threshold(value=None, color="green"), models.Threshold(value=limit, color="red")]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
