"""A team's lab in this machine's Docker: a project of its own, on ports of its own."""

from __future__ import annotations

from collections.abc import Sequence

from labcli import share
from labcli.compose import Compose, check_before_start, docker_error
from labcli.config import Config
from labcli.context import Context
from labcli.errors import LabError
from labcli.infra_record import infra_record
from services.common.topology import instances

from .roster import Team

STEP = 100  # between the ports of a team and those of the next
START_SECONDS = 300.0
STOP_SECONDS = 120.0


def services(config: Config) -> list[str]:
    """What a team's lab runs: neither Prometheus nor Grafana, for their weight, unless LAB_SERVICES says so."""
    return config.variables.get("LAB_SERVICES", "").split() or [each.name for each in instances()]


def team_of(config: Config, name: str, number: int, token: str) -> Team:
    """A new team, on ports above those of the lab with the configuration's offset."""
    offset = config.offset + STEP * number
    team = Team(name, number, token=token, offset=offset)
    own = team.config(config)
    for variable in ("LAB_PORT", "FRONTEND_PORT"):
        own.port(variable)  # which may be refused
    share.check_bind(own, local=False)
    return Team(name, number, share.view_url(own).removesuffix("/view"), token, offset)


def build(ctx: Context, team: Team) -> None:
    """Build the images, once for all teams."""
    ctx.console.note("building the images; the first time this takes minutes ...")
    compose = Compose(team.config(ctx.config))
    if compose.run("build", *services(ctx.config), to_stderr=ctx.console.as_json) != 0:
        raise LabError("the images could not be built; the lines above say why")


def start(ctx: Context, wanted: Sequence[str]) -> None:
    """Start a team's containers, and wait until they are healthy."""
    compose = Compose(ctx.config)
    check_before_start(ctx, compose, wanted)
    started = compose.capture("up", "-d", "--no-build", "--wait", *wanted, timeout=START_SECONDS)
    if not started.ok:
        raise LabError(f"docker compose up: {started.complaint}", f"look: {ctx.config.hint('doctor')}")


def stop(ctx: Context) -> str:
    """Remove a team's containers, its network and its journal."""
    stopped = Compose(ctx.config).capture("down", "--volumes", timeout=STOP_SECONDS)
    if not stopped.ok:
        raise docker_error(stopped)
    infra_record(ctx.config).unlink(missing_ok=True)
    return "stopped and removed"
