"""Draws the control panel's layout from its JSON, as HTML: python -m grafana.render_canvas [PROMETHEUS_URL] > x.html.

It is no Grafana: it places boxes, words, colours and arrows where the JSON says. With a Prometheus it asks each query.
"""

from __future__ import annotations

import html
import json
import re
import sys
import urllib.parse
import urllib.request
from typing import Any

from grafana.canvas import HEIGHT, WIDTH
from grafana.generate import FOLDER

VARIANTS = {"secondary": "#2f333b", "primary": "#3d71d9", "destructive": "#d10e5c", "success": "#1a7f4b"}
TEXT, PANEL = "#ccccdc", "#181b1f"  # Grafana's dark theme
Shown = dict[str, tuple[str, str]]


def ask(url: str, expr: str) -> list[dict[str, Any]]:
    """The series that an instant query finds."""
    body = urllib.parse.urlencode({"query": expr}).encode()
    with urllib.request.urlopen(f"{url}/api/v1/query", body, timeout=5) as answer:  # noqa: S310 - http, as given
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found


def legend(form: str, labels: dict[str, str]) -> str:
    """A series' name, as Grafana makes it from a legend format."""
    return re.sub(r"{{(\w+)}}", lambda match: labels.get(match[1], ""), form)


def shown_values(panel: dict[str, Any], url: str) -> Shown:
    """Each series' word and colour, by its legend."""
    shown: Shown = {}
    by_query = {entry["matcher"]["options"]: entry["properties"] for entry in panel["fieldConfig"]["overrides"]}
    for target in panel["targets"]:
        properties = {entry["id"]: entry["value"] for entry in by_query[target["refId"]]}
        options = properties.get("mappings", [{"options": {}}])[0]["options"]
        color = properties.get("color", {}).get("fixedColor", TEXT)
        unit = properties.get("unit", "").removeprefix("suffix:")
        for series in ask(url, target["expr"]):
            name = legend(target["legendFormat"], series["metric"])
            number = float(series["value"][1])
            mapped = options.get(f"{number:g}")
            shown[name] = (mapped["text"], mapped["color"]) if mapped else (f"{number:.0f}{unit}", color)
    return shown


def drawn(element: dict[str, Any], shown: Shown) -> str:
    """One element as a positioned box."""
    place, config = element["placement"], element.get("config", {})
    text, fill = config.get("text", {}), element["background"]["color"]
    series = text.get("field", "")
    words = shown.get(series, (text.get("fixed", ""), ""))[0] if series else text.get("fixed", "")
    background = shown[fill["field"]][1] if fill.get("field") in shown else fill["fixed"]
    color = config.get("color", {}).get("fixed", TEXT)
    style = (
        f"left:{place['left']}px;top:{place['top']}px;width:{place['width']}px;height:{place['height']}px;"
        f"font-size:{config.get('size', 14)}px;justify-content:{config.get('align', 'center')};"
    )
    if element["type"] == "button":  # Grafana's buttons keep 16 px free on both sides
        background = VARIANTS[config["style"]["variant"]]
        style += "padding:0 16px;box-sizing:border-box;"
    style += f"background:{background};color:{TEXT if color == 'text' else color};"
    title = html.escape(element["name"])
    return f'<div title="{title}" style="{style}">{html.escape(words)}</div>'


def arrows(elements: list[dict[str, Any]], shown: Shown) -> str:
    """The connections as lines from edge to edge."""
    places = {element["name"]: element["placement"] for element in elements}
    made = []
    for element in elements:
        for link in element["connections"]:
            x1, y1 = _point(places[element["name"]], link["source"])
            x2, y2 = _point(places[link["targetName"]], link["target"])
            color = shown.get(link["color"]["field"], ("", link["color"]["fixed"]))[1]
            stroke = f'stroke="{color}" stroke-width="{link["size"]["fixed"]}"'
            made.append(f'<line x1="{x1}" y1="{y1}" x2="{x2 - 14}" y2="{y2}" {stroke}/>')
            made.append(f'<polygon points="{x2 - 16},{y2 - 11} {x2},{y2} {x2 - 16},{y2 + 11}" fill="{color}"/>')
    return f'<svg width="{WIDTH}" height="{HEIGHT}">{"".join(made)}</svg>'


def _point(place: dict[str, float], at: dict[str, float]) -> tuple[float, float]:
    across = place["left"] + place["width"] * (1 + at["x"]) / 2
    return across, place["top"] + place["height"] * (1 - at["y"]) / 2


def page(panel: dict[str, Any], shown: Shown) -> str:
    """The whole page."""
    elements = panel["options"]["root"]["elements"]
    boxes = "".join(drawn(element, shown) for element in elements)
    style = (
        f"body{{margin:0;background:{PANEL};font-family:Inter,Roboto,Arial,sans-serif}}"
        f"main{{position:relative;width:{WIDTH}px;height:{HEIGHT}px;overflow:hidden}}svg{{position:absolute}}"
        "main div{position:absolute;display:flex;align-items:center;white-space:nowrap;border-radius:4px}"
    )
    head = f"<!doctype html><meta charset=utf-8><style>{style}</style>"
    return f"{head}<main>{arrows(elements, shown)}{boxes}</main>"


def main() -> None:
    """Print the page; without a Prometheus every state is unknown."""
    board = json.loads((FOLDER / "overview.json").read_text(encoding="utf-8"))
    panel = next(panel for panel in board["panels"] if panel["type"] == "canvas")
    print(page(panel, shown_values(panel, sys.argv[1]) if len(sys.argv) > 1 else {}))


if __name__ == "__main__":
    main()
