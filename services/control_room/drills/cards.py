"""The deck: what may go wrong in a drill, read from deck/level*.toml. docs/game-day.md says what a card holds."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from services.common.http import problems
from services.common.scenes.files import switched_of
from services.common.scenes.model import Switched
from services.common.switches.catalogue import CATALOGUE, check_switch
from services.common.switches.settings import ArrivalsSetting, UpstreamSetting
from services.common.tables import at, made, read_toml, tables_of
from services.common.topology import API, FRONTEND, SWITCHED, SWITCHED_NAMES, TRAFFIC

FOLDER = Path(__file__).parent / "deck"
LEVELS = (1, 2, 3)
HINTS = 3
DIAGNOSES = ("failure", "setting")  # the kinds of switch that may be the cause


@dataclass(frozen=True)
class Card:
    """One hidden fault. `setup` is on from the start, for all to see; `faults` come later and are hidden.

    `cure` is one way to serve the users again: defences and settings, as the room has them.
    """

    key: str
    title: str
    level: int
    rps: float
    mechanism: str
    faults: tuple[Switched, ...]
    hints: tuple[str, ...]
    questions: tuple[str, ...]
    setup: tuple[Switched, ...] = ()
    cure: tuple[Switched, ...] = ()
    patience_seconds: float = ArrivalsSetting.patience_seconds.default

    @property
    def is_traffic_alone(self) -> bool:
        """Whether nothing is wrong but the traffic."""
        return all(fault.service == TRAFFIC.name for fault in self.faults)

    def arrivals(self, rps: float, seed: int) -> Switched:
        """The users of this drill."""
        params = {"rps": rps, "patience_seconds": self.patience_seconds, "seed": seed}
        return Switched(TRAFFIC.name, "setting", ArrivalsSetting.name, params)

    def named_by(self, service: str, switch: str) -> Switched | None:
        """The fault that this diagnosis names: the service, or the one instance that has it, and the switch."""
        for fault in self.faults:
            instances = {each.name for each in SWITCHED_NAMES[fault.service]}
            is_there = service == fault.service or (self._is_alone(fault.service) and service in instances)
            if is_there and switch == fault.name:
                return fault
        return None

    def _is_alone(self, service: str) -> bool:
        """Whether one instance of the service is in use, so that its name and the service's mean the same."""
        return service != API.name or API.name not in _balanced(self.setup)

    def choices(self) -> list[dict[str, Any]]:
        """What a diagnosis is chosen from: for each place, the switches that it has, JSON-ready."""
        balanced = _balanced(self.setup)
        places: list[str] = []
        for spec in SWITCHED:
            places += [spec.name, *(each.name for each in spec.instances if spec.name in balanced)]
        return [{"service": place, "switches": _switches_of(place)} for place in places]


def _balanced(setup: tuple[Switched, ...]) -> set[str]:
    """The services of which several instances are in use."""
    upstream = (each for each in setup if (each.service, each.name) == (FRONTEND.name, UpstreamSetting.name))
    return {API.name for each in upstream if each.params.get("replicas", 1) > 1}


def _switches_of(place: str) -> list[dict[str, str]]:
    found = CATALOGUE[SWITCHED_NAMES[place][0].spec.name]
    return [{"name": each.name, "story": each.story} for each in found if each.kind in DIAGNOSES]


@cache
def deck() -> dict[str, Card]:
    """Every card, by its key.

    Raises:
        InvalidParameter: naming the file, the card and what is wrong.
    """
    found: dict[str, Card] = {}
    for level in LEVELS:
        path = FOLDER / f"level{level}.toml"
        with at(path.name):
            for card in tables_of(read_toml(path), "card", _card_of):
                if card.key in found:
                    raise problems.InvalidParameter(f"there is a card {card.key!r} already", field="key")
                found[card.key] = replace(card, level=level)
    return found


def _card_of(entry: dict[str, Any]) -> Card:
    switches = {key: tables_of(entry, key, switched_of) for key in ("setup", "faults", "cure")}
    card: Card = made(Card, {**entry, **switches}, level=0)
    arrivals = card.arrivals(card.rps, 0)
    check_switch(arrivals.service, arrivals.kind, arrivals.name, arrivals.params)
    if not card.faults:
        raise problems.InvalidParameter("faults is missing", field="faults")
    if len(card.hints) != HINTS:
        raise problems.InvalidParameter(f"it needs {HINTS} hints, not {len(card.hints)}", field="hints")
    shown = {(each.service, each.name) for each in card.setup}
    for fault in card.faults:
        if (fault.service, fault.name) in shown:
            raise problems.InvalidParameter(f"{fault.name} is in setup, for all to see: it cannot be hidden too")
        if fault.kind not in DIAGNOSES:
            raise problems.InvalidParameter(f"a {fault.kind} is no fault", field="faults", allowed=list(DIAGNOSES))
    return card


def draw(level: int | None, dice: random.Random) -> Card:
    """A card of this level, or of any."""
    return dice.choice([card for card in deck().values() if level in (None, card.level)])
