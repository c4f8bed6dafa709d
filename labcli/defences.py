"""Defences on the command line: --with DEFENCE[:param=value,...], and the service that is meant."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .api import Document
from .errors import UsageError
from .names import Names, Switches
from .switching import key_value


@dataclass(frozen=True)
class Wanted:
    """A defence as it was asked for; no service is "the one that the scene is about"."""

    service: str | None
    name: str
    params: dict[str, Any]


def wanted(text: str) -> Wanted:
    """What one --with says; argparse calls this."""
    place, _, params = text.partition(":")
    service, dot, name = place.rpartition(".")
    if not name or (dot and not service):
        raise ArgumentTypeError(f"{text!r}: write it as DEFENCE, SERVICE.DEFENCE or DEFENCE:param=value,...")
    return Wanted(service or None, name, dict(key_value(each) for each in params.split(",") if each))


def resolved(asked: Wanted, catalogue: Switches, services: Collection[str]) -> Document:
    """The defence as the control room takes it; `services` are those whose sizes the scene sets.

    Raises:
        UsageError: there is no such defence, or more than one service may be meant.
    """
    owners = [
        service
        for service, switches in catalogue.items()
        if any(switch["kind"] == "defence" and switch["name"] == asked.name for switch in switches)
    ]
    if not owners:
        names = {each["name"] for switches in catalogue.values() for each in switches if each["kind"] == "defence"}
        guesses = Names(catalogue, ()).guesses(asked.name, names, "defences")
        raise UsageError(f"there is no defence {asked.name!r}", *guesses)
    service = asked.service or _only([owner for owner in owners if owner in services]) or _only(owners)
    if service is None or service not in owners:
        choices = " or ".join(f"--with {owner}.{asked.name}" for owner in owners)
        raise UsageError(f"which service's {asked.name}?", choices)
    return {"service": service, "name": asked.name, "params": asked.params}


def _only(services: list[str]) -> str | None:
    return services[0] if len(services) == 1 else None


def services_of(scene: Document) -> set[str]:
    """The services whose sizes a scene sets at its start."""
    return {switch["service"] for switch in scene["switches"] if switch["kind"] == "setting"}
