"""What all dashboards have in common: how a query, a panel and a page are made, so that they look and work alike."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import yaml
from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as words
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = Path(__file__).parents[1] / "prometheus" / "prometheus.yml"
RUNBOOKS: str = yaml.safe_load(PROMETHEUS.read_text("utf-8"))["global"]["external_labels"]["runbooks"]
"""Where people read the runbooks, set in one place for alerts and dashboards."""

TAG = "lead-scoring"
SOURCE = words.DataSourceRef(type_val="prometheus", uid="${datasource}")
OURS = 'job="lead-scoring"'
HERE = f'{OURS},instance=~"$instance"'
"""The series of the instances that were chosen above the panels."""

SCORING = 'endpoint=~"/api/v1/score(/batch)?"'
EVERYWHERE = "Over all instances, regardless of the selection."

GREEN, YELLOW, RED, BLUE = "green", "orange", "red", "blue"
Limits = Sequence[tuple[float | None, str]]
"""From which value on a panel takes which colour; none is below all others, which is green unless told."""

Panel = timeseries.Panel | stat.Panel | heatmap.Panel | table.Panel


class Query(NamedTuple):
    """What a panel asks, and what it calls each series of the answer."""

    expr: str
    legend: str


class Row(NamedTuple):
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


def rate(metric: str, labels: str = "", by: str = "") -> str:
    """What a counter grows by in a second, over the instances that are chosen."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{{{HERE}{',' if labels else ''}{labels}}}[$__rate_interval]))"


def quantile(share: float, metric: str, labels: str = "", by: str = "") -> str:
    """A quantile of a histogram, over the instances that are chosen."""
    return f"histogram_quantile({share}, {rate(metric + '_bucket', labels, f'{by}, le' if by else 'le')})"


def share(metric: str, part: str, whole: str = "", by: str = "") -> str:
    """What share of a counter's growth has these labels, among all of it or those of the ``whole``."""
    return f"{rate(metric, f'{whole},{part}' if whole else part, by)} / {rate(metric, whole, by)}"


def mean(metric: str, labels: str = "", by: str = "") -> str:
    """The mean of what a histogram saw."""
    return f"{rate(metric + '_sum', labels, by)} / {rate(metric + '_count', labels, by)}"


def quantiles(metric: str, labels: str = "") -> list[Query]:
    """The three that tell most."""
    return [Query(quantile(share, metric, labels), f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99)]


def reference(place: int) -> str:
    """The id of a panel's query; without one of its own each would be A, and only one be asked."""
    return chr(ord("A") + place)


def target(place: int, query: Query) -> prometheus.Dataquery:
    """A query over the time that is shown."""
    asked = prometheus.Dataquery().ref_id(reference(place)).datasource(SOURCE)
    return asked.expr(query.expr).legend_format(query.legend).range()


def thresholds(limits: Limits) -> dashboard.ThresholdsConfig:
    """From each limit on its colour."""
    if not limits or limits[0][0] is not None:
        limits = [(None, GREEN), *limits]
    steps = [words.Threshold(value, color) for value, color in limits]
    return dashboard.ThresholdsConfig().mode(words.ThresholdsMode.ABSOLUTE).steps(steps)


def links(*runbooks: str) -> list[Builder[words.DashboardLink]]:
    """Links of a panel to the runbooks of alerts."""
    return [
        dashboard.DashboardLink(f"Runbook: {name}").url(f"{RUNBOOKS}#{name.lower()}").target_blank(True)
        for name in runbooks
    ]


def lines(
    title: str, unit: str, description: str, queries: Sequence[Query], *, limits: Limits = (),
    runbooks: Sequence[str] = (), stacked: bool = False, most: float | None = None, width: int = 8,
) -> timeseries.Panel:  # fmt: skip
    """How something went over time; ``limits`` are drawn as lines."""
    panel = (
        timeseries.Panel()
        .title(title).description(description).unit(unit).datasource(SOURCE).height(8).span(width).min(0)
        .line_width(1).fill_opacity(30 if stacked else 8).show_points(shapes.VisibilityMode.NEVER)
        .thresholds(thresholds(limits))
        .links(links(*runbooks))
        .tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions().show_legend(True).display_mode(shapes.LegendDisplayMode.LIST)
            .placement(shapes.LegendPlacement.BOTTOM)
        )
    )  # fmt: skip
    if limits:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED))
    if stacked:
        panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))
    if most is not None:
        panel.max(most)
    for place, query in enumerate(queries):
        panel.with_target(target(place, query))
    return panel


