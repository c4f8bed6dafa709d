"""The command `infra`: failures from outside, done from the host to a whole service, and undone by `heal`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Protocol

from services.common.topology import BY_NAME

from . import local
from .context import Context
from .errors import LabError
from .infra_docker import DockerInfra
from .infra_kubernetes import KubernetesInfra
from .infra_local import LocalInfra
from .infra_record import infra_record
from .names import Names


class Infra(Protocol):
    """What can be done to the services of one lab, whatever it runs on. Each step is a sentence for people."""

    def services(self) -> Sequence[str]:
        """The names of the services that are there."""

    def changed(self) -> Sequence[str]:
        """The services to which something was done that is not yet undone."""

    def kill(self, service: str) -> str:
        """Kill it; it stays down."""

    def pause(self, service: str) -> str:
        """Freeze it: its connections stay open, and nobody answers."""

    def disconnect(self, service: str) -> str:
        """Cut it off from the network."""

    def limit_cpu(self, service: str, cpus: float) -> str:
        """Leave it this many CPUs."""

    def heal(self, service: str) -> list[str]:
        """Undo all of it, and wait until the service is well."""


def infra(ctx: Context, args: Namespace) -> int:
    """Do something to a service from outside, or undo it."""
    lab = _lab_of(ctx)
    names = list(lab.changed()) if args.service is None else _named(ctx, lab, args.service)
    if args.action == "heal":
        return _heal(ctx, lab, names)
    steps = {name: _do(lab, args, name) for name in names}
    ctx.console.data({"service": args.service, "action": args.action, "steps": list(steps.values())})
    for name, step in steps.items():
        ctx.console.say(f"{name}: {step}; undo it with {ctx.config.hint(f'infra heal {name}')}")
    return 0


def _named(ctx: Context, lab: Infra, name: str) -> list[str]:
    """The containers, or processes, that are meant: an instance by its name, a service's are all of its instances."""
    there = lab.services()
    if name in there:
        return [name]
    found = [each.name for each in BY_NAME[name].instances if each.name in there] if name in BY_NAME else []
    if not found:
        services = {spec.name for spec in BY_NAME.values() if any(each.name in there for each in spec.instances)}
        known = sorted({*there, *services})
        guesses = Names.of_this_checkout(ctx.config.hint).guesses(name, known, "services")
        raise LabError(f"there is no service {name!r} here", *guesses)
    return found


def heal_what_is_recorded(ctx: Context) -> list[str]:
    """Undo whatever `infra` did to this lab; the services that were healed."""
    nothing_done = not local.is_up(ctx) and not infra_record(ctx.config).exists()
    if not ctx.config.namespace and (ctx.config.is_elsewhere or nothing_done):
        return []
    lab = _lab_of(ctx)
    healed = list(lab.changed())
    for service in healed:
        _heal_one(ctx, lab, service)
    return healed


def _lab_of(ctx: Context) -> Infra:
    """The lab that is meant: pods of a namespace, or processes if there is a supervisor, else containers."""
    if not ctx.config.namespace and local.is_up(ctx):
        return LocalInfra(ctx)
    lab = KubernetesInfra(ctx) if ctx.config.namespace else DockerInfra(ctx)
    if not lab.services():
        raise LabError("no lab is up here", f"start one: {ctx.config.hint('up')}")
    return lab


def _do(lab: Infra, args: Namespace, name: str) -> str:
    """The action of the command line."""
    if args.action == "limit-cpu":
        return lab.limit_cpu(name, args.cpus)
    return {"kill": lab.kill, "pause": lab.pause, "disconnect": lab.disconnect}[args.action](name)


def _heal(ctx: Context, lab: Infra, services: list[str]) -> int:
    """Undo what was done to these."""
    steps = {service: _heal_one(ctx, lab, service) for service in services}
    ctx.console.data({"action": "heal", "healed": steps})
    if not services:
        ctx.console.say("nothing to heal: `infra` has done nothing to this lab")
    return 0


def _heal_one(ctx: Context, lab: Infra, service: str) -> list[str]:
    """Undo what was done to one, and say so."""
    ctx.console.note(f"healing {service}, and waiting until it is well ...")
    steps = lab.heal(service)
    ctx.console.say(f"{service}: {', '.join(steps)}")
    return steps
