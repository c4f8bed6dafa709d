"""Docker mode: the lab as containers, through `docker compose`."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from services.common.topology import API, CONTROL_ROOM, FRONTEND

from . import local, ports, share
from .api import Document
from .config import DEFAULT_PORTS, Config
from .context import Context
from .errors import LabError
from .infra_record import infra_record
from .lock import alone, why_not_writable
from .plan import memory_limit_bytes
from .shell import NOT_FOUND, Result, capture, run

LOG_LINES = 20
# The services that a person can open, by their name for people, with the variable that holds their port.
PUBLISHED = {
    CONTROL_ROOM.name: ("control room", CONTROL_ROOM.published),
    "grafana": ("Grafana", "GRAFANA_PORT"),
    "prometheus": ("Prometheus", "PROMETHEUS_PORT"),
    FRONTEND.name: (FRONTEND.name, FRONTEND.published),
}


class Compose:
    """`docker compose` for one lab: its project, and the ports that it publishes."""

    def __init__(self, config: Config) -> None:
        self._base = ["docker", "compose", "--project-directory", str(config.repo), "-p", config.project]
        ports_ = {name: str(config.port(name)) for name in DEFAULT_PORTS}
        self._env = dict(os.environ) | ports_ | {"LAB_ADDRESS": share.address(config), "LAB_TOKEN": config.token}

    def run(self, *words: str, to_stderr: bool) -> int:
        """A subcommand that talks to the person itself."""
        return run([*self._base, *words], env=self._env, to_stderr=to_stderr)

    def capture(self, *words: str, timeout: float = 30) -> Result:
        """A subcommand whose output is read."""
        return capture([*self._base, *words], env=self._env, timeout=timeout)

    def containers(self) -> dict[str, Document]:
        """Every container of the lab, running or not, by its service.

        Raises:
            LabError: Docker or its Compose plugin is not there, or does not answer.
        """
        listed = self.capture("ps", "--all", "--format", "json")
        if not listed.ok:
            raise docker_error(listed)
        found = [json.loads(line) for line in listed.out.splitlines() if line.startswith("{")]
        return {container["Service"]: container for container in found}


def docker_error(result: Result) -> LabError:
    """What is wrong with Docker, and the ways out."""
    local_way = "or run the lab without Docker: ./scripts/lab up --local"
    if result.code == NOT_FOUND:
        return LabError("Docker is not installed (no `docker` on PATH)", "install Docker with Compose", local_way)
    if "is not a docker command" in result.err or "unknown flag" in result.err:
        return LabError("Docker has no Compose plugin", "install docker-compose-plugin", local_way)
    return LabError(f"Docker does not answer: {result.complaint}", "is it running, and may you use it?", local_way)


def up(ctx: Context, args: Namespace) -> int:
    """Build and start the containers, wait until they are healthy, and say where the lab is."""
    # Containers need nothing of this checkout that could be written: where it cannot, nothing keeps two apart.
    is_writable = why_not_writable(ctx.config) is None
    with alone(ctx.config, f"docker-{ctx.config.project}") if is_writable else nullcontext():
        return _up(ctx, build=not args.no_build)


def _up(ctx: Context, *, build: bool) -> int:
    compose = Compose(ctx.config)
    services = ctx.config.variables.get("LAB_SERVICES", "").split()
    check_before_start(ctx, compose, services)
    doing = "building" if build else "pulling"
    ctx.console.note(f"{doing} and starting the containers; the first time this takes minutes ...")
    how = "--build" if build else "--no-build"
    try:
        code = compose.run("up", "-d", how, "--wait", *services, to_stderr=ctx.console.as_json)
    except KeyboardInterrupt:
        ctx.console.note(f"interrupted; what was started goes away with {ctx.config.hint('down')}")
        raise
    if code != 0:
        raise _failure(ctx, compose)
    urls = _urls(ctx.config, services)
    lines = ["The lab is up.", *(f"  {name:<13} {url}" for name, url in urls.items())]
    if share.is_shared(ctx.config):
        lines.append(f"  {'for the room':<13} {share.view_url(ctx.config)}  (shows all, changes nothing)")
    lines.append(f"Next: {ctx.config.hint('open')} or {ctx.config.hint('status --watch')}")
    lines.append(f"Stop it with {ctx.config.hint('down')}")
    document = {
        "mode": "docker",
        "status": "up",
        "url": ctx.config.url,
        "urls": urls,
        "view": share.view_url(ctx.config),
    }
    ctx.console.answer(document, "\n".join(lines))
    return 0


def check_before_start(ctx: Context, compose: Compose, services: Sequence[str]) -> None:
    """Refuse what Compose would only find out half-way; no service means all.

    Raises:
        LabError: another lab or another program is in the way, and which.
    """
    if local.is_up(ctx):
        raise LabError("a lab without Docker is up on these ports", f"stop it: {ctx.config.hint('down --local')}")
    memory_limit_bytes(ctx.config, API)  # which may be refused
    containers = compose.containers()
    _check_checkout(ctx.config, containers)
    _check_ports(ctx, containers, services)


def down(ctx: Context, args: Namespace) -> int:
    """Remove the lab's containers, its network and its journal."""
    compose = Compose(ctx.config)
    was_up = bool(compose.containers())
    if was_up and compose.run("down", "--volumes", to_stderr=ctx.console.as_json) != 0:
        raise LabError("`docker compose down` failed; its lines above say why")
    infra_record(ctx.config).unlink(missing_ok=True)
    text = "stopped and removed" if was_up else "no lab is up in Docker: nothing to stop"
    if not was_up and local.is_up(ctx):
        text += f"; one is up without Docker: {ctx.config.hint('down --local')}"
    ctx.console.answer({"mode": "docker", "status": "stopped" if was_up else "was not up"}, text)
    return 0


