"""The points of a team in a drill: a thousand, less what time, guesses, hints and lost users cost."""

from __future__ import annotations

from dataclasses import dataclass

POINTS = 1000
# The most that each second costs, a point each: after that a drill is long enough for everybody.
DETECT_POINTS, DIAGNOSE_POINTS, MITIGATE_POINTS = 200, 300, 300
WRONG_POINTS = FALSE_ALARM_POINTS = HINT_POINTS = 50
LOST_POINTS = 200  # if all users were lost


@dataclass(frozen=True)
class Scored:
    """What a team has, and what it paid for what. Seconds are since the fault; None is never."""

    points: int
    detect_seconds: float | None
    diagnose_seconds: float | None
    mitigate_seconds: float | None
    costs: dict[str, int]


def score(
    *,
    detect_seconds: float | None,
    diagnose_seconds: float | None,
    mitigate_seconds: float | None,
    has_come: bool,
    is_hurt: bool,
    whole_seconds: float,
    wrong: int,
    false_alarms: int,
    hints: int,
    lost_share: float,
) -> Scored:
    """The points of one team. What was never done costs the most that it can.

    While no fault `has_come` there is nothing to notice, and where no users are hurt there are none to help.
    """
    never = max(whole_seconds, DIAGNOSE_POINTS)
    costs = {
        "time to detect": min(DETECT_POINTS, round(_or(detect_seconds, never))) if has_come else 0,
        "time to diagnose": min(DIAGNOSE_POINTS, round(_or(diagnose_seconds, never))) if has_come else 0,
        "time to mitigate": min(MITIGATE_POINTS, round(_or(mitigate_seconds, never))) if is_hurt else 0,
        "users lost": round(LOST_POINTS * lost_share),
        "wrong answers": wrong * WRONG_POINTS,
        "false alarms": false_alarms * FALSE_ALARM_POINTS,
        "hints": hints * HINT_POINTS,
    }
    return Scored(
        max(0, POINTS - sum(costs.values())),
        detect_seconds,
        diagnose_seconds,
        mitigate_seconds,
        {what: points for what, points in costs.items() if points},
    )


def _or(seconds: float | None, otherwise: float) -> float:
    return otherwise if seconds is None else seconds
