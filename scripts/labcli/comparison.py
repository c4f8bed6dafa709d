"""`scene NAME --with DEFENCE --compare`: the same users twice, without the defence and with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .api import Document
from .context import Context
from .views import comparison_table

# What counts as bad, of the measures that can be: the limits of the lab's own status.
RED_SUCCESS = 0.90
SLOW_SECONDS = 1.0
MANY_ATTEMPTS = 2.0
BAD_IN_WORDS = "bad is success below 90 %, RED, a dead page, 1 s or more, 2 attempts or more"
MARGIN_SECONDS = 10.0  # what the graphs show before the first run and after the second


def compare(ctx: Context, without: Document, defended: Document, ended_at: float) -> int:
    """Print one table of both runs; 0 when the first is as expected, and nothing that was bad in it is in the second.

    `ended_at` is when the second run ended, in seconds since 1970.
    """
    rows = [_row(*both) for both in zip(without["checks"], defended["checks"], strict=True)]
    remarks = [row["remark"] for row in rows]
    recovered = "recovered" in remarks and not {"still bad", "worse"} & set(remarks)
    as_expected = without["verdict"] == "pass"
    url = _graphs(ctx, without["started_at"], ended_at)
    ctx.console.data(
        {
            "scene": without["name"],
            "seed": without["seed"],
            "with": defended["with"],
            "rows": rows,
            "as_expected": as_expected,
            "recovered": recovered,
            "grafana": url,
        }
    )
    _tell(ctx, without, defended, rows, recovered, as_expected)
    if url:
        ctx.console.say(f"Both runs in Grafana (the green shade is the one with defences): {url}")
    return 0 if recovered and as_expected else 1


def _row(without: Document, defended: Document) -> dict[str, Any]:
    """One expectation in both runs, and what the defence did to it."""
    was, still = is_bad(without), is_bad(defended)
    remark = ("still bad" if still else "recovered") if was else ("worse" if still else "")
    return {
        "text": without["text"],
        "expected": without["expected"],
        "without": without["measured"],
        "with": defended["measured"],
        "remark": remark,
    }


def is_bad(check: Document) -> bool | None:
    """Whether a measured value is what an outage looks like; None for a measure that says nothing of users."""
    measure, value = check["measure"], check["value"]
    if measure in ("status", "about"):
        return value in ("RED", "dead")
    if measure == "success_ratio":
        return value is None or value < RED_SUCCESS
    if measure == "attempts_per_request":
        return value is not None and value >= MANY_ATTEMPTS
    if measure in ("p50_seconds", "p95_seconds", "slowest_seconds", "success_p50_seconds"):
        return value is None or value >= SLOW_SECONDS
    return None


def _graphs(ctx: Context, began_at: float, ended_at: float) -> str | None:
    """The dashboard over both runs; None for a lab elsewhere, whose Grafana is not known."""
    if ctx.config.is_elsewhere:
        return None
    began, ended = (round(1000 * moment) for moment in (began_at - MARGIN_SECONDS, ended_at + MARGIN_SECONDS))
    return f"{ctx.config.address('GRAFANA_PORT')}/d/lab-overview?from={began}&to={ended}"


def _tell(
    ctx: Context,
    without: Document,
    defended: Document,
    rows: Sequence[dict[str, Any]],
    recovered: bool,
    as_expected: bool,
) -> None:
    names = " and ".join(f"{entry['service']} {entry['name']}" for entry in defended["with"])
    say, paint = ctx.console.say, ctx.console.style.paint
    say()
    say(f"{without['name']}, the same users twice (seed {without['seed']}), without and with {names}")
    say()
    for line in comparison_table(rows, ctx.console.style):
        say(line)
    say()
    met = sum(check["outcome"] == "pass" for check in without["checks"])
    caveat = "" if as_expected else ", so there is little to compare with"
    say(f"without: {met} of {len(rows)} expectations as expected{caveat}")
    word = paint("recovered", "good") if recovered else paint("not recovered", "error")
    say(f"with:    {word}: {BAD_IN_WORDS}")
