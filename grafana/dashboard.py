"""A dashboard: rows of panels, put on the 24-column grid, with links, variables and annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana.panels import BLUE, DATASOURCE, GREY, ORANGE, PURPLE, VERMILLION, Panel

COLUMNS = 24
SCHEMA_VERSION = 41
TAG = "sre-failure-lab"
# Where a browser finds the control room. grafana/start.sh writes LAB_PORT over the port when the container starts.
CONTROL = "localhost:8080"
# Grafana 10 makes a region of samples that are at most this far apart; over half an hour they are 20 s apart.
REGION_STEP = "20s"
TITLES = {
    "lab-overview": "1 Lab overview",
    "lab-cascade": "2 Anatomy of a cascade",
    "lab-service": "3 Service detail",
    "lab-slo": "4 SLO and alerts",
    "lab-control-room": "5 Control room",
}

Row = tuple[int, Sequence[tuple[int, Panel]]]


def placed(rows: Sequence[Row]) -> list[Panel]:
    """The panels with their ids and places. A row is its height and (width, panel) pairs, from left to right.

    Raises:
        ValueError: a row is wider than the grid.
    """
    panels: list[Panel] = []
    y = 0
    for height, row in rows:
        x = 0
        for width, panel in row:
            panels.append({"id": len(panels) + 1, **panel, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
            x += width
        if x > COLUMNS:
            raise ValueError(f"the row at {y} is {x} columns wide")
        y += height
    return panels


def link(uid: str) -> dict[str, Any]:
    """A link at the top of a dashboard to another one, which keeps the time and the variables."""
    return {
        "type": "link",
        "title": TITLES[uid],
        "url": f"/d/{uid}",
        "icon": "dashboard",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }


def control_variable() -> dict[str, Any]:
    """The control room's address, as the browser in front of the room sees it."""
    description = "Where this browser finds the control room, as host:port. The buttons call it."
    return text_variable("control", "Control room", description, CONTROL)


def text_variable(name: str, label: str, description: str, value: str) -> dict[str, Any]:
    """A variable that is typed in."""
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "description": description,
        "hide": 0,
        "query": value,
        "current": {"text": value, "value": value},
        "options": [{"text": value, "value": value, "selected": True}],
        "skipUrlSync": False,
    }


def choice_variable(name: str, label: str, values: Sequence[str]) -> dict[str, Any]:
    """A variable with a list of values, the first of which is chosen."""
    options = [{"text": value, "value": value, "selected": value == values[0]} for value in values]
    return {
        "type": "custom",
        "name": name,
        "label": label,
        "hide": 0,
        "query": ",".join(values),
        "current": {"text": values[0], "value": values[0]},
        "options": options,
        "includeAll": False,
        "multi": False,
        "skipUrlSync": False,
    }


def annotation(
    name: str, color: str, expr: str, title: str, *, value_is_time: bool = False, toggle: bool = False
) -> dict[str, Any]:
    """An annotation from a query: regions where it has samples, or lines at the moments that its values name.

    One without a toggle on top of the dashboard is always shown.
    """
    expr = " ".join(expr.split())
    target = {
        "refId": "Anno",
        "datasource": DATASOURCE,
        "expr": expr,
        "interval": "1s",
        "range": True,
        "instant": False,
    }
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": not toggle,
        "iconColor": color,
        "expr": expr,
        "step": REGION_STEP,
        "titleFormat": title,
        "textFormat": "",
        "tagKeys": "",
        "useValueForTime": value_is_time,
        "target": target,
    }


def happenings() -> list[dict[str, Any]]:
    """What happened, and when: the same on every dashboard."""
    return [
        annotation("Scene", BLUE, "lab_scene_active == 1", "scene: {{scene}}", toggle=True),
        annotation(
            "Failure is on",
            VERMILLION,
            'max by (job, name) (lab_switch_active{kind="failure"}) == 1',
            "{{job}}: {{name}}",
            toggle=True,
        ),
        annotation(
            "Trigger removed",
            PURPLE,
            """(max by (job, kind, name) (lab_switch_changed_timestamp_seconds{kind="failure"}) > 0) * 1000
            and on (job, kind, name) max by (job, kind, name) (lab_switch_active) == 0""",
            "{{job}}: {{name}} off, the trigger is removed",
            value_is_time=True,
        ),
        annotation(
            "Setting or defence changed",
            GREY,
            '(max by (job, kind, name) (lab_switch_changed_timestamp_seconds{kind!="failure"}) > 0) * 1000',
            "{{job}}: {{name}} ({{kind}})",
            value_is_time=True,
        ),
        *_restarts(),
    ]


def _restarts() -> list[dict[str, Any]]:
    restarted = """process_start_time_seconds * 1000
    and on (job, instance) (changes(process_start_time_seconds[1m]) > 0)"""
    killed = "(changes(lab_oom_kills_total[1m]) > 0)"
    return [
        annotation("Restart", ORANGE, restarted, "{{instance}} was started again", value_is_time=True),
        annotation(
            "OOM kill",
            VERMILLION,
            f"{restarted} and on (instance) {killed}",
            "{{instance}} passed its memory limit, and the kernel killed it",
            value_is_time=True,
        ),
    ]


def dashboard(
    uid: str,
    description: str,
    rows: Sequence[Row],
    *,
    variables: Sequence[dict[str, Any]] = (),
    since: str = "now-5m",
    refresh: str = "1s",
) -> dict[str, Any]:
    """A whole dashboard, as it is provisioned."""
    return {
        "uid": uid,
        "title": TITLES[uid],
        "description": description,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "liveNow": False,
        "fiscalYearStartMonth": 0,
        "timezone": "browser",
        "time": {"from": since, "to": "now"},
        "timepicker": {"refresh_intervals": ["1s", "2s", "5s", "10s", "30s"]},
        "refresh": refresh,
        "links": [link(other) for other in TITLES],
        "templating": {"list": list(variables)},
        "annotations": {"list": happenings()},
        "panels": placed(rows),
    }
