"""One helper for each panel type. A panel is a plain dict of Grafana's classic JSON, without its id and place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Panel = dict[str, Any]
Target = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}

# Okabe and Ito's colours, which people who see red and green alike can tell apart.
BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, VERMILLION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
YELLOW, GREY = "#F0E442", "#8E8E8E"

TIMES = "\u00d7"  # the multiplication sign

LEVELS = {0: ("healthy", GREEN), 1: ("strained", ORANGE), 2: ("FAILING", VERMILLION), 3: ("DOWN", PURPLE)}
STATUS = {0: ("GREEN", GREEN), 1: ("YELLOW", ORANGE), 2: ("RED", VERMILLION), 3: ("no control room", PURPLE)}
ON_OFF = {0: ("off", GREY), 1: ("ON", VERMILLION)}

Words = Mapping[int, tuple[str, str]]
Steps = Sequence[tuple[float | None, str]]


def query(expr: str, legend: str = "", *, instant: bool = False, kind: str = "time_series") -> Target:
    """A query; `kind` is time_series, heatmap or table. Its refId is given with the others of its panel."""
    return {
        "datasource": DATASOURCE,
        "expr": " ".join(expr.split()),
        "legendFormat": legend or "__auto",
        "editorMode": "code",
        "format": kind,
        "instant": instant,
        "range": not instant,
        "interval": "1s",
    }


def now(expr: str, legend: str = "") -> Target:
    """A query for the value of this moment: what is gone is not shown."""
    return query(expr, legend, instant=True)


def words(meanings: Words) -> list[dict[str, Any]]:
    """Value mappings: each number as a word and a colour, so that no colour stands alone."""
    options = {
        str(value): {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(meanings.items())
    }
    return [{"type": "value", "options": options}]


def thresholds(steps: Steps) -> dict[str, Any]:
    """Colours from a value on; the first step's value is None."""
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]}


def override(legend: str, **properties: Any) -> dict[str, Any]:
    """Properties of the one series that has this legend."""
    found = [{"id": name, "value": value} for name, value in properties.items()]
    return {"matcher": {"id": "byName", "options": legend}, "properties": found}


