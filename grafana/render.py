"""Draws every board from its JSON, as HTML: python -m grafana.render PROMETHEUS_URL FOLDER.

It is no Grafana. It asks each query of a running lab's Prometheus and puts titles, words, colours and lines where the
JSON says, on the grid of a screen 1920 pixels wide: enough to see what is cut, crooked or empty.
"""

from __future__ import annotations

import html
import json
import math
import re
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana.generate import FOLDER
from grafana.panels import Panel

COLUMN, ROW, GAP, EDGE = 1888 / 24, 38, 8, 16
TITLE_HEIGHT, TITLE_SIZE = 32, 15.75  # of a title, in pixels
TEXT, PAGE, PANEL = "#ccccdc", "#111217", "#181b1f"  # Grafana's dark theme
VARIANTS = {"secondary": "#2f333b", "primary": "#3d71d9", "destructive": "#d10e5c", "success": "#1a7f4b"}
CLASSIC = ("#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1")
SPAN_SECONDS = 300
UNITS = {"reqps": " req/s", "s": " s", "percentunit": "%", "bytes": " B", "none": ""}
Shown = dict[str, tuple[str, str]]


@dataclass
class Series:
    """A series' name, its labels, and its samples as (seconds since 1970, value)."""

    name: str
    labels: dict[str, str]
    samples: list[tuple[float, float]]


class Prometheus:
    """Asks a running lab's Prometheus for what a panel shows, at one moment."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.now = time.time()

    def series(self, target: dict[str, Any], variables: dict[str, str]) -> list[Series]:
        """What a target's query finds."""
        expr = target["expr"].replace("$__range", f"{SPAN_SECONDS}s")
        for name, value in variables.items():
            expr = expr.replace(f"${name}", value)
        asked = {"query": expr}
        asked |= {"time": f"{self.now}"} if target["instant"] else self._range()
        body = urllib.parse.urlencode(asked).encode()
        path = "query" if target["instant"] else "query_range"
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}", body, timeout=10) as answer:  # noqa: S310 - http
            found = json.load(answer)["data"]["result"]
        return [Series(legend(target["legendFormat"], one["metric"]), one["metric"], _samples(one)) for one in found]

    def _range(self) -> dict[str, str]:
        return {"start": f"{self.now - SPAN_SECONDS}", "end": f"{self.now}", "step": "2"}


def _samples(one: dict[str, Any]) -> list[tuple[float, float]]:
    return [(float(at), float(value)) for at, value in one.get("values", [one.get("value")])]


def legend(form: str, labels: dict[str, str]) -> str:
    """A series' name, as Grafana makes it from a legend format."""
    return re.sub(r"{{(\w+)}}", lambda match: labels.get(match[1], ""), form).strip()


def in_words(value: float, config: dict[str, Any]) -> tuple[str, str]:
    """A value as Grafana would write it, and its colour: from a mapping, or by thresholds."""
    for mapping in config.get("mappings", []):
        if option := mapping["options"].get(f"{value:g}"):
            return option["text"], option["color"]
    color = config.get("color", {}).get("fixedColor", TEXT)
    for step in config.get("thresholds", {}).get("steps", []) if "fixedColor" not in config.get("color", {}) else []:
        if step["value"] is None or value >= step["value"]:
            color = step["color"]
    unit, decimals = config.get("unit", "none"), config.get("decimals", 1)
    number = value * 100 if unit == "percentunit" else value
    suffix = unit.removeprefix("suffix:") if unit.startswith("suffix:") else UNITS.get(unit, "")
    return f"{number:.{decimals}f}{suffix}", color


def box(left: float, top: float, width: float, height: float, style: str, inner: str) -> str:
    """A positioned box of HTML."""
    place = f"left:{left:.0f}px;top:{top:.0f}px;width:{width:.0f}px;height:{height:.0f}px"
    return f'<div style="{place};{style}">{inner}</div>'


def draw_stat(panel: Panel, found: list[Series], width: float, height: float) -> str:
    """One big word or number on its colour; the size fits it in, as Grafana's does."""
    if not found:
        return "No data"
    words, color = in_words(found[0].samples[-1][1], panel["fieldConfig"]["defaults"])
    if panel["options"]["textMode"] == "name":
        words = found[0].name
    size = min(0.6 * height, 1.7 * width / max(1, len(words)), 60)
    style = f"background:{color};color:#111;font-size:{size:.0f}px;font-weight:500"
    return box(0, 0, width, height, style, html.escape(words))


