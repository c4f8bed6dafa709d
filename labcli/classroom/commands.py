"""The commands `class`: up, down, scene, drill, reset."""

from __future__ import annotations

import secrets
from argparse import Namespace
from collections.abc import Callable

from labcli import infra, share
from labcli.context import Context
from labcli.errors import LabError, UsageError
from labcli.lock import alone
from services.common.words import duration_words

from . import cluster, docker
from .each import Do, each
from .roster import UP, Team, chosen_teams, save_teams, saved_teams

STARTS_AT_ONCE = 4  # more only wait for each other's processor
DEFAULT_NAME = "team"
MAX_SEED = 2**31 - 1

Command = Callable[[Context, Namespace], int]


def up(ctx: Context, args: Namespace) -> int:
    """Start a lab for each team; those that are up already stay as they are."""
    _check_options(ctx, args)
    with alone(ctx.config, "class"):
        teams = _wanted_teams(ctx, args)
        save_teams(ctx.config, teams)  # first: what is started half-way can be ended
        if not args.in_cluster and not args.no_build:
            docker.build(ctx, teams[0])
        began = ctx.clock()

        def start(of_team: Context, team: Team) -> str:
            if team.namespace:
                cluster.start(of_team, team, args.values)
            else:
                docker.start(of_team, docker.services(ctx.config))
            return team.url or f"up: {of_team.config.hint('open')}"

        failed = each(ctx, teams, start, STARTS_AT_ONCE)
    ctx.console.say(
        f"{len(teams) - len(failed)} of {len(teams)} labs are up, after {duration_words(ctx.clock() - began)}"
    )
    ctx.console.say("Next: ./scripts/lab class board, ./scripts/lab class sheet; the end: ./scripts/lab class down")
    return int(bool(failed))


def _check_options(ctx: Context, args: Namespace) -> None:
    """Refuse what contradicts itself."""
    if ctx.config.namespace:
        raise UsageError(
            "a class has a namespace for each team: leave --kubernetes NAMESPACE out", f"{UP} --kubernetes"
        )
    if not args.in_cluster and (args.domain or args.values):
        raise UsageError("--domain and --values are for a class in a cluster: add --kubernetes")
    if args.in_cluster and args.no_build:
        raise UsageError("in a cluster nothing is built: the chart's values say which images to take")


def _wanted_teams(ctx: Context, args: Namespace) -> list[Team]:
    """The teams on file, and new ones up to the number that is asked for."""
    teams = saved_teams(ctx.config)
    if teams and bool(teams[0].namespace) != args.in_cluster:
        where = "in a cluster" if teams[0].namespace else "in Docker"
        raise LabError(f"a class is up {where} already", "end it first: ./scripts/lab class down")
    if len(teams) > args.teams:
        raise LabError(f"{len(teams)} teams are there already", "end the class first: ./scripts/lab class down")
    name = teams[0].name.rpartition("-")[0] if teams else ctx.config.given_project or DEFAULT_NAME
    needs_token = bool(args.domain) or share.is_shared(ctx.config)
    for number in range(len(teams) + 1, args.teams + 1):
        token = secrets.token_hex(6) if needs_token else ""
        called = f"{name}-{number}"
        if args.in_cluster:
            teams.append(cluster.team_of(called, number, token, args.domain))
        else:
            teams.append(docker.team_of(ctx.config, called, number, token))
    return teams


def down(ctx: Context, args: Namespace) -> int:
    """End all labs; a team whose lab could not be ended stays on file."""
    with alone(ctx.config, "class"):
        teams = saved_teams(ctx.config)
        if not teams:
            ctx.console.answer({"teams": 0}, "there is no class: nothing to stop")
            return 0
        failed = each(ctx, teams, lambda of_team, team: (cluster if team.namespace else docker).stop(of_team))
        save_teams(ctx.config, [team for team in teams if team in failed])
    return int(bool(failed))


def scene(ctx: Context, args: Namespace) -> int:
    """Start a scene in every lab, or in one."""

    def start(of_team: Context, team: Team) -> str:
        of_team.room.post(f"/api/scenes/{args.name}", {"narrate": False})
        return f"{args.name} is on"

    return _act(ctx, args, start)


def drill(ctx: Context, args: Namespace) -> int:
    """Start a drill in every lab, or in one, or end it. All get the same seed, and so the same fault."""
    body = {"action": "end"} if args.end else {"action": "start", "seed": args.seed or secrets.randbelow(MAX_SEED) + 1}
    if args.level is not None and not args.end:
        body["level"] = args.level

    def act(of_team: Context, team: Team) -> str:
        of_team.room.post("/api/drill", body)
        return "the drill has ended" if args.end else "a drill is on"

    return _act(ctx, args, act)


def reset(ctx: Context, args: Namespace) -> int:
    """Reset every lab, or one, and undo what `infra` did to it."""

    def put_back(of_team: Context, team: Team) -> str:
        infra.heal_what_is_recorded(of_team)
        answer = of_team.room.post("/api/reset", {})
        if answer["status"] != "GREEN":
            raise LabError(f"{answer['status']} after {duration_words(answer['seconds'])}")
        return f"GREEN {duration_words(answer['seconds'])} into its reset"

    return _act(ctx, args, put_back)


def _act(ctx: Context, args: Namespace, do: Do) -> int:
    failed = each(ctx, chosen_teams(ctx.config, args.team), do)
    return int(bool(failed))