def line(legend: str, color: str, *, dashed: bool = False, fill: int = 0) -> dict[str, Any]:
    """The colour, and the dashes, of one series."""
    made = override(legend, color={"mode": "fixed", "fixedColor": color})
    if dashed:
        made["properties"].append({"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [12, 8]}})
    if fill:
        made["properties"].append({"id": "custom.fillOpacity", "value": fill})
    return made


def panel(kind: str, title: str, description: str, targets: Sequence[Target], **more: Any) -> Panel:
    """What every panel has; `more` is options and fieldConfig."""
    lettered = [{"refId": chr(ord("A") + index), **target} for index, target in enumerate(targets)]
    made: Panel = {"type": kind, "title": title, "description": description, "datasource": DATASOURCE, **more}
    if lettered:
        made["targets"] = lettered
    return made


def field_config(
    unit: str,
    *,
    steps: Steps = ((None, BLUE),),
    meanings: Words | None = None,
    color: str | None = "thresholds",
    custom: Mapping[str, Any] | None = None,
    overrides: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> dict[str, Any]:
    """How values are shown; `more` is decimals, min, max and the like. Without a color mode only words have colours."""
    defaults: dict[str, Any] = {
        "unit": unit,
        "color": {"mode": color} if color else {"mode": "fixed", "fixedColor": GREY},
        "thresholds": thresholds(steps),
        "mappings": words(meanings) if meanings else [],
        "custom": dict(custom or {}),
        **more,
    }
    return {"defaults": defaults, "overrides": list(overrides)}


def stat(
    title: str, description: str, targets: Sequence[Target], *, unit: str, text: str = "value", **config: Any
) -> Panel:
    """One big number, or one big word, on a coloured background; `text` is value or name."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background_solid",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "textMode": text,
        "wideLayout": True,
    }
    return panel("stat", title, description, targets, options=options, fieldConfig=field_config(unit, **config))


def timeseries(
    title: str,
    description: str,
    targets: Sequence[Target],
    *,
    unit: str,
    stacked: bool = False,
    marks: bool = False,
    **config: Any,
) -> Panel:
    """Lines over time, or areas on top of each other; with `marks` the thresholds are drawn as lines."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 3,
        "fillOpacity": 45 if stacked else 8,
        "gradientMode": "none",
        "showPoints": "never",
        "spanNulls": 3000,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if marks else "off"},
        "axisSoftMin": 0,
        **config.pop("custom", {}),
    }
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    config.setdefault("color", "palette-classic")
    return panel(
        "timeseries",
        title,
        description,
        targets,
        options=options,
        fieldConfig=field_config(unit, custom=custom, **config),
    )


def state_timeline(title: str, description: str, targets: Sequence[Target], *, meanings: Words) -> Panel:
    """A coloured bar for each series, with words in it."""
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "center",
        "rowHeight": 0.85,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    # With mergeValues, a colour by thresholds would replace the words by ranges of thresholds.
    custom = {"fillOpacity": 85, "lineWidth": 0, "spanNulls": False}
    config = field_config("none", meanings=meanings, color=None, custom=custom)
    return panel("state-timeline", title, description, targets, options=options, fieldConfig=config)


def ever(expr: str, labels: str, otherwise: str) -> str:
    """The series that were on at some time in what is shown; if none was, one at 0 whose `name` says `otherwise`."""
    was_on = f"max by ({labels}) (max_over_time({expr}[$__range] @ end())) > 0"
    is_on = f"max by ({labels}) ({expr})"
    return f'({is_on} and on ({labels}) ({was_on})) or on () label_replace(vector(0), "name", "{otherwise}", "", "")'


def heatmap(title: str, description: str, expr: str, *, unit: str) -> Panel:
    """A histogram over time: the darker, the more requests took that long."""
    options = {
        "calculate": False,
        "color": {
            "mode": "scheme",
            "scheme": "Cividis",
            "steps": 64,
            "reverse": False,
            "exponent": 0.5,
            "fill": ORANGE,
        },
        "cellGap": 1,
        "filterValues": {"le": 1e-9},
        "rowsFrame": {"layout": "auto"},
        "yAxis": {"axisPlacement": "left", "unit": unit, "reverse": False},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
        "showValue": "never",
        "exemplars": {"color": PURPLE},
    }
    config = field_config(unit, custom={"hideFrom": {"legend": False, "tooltip": False, "viz": False}})
    targets = [query(expr, "{{le}}", kind="heatmap")]
    return panel("heatmap", title, description, targets, options=options, fieldConfig=config)


def table(
    title: str, description: str, expr: str, columns: Mapping[str, str], overrides: Sequence[dict[str, Any]] = ()
) -> Panel:
    """The labels of what an instant query finds: {label: heading}, in this order, sorted by the first; no other one."""
    order = {label: index for index, label in enumerate(columns)}
    transformations = [
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {"id": "organize", "options": {"excludeByName": {}, "indexByName": order, "renameByName": dict(columns)}},
    ]
    first = next(iter(columns.values()))
    sort = [{"displayName": first, "desc": False}]
    options = {
        "showHeader": True,
        "cellHeight": "lg",
        "sortBy": sort,
        "footer": {"show": False, "reducer": ["sum"], "fields": ""},
    }
    config = field_config("none", custom={"align": "left", "cellOptions": {"type": "auto", "wrapText": True}})
    config["overrides"] = list(overrides)
    targets = [query(expr, instant=True, kind="table")]
    return panel(
        "table", title, description, targets, options=options, fieldConfig=config, transformations=transformations
    )


def frame(title: str, description: str, html: str) -> Panel:
    """A text panel of HTML; it has no query, and so it is not redrawn each second."""
    return panel("text", title, description, [], options={"mode": "html", "content": html})