def draw_lines(panel: Panel, found: list[Series], width: float, height: float) -> str:
    """Lines over time, with their legend; stacked ones lie on each other."""
    colors = series_colors(panel)
    stacked = panel["fieldConfig"]["defaults"]["custom"].get("stacking", {}).get("mode") == "normal"
    known = [value for series in found for _, value in series.samples if math.isfinite(value)]
    limit = panel["fieldConfig"]["defaults"].get("max")
    top = limit or (max(known, default=1.0) * (len(found) / 2 if stacked else 1.05)) or 1.0
    start = max((series.samples[-1][0] for series in found), default=0.0) - SPAN_SECONDS
    lines, names = [], []
    below: dict[float, float] = {}
    for index, series in enumerate(found):
        color = colors.get(series.name, CLASSIC[index % len(CLASSIC)])
        points = []
        for at, value in series.samples:
            if not math.isfinite(value):
                continue
            if stacked:
                value = below[at] = below.get(at, 0.0) + value
            points.append(f"{(at - start) / SPAN_SECONDS * width:.0f},{(height - 30) * (1 - value / top):.0f}")
        lines.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="3"/>')
        last = in_words(series.samples[-1][1], {**panel["fieldConfig"]["defaults"], "thresholds": {}})[0]
        names.append(f'<b style="color:{color}">—</b> {html.escape(series.name)} {last}')
    drawing = f'<svg width="{width:.0f}" height="{height:.0f}">{"".join(lines)}</svg>'
    words = box(0, height - 26, width, 24, "font-size:13px;justify-content:start", " &nbsp; ".join(names))
    top_words = in_words(top, {**panel["fieldConfig"]["defaults"], "thresholds": {}, "mappings": []})[0]
    return drawing + box(4, 0, 90, 18, "font-size:12px;justify-content:start", top_words) + words


