"""The objective: 99 % over 30 minutes, what is left of its budget, and the alerts that fire."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import dashboard
from grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    TIMES,
    VERMILLION,
    Panel,
    line,
    now,
    query,
    stat,
    state_timeline,
    table,
    timeseries,
)

QUIET = """ALERTS{alertstate="firing"} or on () label_replace(label_replace(label_replace(label_replace(vector(0),
"alertname", "all quiet", "", ""), "severity", "none", "", ""),
"story", "No alert fires", "", ""), "action", "Break something", "", "")"""
COLUMNS = {
    "severity": "Severity",
    "alertname": "Alert",
    "service": "Service",
    "story": "What it means",
    "action": "What to do",
}
BURN_STEPS = ((None, GREEN), (1, ORANGE), (10, VERMILLION))


def _objective() -> list[Panel]:
    return [
        stat(
            "Users who succeeded, 30 minutes",
            "The objective is 99 % of the users of half an hour: what a month is in real life, a workshop cannot wait "
            "for.",
            [now("lab:success_ratio:30m")],
            unit="percentunit",
            decimals=2,
            steps=((None, VERMILLION), (0.99, GREEN)),
        ),
        stat(
            "Error budget spent, times over",
            "1 % of the users may fail: that is the budget. How many budgets have been spent; from 1 on the objective "
            "is missed.",
            [now("lab:error_budget_spent:30m")],
            unit=f"suffix:{TIMES}",
            decimals=1,
            steps=((None, GREEN), (0.5, ORANGE), (1, VERMILLION)),
        ),
    ]


def _burn_and_alerts() -> list[Panel]:
    return [
        stat(
            "Burn rate, 1 minute",
            "How many times too fast the budget is spent now. 1 is just right, 10 is gone in 3 minutes, 100 is a "
            "total outage.",
            [now("lab:burn_rate:1m")],
            unit=f"suffix:{TIMES}",
            decimals=1,
            steps=BURN_STEPS,
        ),
        stat(
            "Burn rate, 5 minutes",
            "The same over 5 minutes: slower to rise, slower to forget.",
            [now("lab:burn_rate:5m")],
            unit=f"suffix:{TIMES}",
            decimals=1,
            steps=BURN_STEPS,
        ),
        stat(
            "Alerts that fire",
            "How many alerts fire now. The table below tells their stories, those first that would wake somebody.",
            [now('count(ALERTS{alertstate="firing"}) or vector(0)')],
            unit="none",
            meanings={0: ("none", GREEN)},
            steps=((None, GREEN), (1, ORANGE), (4, VERMILLION)),
        ),
    ]


def _burning() -> list[Panel]:
    return [
        timeseries(
            "Burn rates",
            "The fast alert fires above 10 over a minute, the slow one above 2 over five. See how long each takes to "
            "fire, and to be quiet again.",
            [
                query("lab:burn_rate:1m", "over 1 minute"),
                query("lab:burn_rate:5m", "over 5 minutes"),
                query("vector(10)", "fast alert"),
                query("vector(2)", "slow alert"),
            ],
            unit=f"suffix:{TIMES}",
            overrides=[
                line("over 1 minute", ORANGE),
                line("over 5 minutes", BLUE),
                line("fast alert", VERMILLION, dashed=True),
                line("slow alert", GREY, dashed=True),
            ],
        ),
        timeseries(
            "Error budgets spent",
            "It only ever rises while users fail, and falls as the bad minutes leave the window of 30. At the dashed "
            "line all that the objective allows is gone.",
            [query("lab:error_budget_spent:30m", "spent"), query("vector(1)", "the budget")],
            unit=f"suffix:{TIMES}",
            overrides=[line("spent", ORANGE, fill=25), line("the budget", VERMILLION, dashed=True)],
            custom={"axisSoftMax": 1.2},
        ),
    ]


def _alerts() -> list[Panel]:
    severity = {"id": "mappings", "value": _severities()}
    colored = {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}}
    firing = table(
        "What fires, and what to do",
        "Each alert that fires, in words. Which one would have woken you, and which one told you why?",
        QUIET,
        COLUMNS,
        [
            {"matcher": {"id": "byName", "options": "Severity"}, "properties": [severity, colored, _width(130)]},
            {"matcher": {"id": "byName", "options": "Alert"}, "properties": [_width(270)]},
            {"matcher": {"id": "byName", "options": "Service"}, "properties": [_width(130)]},
        ],
    )
    history = state_timeline(
        "Which alert fired when",
        "Read it from the left: the causes often fire before the users' pain, and go on after it.",
        [
            query(
                """max by (alertname) (ALERTS{alertstate="firing"})
                or on () label_replace(vector(0), "alertname", "none", "", "")""",
                "{{alertname}}",
            )
        ],
        meanings={0: ("quiet", GREEN), 1: ("FIRES", VERMILLION)},
    )
    return [firing, history]


def _width(pixels: int) -> dict[str, Any]:
    return {"id": "custom.width", "value": pixels}


def _severities() -> list[dict[str, Any]]:
    names = {"page": ("PAGE", VERMILLION), "ticket": ("ticket", ORANGE), "none": ("quiet", GREEN), "": ("?", PURPLE)}
    options = {
        name: {"text": text, "color": color, "index": index}
        for index, (name, (text, color)) in enumerate(names.items())
    }
    return [{"type": "value", "options": options}]


def slo() -> dict[str, Any]:
    """The dashboard that an error budget policy is decided on."""
    firing, history = _alerts()
    rows = [
        (4, [(5, panel) for panel in _objective()] + list(zip((5, 5, 4), _burn_and_alerts(), strict=True))),
        (10, [(24, firing)]),
        (10, [(12, panel) for panel in _burning()]),
        (9, [(24, history)]),
    ]
    return dashboard("lab-slo", "Is the objective met, and what fires?", rows, since="now-15m")
