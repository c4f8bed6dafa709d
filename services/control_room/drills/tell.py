"""What is told of a drill: to everybody while it hides what is wrong, to its presenter, and to all when it is over."""

from __future__ import annotations

from typing import Any

from services.common.scenes.model import Switched
from services.common.words import duration_words, params_words
from services.control_room.drills.drill import FROZEN, HIDDEN, Drill, Team

# What a team is on the board, while the drill goes on.
WATCHING, DECLARED, DIAGNOSED = "watching", "incident declared", "diagnosed"


def public(drill: Drill, now: float, *, team: Team | None = None, with_teams: bool = False) -> dict[str, Any]:
    """What everybody may know, JSON-ready; `mine` is what `team` may."""
    over = not drill.is_running
    document: dict[str, Any] = {
        "phase": "ended" if over else "running",
        "level": drill.level,
        "started_at": drill.started_at,
        "seconds": round((drill.ended_at or now) - drill.started_at, 1),
        "board": drill.board,
        "result": result(drill) if over else None,
    }
    if not with_teams:
        return document
    shown = None if drill.board == HIDDEN else drill.frozen if drill.board == FROZEN else rows(drill)
    mine = _mine(drill, team) if team is not None else None
    return {**document, "teams": shown, "mine": mine, "choices": drill.card.choices()}


def rows(drill: Drill) -> list[dict[str, Any]]:
    """The board: a row for each team, by their points when the drill is over; before, points would tell the fault."""
    found = [_row(drill, team) for team in drill.teams.values()]
    return found if drill.is_running else sorted(found, key=lambda row: -row["points"])


def _row(drill: Drill, team: Team) -> dict[str, Any]:
    state = DIAGNOSED if drill.diagnosed_at(team) else DECLARED if team.first("detected") else WATCHING
    counted = {"wrong": team.count("diagnosis", good=False), "hints": team.count("hint", good=True)}
    row: dict[str, Any] = {"team": team.name, "state": state, **counted}
    if drill.is_running:
        return row
    scored = drill.score(team)
    times = {name: getattr(scored, name) for name in ("detect_seconds", "diagnose_seconds", "mitigate_seconds")}
    return {**row, "points": scored.points, **times, "costs": scored.costs}


def _mine(drill: Drill, team: Team) -> dict[str, Any]:
    """What a team knows of itself."""
    hints = drill.card.hints
    taken = hints[: team.count("hint", good=True)] if drill.is_running else hints
    return {
        "team": team.name,
        "detected": team.first("detected") is not None,
        "diagnosed": drill.diagnosed_at(team) is not None,
        "found": [in_words(drill.card.faults[number]) for number in sorted(drill.named(team))],
        "hints": list(taken),
        "hints_left": len(hints) - len(taken),
        "said": _said(drill, team),
    }


def _said(drill: Drill, team: Team) -> str:
    """What the lab says to the team's last answer."""
    if not team.answers:
        return ""
    last = team.answers[-1]
    if last.kind == "detected":
        return "Noted: an incident. Where is it, and what?" if last.good else "A false alarm: nothing is wrong yet."
    if last.kind == "hint":
        return "" if last.good else "There are no more hints."
    if not last.good:
        return "That is not it."
    whole = drill.diagnosed_at(team) is not None
    return "Right. Now help the users, if you have not yet." if whole else "Right, and that is not all of it."


def in_words(switched: Switched) -> str:
    """A fault as people say it: "database: slow_query (min_seconds 1, max_seconds 2)"."""
    return f"{switched.service}: {switched.name}{params_words(switched.params)}"


def result(drill: Drill) -> dict[str, Any]:
    """What it was, when all may know, JSON-ready. Seconds are since the start; None is never."""
    card = drill.card

    def at(moment: float | None) -> float | None:
        return None if moment is None else round(moment - drill.started_at, 1)

    return {
        "card": card.key,
        "title": card.title,
        "seed": drill.seed,
        "is_traffic_alone": card.is_traffic_alone,
        "mechanism": card.mechanism,
        "faults": [in_words(fault) for fault in card.faults],
        "cure": [in_words(switched) for switched in card.cure],
        "hints": list(card.hints),
        "questions": list(card.questions),
        "fault_seconds": at(drill.fault_at),
        "hurt_seconds": at(drill.hurt_at),
        "mitigated_seconds": at(drill.mitigated_at),
        "mitigate_seconds": drill.mitigate_seconds,
        "users_lost": drill.lost,
        "users": drill.users,
        "why_ended": drill.why_ended,
        "solved": is_solved(drill),
        "words": _ending(drill),
    }


def is_solved(drill: Drill) -> bool:
    """Whether a team named the cause, and the users were well in the end."""
    found = any(drill.diagnosed_at(team) for team in drill.teams.values())
    return found and drill.fault_at is not None and (drill.hurt_at is None or drill.mitigated_at is not None)


def _ending(drill: Drill) -> str:
    """How it ended, in a sentence."""
    if drill.fault_at is None:
        return "It ended before anything was wrong."
    named = [drill.diagnosed_at(team) for team in drill.teams.values()]
    moments = [moment for moment in named if moment is not None]
    cause = f"named after {duration_words(min(moments) - drill.fault_at)}" if moments else "never named"
    if drill.hurt_at is None:
        users = "no users were hurt"
    elif drill.mitigate_seconds is None:
        users = f"{drill.lost} users were lost, and the lab was not well again"
    else:
        after = duration_words(drill.mitigate_seconds)
        users = f"{drill.lost} users were lost until the lab was well again, after {after}"
    return f"The cause was {cause}; {users}."


def describe(drill: Drill) -> dict[str, Any]:
    """Everything, for the presenter, JSON-ready."""
    document = public(drill, drill.ended_at or drill.started_at, with_teams=True)
    return {**document, "teams": rows(drill), "secret": {**result(drill), "wait_seconds": round(drill.wait_seconds, 1)}}
