"""Finds what somebody meant who wrote a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from services.common.topology import SWITCHED_NAMES

# The command that puts a switch of each kind on.
COMMANDS = {"failure": "fail", "defence": "defend", "setting": "set"}
Switches = dict[str, list[dict[str, Any]]]  # the catalogue: each service's


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """The names that somebody may have meant, the nearest first; words may be joined by "_" or "-"."""
    names = {entry.replace("_", "-"): entry for entry in known}
    found = difflib.get_close_matches(name.lower().replace("_", "-"), names, n=3)
    return [names[entry] for entry in found]


def did_you_mean(name: str, known: Iterable[str], what: str) -> str:
    """One line: the names near this one, or else all there are."""
    names = sorted(known)
    near = near_names(name, names)
    return f"did you mean {' or '.join(near)}?" if near else f"{what}: {', '.join(names) or 'none'}"


def switch_advice(catalogue: Switches, service: str, kind: str, name: str) -> str:
    """What may have been meant with a service, or a switch of that kind, that the catalogue has not."""
    if service not in SWITCHED_NAMES:
        return did_you_mean(service, SWITCHED_NAMES, "services")
    of_service = catalogue[SWITCHED_NAMES[service][0].spec.name]
    for switch in of_service:
        if switch["name"] == name and switch["kind"] != kind:
            other = switch["kind"]
            return f"{name} is a {other} of {service}: ./scripts/lab {COMMANDS[other]} {service} {name}"
    elsewhere = [other for other, switches in catalogue.items() if name in _names(switches, kind)]
    if elsewhere:
        commands = " or ".join(f"./scripts/lab {COMMANDS[kind]} {other} {name}" for other in elsewhere)
        return f"{' and '.join(elsewhere)} has it: {commands}"
    return did_you_mean(name, _names(catalogue[service], kind), f"{kind}s of {service}")


def _names(switches: list[dict[str, Any]], kind: str) -> list[str]:
    """The names of the switches of one kind."""
    return [switch["name"] for switch in switches if switch["kind"] == kind]