def published_ports(containers: Mapping[str, Document]) -> set[int]:
    """The ports of this machine that these containers hold."""
    return {
        publisher["PublishedPort"] for container in containers.values() for publisher in container["Publishers"] or []
    }


def _check_checkout(config: Config, containers: Mapping[str, Document]) -> None:
    """Refuse to take over the containers of another checkout, which have this lab's name."""
    for container in containers.values():
        labels = dict(label.partition("=")[::2] for label in container.get("Labels", "").split(","))
        elsewhere = labels.get("com.docker.compose.project.working_dir", str(config.repo))
        if elsewhere != str(config.repo):
            raise LabError(
                f"the lab {config.project} is up from another checkout: {elsewhere}",
                f"stop it there, or start beside it: ./scripts/lab up --port-offset {config.offset + 100}",
            )


def _check_ports(ctx: Context, containers: Mapping[str, Document], services: Sequence[str]) -> None:
    """Refuse to start where somebody else listens, and say who; Compose would stop half-way."""
    own = published_ports(containers)
    wanted = {ctx.config.port(PUBLISHED[name][1]): name for name in PUBLISHED if not services or name in services}
    busy = [port for port in wanted if port not in own and not ports.is_free(port)]
    if busy:
        lines = [f"port {port} ({wanted[port]}) is held by {ports.holder(port)}" for port in busy]
        raise LabError("ports that the lab needs are busy", *lines, ports.way_out(ctx.config, "up"))


def _failure(ctx: Context, compose: Compose) -> LabError:
    """Show the last log lines of each container that is not well."""
    for service, container in compose.containers().items():
        if container["State"] == "running" and container["Health"] in ("healthy", ""):
            continue
        state = container["Health"] or container["State"]
        ctx.console.note(f"{service} is {state}; the end of its log:")
        log = compose.capture("logs", "--no-color", "--no-log-prefix", "--tail", str(LOG_LINES), service)
        for line in (log.out or log.err or "(it said nothing)").splitlines():
            ctx.console.note(f"  {line}")
    return LabError("the lab did not come up", f"is it this machine? {ctx.config.hint('doctor')}")


def _urls(config: Config, services: list[str]) -> dict[str, str]:
    """What a person can open, of what was started."""
    return {
        title: config.address(port_name)
        for service, (title, port_name) in PUBLISHED.items()
        if not services or service in services
    }