def number(
    title: str, unit: str, description: str, expr: str, *, limits: Limits = (), runbooks: Sequence[str] = (),
    meanings: Sequence[words.ValueMapping] = (), decimals: int | None = None, width: int = 4,
) -> stat.Panel:  # fmt: skip
    """One value, as it is now, over a shadow of how it went."""
    panel = (
        stat.Panel()
        .title(title).description(description).unit(unit).datasource(SOURCE).height(4).span(width)
        .thresholds(thresholds(limits))
        .links(links(*runbooks))
        .mappings(list(meanings))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(shapes.BigValueGraphMode.AREA)
        .color_mode(shapes.BigValueColorMode.VALUE)
        .with_target(target(0, Query(expr, title)))
    )  # fmt: skip
    return panel if decimals is None else panel.decimals(decimals)


def heat(title: str, unit: str, description: str, metric: str, labels: str = "", width: int = 8) -> heatmap.Panel:
    """How a histogram's values are spread, over time: the more, the darker."""
    asked = target(0, Query(rate(metric + "_bucket", labels, "le"), "{{le}}")).format(PromQueryFormat.HEATMAP)
    return (
        heatmap.Panel()
        .title(title).description(description).datasource(SOURCE).height(8).span(width)
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(shapes.AxisPlacement.LEFT))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64))
        .with_target(asked)
    )  # fmt: skip


def listing(
    title: str, description: str, expr: str, columns: Sequence[str], *, runbooks: Sequence[str] = (), width: int = 8
) -> table.Panel:
    """What holds now, a row for each, with these labels as columns."""
    asked = prometheus.Dataquery().ref_id(reference(0)).datasource(SOURCE).expr(expr).instant()
    kept = {"include": {"names": list(columns)}}
    return (
        table.Panel()
        .title(title).description(description).datasource(SOURCE).height(8).span(width)
        .links(links(*runbooks))
        .with_transformation(words.DataTransformerConfig(id_val="filterFieldsByName", options=kept))
        .with_target(asked.format(PromQueryFormat.TABLE))
    )  # fmt: skip


def words_for(**meanings: tuple[str, str]) -> list[words.ValueMapping]:
    """Texts and colours instead of the numbers 0, 1, 2..., in the order given."""
    options = {
        str(place): words.ValueMappingResult(text=text, color=color, index=place)
        for place, (text, color) in enumerate(meanings.values())
    }
    return [words.ValueMap(options)]


def choice(name: str, label: str, description: str, query: str) -> dashboard.QueryVariable:
    """A variable whose values Prometheus knows: some of them, or all."""
    everything = words.VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        dashboard.QueryVariable(name)
        .label(label).description(description).datasource(SOURCE)
        .query({"query": query, "refId": name})
        .refresh(words.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(words.VariableSort.ALPHABETICAL_ASC)
        .multi(True).include_all(True).current(everything)
    )  # fmt: skip


def choice_of(name: str, label: str, description: str, values: Sequence[str], chosen: str) -> dashboard.CustomVariable:
    """A variable with these values, one at a time."""
    options = [words.VariableOption(selected=value == chosen, text=value, value=value) for value in values]
    return (
        dashboard.CustomVariable(name)
        .label(label).description(description).allow_custom_value(False).values(",".join(values)).options(options)
        .current(words.VariableOption(selected=True, text=chosen, value=chosen))
    )  # fmt: skip


def page(
    uid: str, title: str, description: str, rows: Sequence[Row], more: Sequence[dashboard.CustomVariable] = ()
) -> words.Dashboard:
    """A dashboard: rows of panels below the choice of what they show."""
    siblings = dashboard.DashboardLink("Lead Scoring").type(words.DashboardLinkType.DASHBOARDS).tags([TAG])
    made = (
        dashboard.Dashboard(f"Lead Scoring: {title}")
        .uid(uid).description(description).tags([TAG]).readonly()
        .refresh("30s").time("now-3h", "now").timezone("browser").tooltip(words.DashboardCursorSync.CROSSHAIR)
        .link(siblings.as_dropdown(False).include_vars(True).keep_time(True))
        .link(dashboard.DashboardLink("Runbooks").url(RUNBOOKS).icon("doc").target_blank(True))
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Prometheus")
            .description("Which Prometheus is asked").type("prometheus")
            .current(words.VariableOption(selected=True, text="Prometheus", value="prometheus"))
        )
        .with_variable(
            choice("env", "Environment", "ENV of the service", f"label_values(service_info{{{OURS}}}, env)")
        )
        .with_variable(
            choice(
                "instance", "Instance", "Which instances of these environments are shown",
                f'label_values(service_info{{{OURS},env=~"$env"}}, instance)',
            )
        )
    )  # fmt: skip
    for variable in more:
        made.with_variable(variable)
    ids = count(1)
    for row in rows:
        made.with_row(dashboard.Row(row.title).id(next(ids)))
        for panel in row.panels:
            made.with_panel(panel.id(next(ids)))
    return made.build()
