"""Finds what somebody meant with a name that is unknown, or known as something else."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.common.topology import SWITCHED_NAMES

from .context import Context

# The commands that put a switch of each kind on and off.
COMMANDS = {"failure": "fail", "defence": "defend", "setting": "set"}
UNDOING = {"failure": "heal", "defence": "undefend", "setting": "set"}
INFRA_ACTIONS = ("kill", "pause", "disconnect", "limit-cpu")
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


def owner(service: str) -> str:
    """The service of an instance; a service is its own."""
    return SWITCHED_NAMES[service][0].spec.name


def plain_hint(words: str) -> str:
    """A command for the lab without an offset, as `Config.hint` has it."""
    return f"./scripts/lab {words}"


@dataclass(frozen=True)
class Wish:
    """What was asked for: of which service or instance if any, on or off, and with which parameters."""

    service: str | None = None
    active: bool = True
    params: Mapping[str, Any] | None = None

    def command(self, switch: Mapping[str, Any], service: str) -> str:
        """What does it with this switch of this service: "set api client timeout_seconds=20.0"."""
        kind = switch["kind"]
        words = [(COMMANDS if self.active else UNDOING)[kind], service, switch["name"]]
        if not self.active:
            return " ".join([*words, "--default"] if kind == "setting" else words)
        known = {param["name"]: param["default"] for param in switch["params"]}
        given = {key: value for key, value in (self.params or {}).items() if key in known}
        if kind == "setting" and not given:
            given = dict(list(known.items())[:1])  # `set` needs one: here with its default, to be changed
        return " ".join([*words, *(f"{key}={_typed(value)}" for key, value in given.items())])


@dataclass(frozen=True)
class Names:
    """Every name that a command may be given: each service's switches, and the scenes. `hint` makes it a command."""

    switches: Switches
    scenes: Collection[str]
    hint: Callable[[str], str] = plain_hint

    @classmethod
    def of_lab(cls, ctx: Context) -> Names:
        """As the lab has them."""
        scenes = [scene["name"] for scene in ctx.room.get("/api/scenes")["scenes"]]
        return cls(ctx.room.get("/api/catalogue")["services"], scenes, ctx.config.hint)

    @classmethod
    def of_this_checkout(cls, hint: Callable[[str], str] = plain_hint) -> Names:
        """As the files of this folder have them; the lab need not run."""
        from services.common.scenes.files import all_scenes
        from services.common.switches.catalogue import CATALOGUE

        switches = {service: [one.describe() for one in found] for service, found in CATALOGUE.items()}
        return cls(switches, all_scenes(), hint)

    def meant(self, name: str, wish: Wish | None = None) -> list[str]:
        """What has exactly this name, a line each with its command: switches, scenes, and what `infra` does."""
        wish = wish or Wish()
        lines = [line for line in (self._line(name, kind, wish) for kind in COMMANDS) if line]
        if name in self.scenes and not (lines and wish.service):
            lines.append(f"{name} is a scene: {self.hint(f'scene {name}')}")
        if name in INFRA_ACTIONS:
            command = f"infra {name if wish.active else 'heal'} {wish.service or 'SERVICE'}"
            lines.append(f"{name} is done from outside: {self.hint(command)}")
        return lines

    def _line(self, name: str, kind: str, wish: Wish) -> str:
        """The switches of this kind and name: whose they are, and the command for each; that of the service asked for
        stands alone."""
        found = {
            service: switch
            for service, switches in self.switches.items()
            for switch in switches
            if (switch["kind"], switch["name"]) == (kind, name)
        }
        if wish.service in SWITCHED_NAMES and owner(wish.service) in found:
            found = {wish.service: found[owner(wish.service)]}
        commands = " or ".join(self.hint(wish.command(switch, service)) for service, switch in found.items())
        return f"{name} is a {kind} of {' and '.join(found)}: {commands}" if found else ""

    def guesses(self, name: str, known: Iterable[str], what: str, wish: Wish | None = None) -> list[str]:
        """What may have been meant with a name that is none of those known: what else has it, or else those near it."""
        return self.meant(name, wish) or [did_you_mean(name, known, what)]

    def switch_guesses(self, service: str, kind: str, name: str, wish: Wish) -> list[str]:
        """What may have been meant with a service and a switch of that kind, which are not there."""
        if service not in SWITCHED_NAMES:
            swapped = Wish(name if name in SWITCHED_NAMES else None, wish.active, wish.params)
            return self.guesses(service, SWITCHED_NAMES, "services", swapped)
        exact = self.meant(name, wish)
        if exact:
            return exact
        own = self.switches[owner(service)]
        of_kind = [switch["name"] for switch in own if switch["kind"] == kind]
        near = [] if near_names(name, of_kind) else near_names(name, [switch["name"] for switch in own])
        return [line for one in near for line in self.meant(one, wish)] or [
            did_you_mean(name, of_kind, f"{kind}s of {service}")
        ]


def _typed(value: Any) -> str:
    """A parameter's value as somebody types it."""
    return value if isinstance(value, str) else json.dumps(value)