def series_colors(panel: Panel) -> dict[str, str]:
    """The fixed colour of each series that has one, by its name."""
    return {
        override["matcher"]["options"]: entry["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for entry in override["properties"]
        if entry["id"] == "color"
    }


def draw_timeline(panel: Panel, found: list[Series], width: float, height: float) -> str:
    """A bar for each series, with its words."""
    row = height / max(1, len(found))
    start = max((series.samples[-1][0] for series in found), default=0.0) - SPAN_SECONDS
    left, scale = 230, (width - 240) / SPAN_SECONDS
    made = []
    for index, series in enumerate(found):
        made.append(box(0, index * row, left - 8, row, "font-size:13px;justify-content:end", html.escape(series.name)))
        for began, ended, value in _stretches(series.samples):
            words, color = in_words(value, panel["fieldConfig"]["defaults"])
            place = (left + (began - start) * scale, index * row + 2, (ended - began) * scale, row - 4)
            made.append(box(*place, f"background:{color};color:#111;font-size:13px;overflow:hidden", words))
    return "".join(made)


def _stretches(samples: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Stretches of the same value: from, to, value."""
    made: list[tuple[float, float, float]] = []
    for at, value in samples:
        if made and made[-1][2] == value and at - made[-1][1] <= 4:
            made[-1] = (made[-1][0], at, value)
        else:
            made.append((at, at + 1, value))
    return made


def draw_table(panel: Panel, found: list[Series]) -> str:
    """The labels of what was found, under their headings."""
    organize = next(entry["options"] for entry in panel["transformations"] if entry["id"] == "organize")
    names = organize["renameByName"]
    cells = [[series.labels.get(label, "") for label in names] for series in found]
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in sorted(cells))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names.values())
    return f'<table style="width:100%;font-size:14px"><tr>{head}</tr>{rows}</table>'


def canvas_words(panel: Panel, found: dict[str, list[Series]]) -> Shown:
    """Each series' word and colour, by its legend."""
    by_query = {entry["matcher"]["options"]: entry["properties"] for entry in panel["fieldConfig"]["overrides"]}
    shown: Shown = {}
    for letter, series in found.items():
        config = {entry["id"]: entry["value"] for entry in by_query[letter]}
        shown |= {one.name: in_words(one.samples[-1][1], config) for one in series}
    return shown


def draw_element(element: dict[str, Any], shown: Shown) -> str:
    """One element of the canvas."""
    place, config = element["placement"], element["config"]
    text, fill = config.get("text", {}), element["background"]["color"]
    series = text.get("field", "")
    words = shown.get(series, (text.get("fixed", ""), ""))[0] if series else text.get("fixed", "")
    background = shown[fill["field"]][1] if fill.get("field") in shown else fill["fixed"]
    color = config.get("color", {}).get("fixed", TEXT)
    style = f"font-size:{config.get('size', 14)}px;justify-content:{config.get('align', 'center')};"
    if element["type"] == "button":  # Grafana's buttons keep 16 px free on both sides
        background = VARIANTS[config["style"]["variant"]]
        style += "padding:0 16px;box-sizing:border-box;overflow:hidden;"
    style += f"background:{background};color:{TEXT if color == 'text' else color};border-radius:4px"
    return box(place["left"], place["top"], place["width"], place["height"], style, html.escape(words))


def draw_arrows(elements: list[dict[str, Any]], shown: Shown) -> str:
    """The connections from edge to edge; heads grow with the line, as Grafana's do."""
    places = {element["name"]: element["placement"] for element in elements}
    made = []
    for element in elements:
        for link in element["connections"]:
            (x1, y1), (x2, y2) = (
                _point(places[element["name"]], link["source"]),
                _point(places[link["targetName"]], link["target"]),
            )
            color = shown.get(link["color"]["field"], ("", link["color"]["fixed"]))[1]
            size = link["size"]["fixed"]
            made.append(
                f'<line x1="{x1}" y1="{y1}" x2="{x2 - 5 * size}" y2="{y2}" stroke="{color}" stroke-width="{size}"/>'
            )
            head = f"{x2 - 10 * size},{y2 - 3.5 * size} {x2},{y2} {x2 - 10 * size},{y2 + 3.5 * size}"
            made.append(f'<polygon points="{head}" fill="{color}"/>')
    return f'<svg width="1880" height="500">{"".join(made)}</svg>'


def _point(place: dict[str, float], at: dict[str, float]) -> tuple[float, float]:
    across = place["left"] + place["width"] * (1 + at["x"]) / 2
    return across, place["top"] + place["height"] * (1 - at["y"]) / 2


def draw_canvas(panel: Panel, found: dict[str, list[Series]]) -> str:
    """The control panel."""
    shown, elements = canvas_words(panel, found), panel["options"]["root"]["elements"]
    return draw_arrows(elements, shown) + "".join(draw_element(element, shown) for element in elements)


def draw_panel(panel: Panel, prometheus: Prometheus, variables: dict[str, str]) -> str:
    """A panel at its place, with its title and what it shows now."""
    place = panel["gridPos"]
    width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
    room = (width - 2, height - TITLE_HEIGHT - 2)
    found = {target["refId"]: prometheus.series(target, variables) for target in panel.get("targets", [])}
    series = [one for each in found.values() for one in each]
    kind = panel["type"]
    if kind == "canvas":
        inner = draw_canvas(panel, found)
    elif kind == "text":
        inner = html.escape(panel["options"]["content"])
    elif kind == "table":
        inner = draw_table(panel, series)
    elif not series:
        inner = "No data"
    else:
        drawer = {"stat": draw_stat, "state-timeline": draw_timeline}.get(kind, draw_lines)
        inner = drawer(panel, series, *room)
    title = legend(panel["title"].replace("$service", variables.get("service", "")), {})
    style = f"font-size:{TITLE_SIZE}px;justify-content:start;padding-left:8px;box-sizing:border-box;overflow:hidden"
    head = box(0, 0, width, TITLE_HEIGHT, style, html.escape(title))
    body = box(1, TITLE_HEIGHT, *room, "display:block;overflow:hidden", inner)
    left, top = EDGE + place["x"] * COLUMN, EDGE + place["y"] * ROW
    return box(left, top, width, height, f"display:block;background:{PANEL};border:1px solid #2c2f36", head + body)


def draw_board(board: dict[str, Any], prometheus: Prometheus) -> str:
    """A whole board as a page."""
    variables = {entry["name"]: entry["current"]["value"] for entry in board["templating"]["list"]}
    panels = "".join(draw_panel(panel, prometheus, variables) for panel in board["panels"])
    style = (
        f"body{{margin:0;background:{PAGE};color:{TEXT};font-family:Inter,Roboto,Arial,sans-serif}}"
        "div{position:absolute;display:flex;align-items:center;justify-content:center;white-space:nowrap}"
        "svg{position:absolute}td{white-space:normal}"
    )
    return f"<!doctype html><meta charset=utf-8><style>{style}</style>{panels}"


def main() -> None:
    """Write a page for each board."""
    if len(sys.argv) != 3:
        sys.exit("usage: python -m grafana.render PROMETHEUS_URL FOLDER")
    prometheus, folder = Prometheus(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(FOLDER.glob("*.json")):
        page = draw_board(json.loads(path.read_text(encoding="utf-8")), prometheus)
        (folder / f"{path.stem}.html").write_text(page, encoding="utf-8")
        print(folder / f"{path.stem}.html")


if __name__ == "__main__":
    main()
