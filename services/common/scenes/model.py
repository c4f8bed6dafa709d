"""Scenes: a story, steps, switches, and expectations as numbers that the lab checks itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.common.switches.settings import ArrivalsSetting
from services.common.words import percent, two_digits

# What a scene may be about, on the stage: the page has a chart of each.
CHARTS = (
    "success",
    "wait",
    "queue",
    "threads",
    "memory",
    "staircase",
    "littles_law",
    "api_load",
    "database_load",
)
SCALES = {"%": 100.0, "ms": 1000.0}  # how a value is shown under a unit
SCENES_OF_THE_SHOW = 5  # the first ones; the others are patterns of outages


@dataclass(frozen=True)
class Switched:
    """A switch that a scene puts on."""

    service: str
    kind: str
    name: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """Something that happens at a moment of the scene, in seconds from its start: first `off`, then `on`.

    From then on the stage says its `sentence`; without one, the sentence before it stays.
    """

    say: str
    at_seconds: float = 0
    sentence: str = ""
    rps: float | None = None
    requests: int = 0
    on: tuple[Switched, ...] = ()
    off: tuple[Switched, ...] = ()


@dataclass(frozen=True)
class Expectation:
    """A number, or a word, that the scene must show.

    With `within_seconds` it is looked for until it is there; with `at_seconds` it is measured once, then.
    `window_seconds` is how far back a measurement looks, and `instance` whom it is about, where it is about one.
    """

    text: str
    measure: str
    minimum: float | None = None
    maximum: float | None = None
    equals: str | None = None
    unit: str = ""
    at_seconds: float | None = None
    within_seconds: float | None = None
    window_seconds: float = 15
    request: int = 0
    contains: str = ""
    instance: str = ""

    def is_met_by(self, value: float | str | None) -> bool:
        """Whether a measured value is what was expected; None never is."""
        if value is None or isinstance(value, str):
            return value is not None and value == self.equals
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    def expected(self) -> str:
        """What is expected, in words: "25 to 45 %"."""
        if self.equals is not None:
            return self.equals
        low = None if self.minimum is None else in_unit(self.minimum, self.unit)
        high = None if self.maximum is None else in_unit(self.maximum, self.unit)
        if low == high:
            return f"{low} {self.unit}".strip()
        words = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
        return f"{words} {self.unit}".strip()

    def shown(self, value: float | str | None) -> str:
        """A measured value in words."""
        if value is None:
            return "nothing measured"
        return value if isinstance(value, str) else f"{self.number(value)} {self.unit}".strip()

    def number(self, value: float) -> str:
        """A measured number without its unit: two digits, or more where a bound asks for them."""
        text = percent(value) if self.unit == "%" else two_digits(value * SCALES.get(self.unit, 1.0))
        rounded = float(text) / SCALES.get(self.unit, 1.0)
        return text if self.is_met_by(rounded) == self.is_met_by(value) else in_unit(value, self.unit)


def in_unit(value: float, unit: str) -> str:
    """A bound for people: ratios as per cent and seconds as milliseconds where the unit says so."""
    scaled = value * SCALES.get(unit, 1.0)
    return f"{scaled:.0f}" if abs(scaled) >= 100 or scaled == int(scaled) else f"{scaled:.3g}"


@dataclass(frozen=True)
class Play:
    """How a scene is played: told step by step or not, with which defences added, and with which seed of arrivals.

    `hands_on` leaves its test requests to the presenter, and waits for each. With `then` the scene is played once more
    for the same users, when all of its expectations are decided: with these defences, too.
    """

    narrate: bool = False
    defences: tuple[Switched, ...] = ()
    seed: int = 0
    hands_on: bool = False
    then: tuple[Switched, ...] = ()

    @property
    def added(self) -> str:
        """The added defences, in words."""
        return ", ".join(f"{each.service}.{each.name}" for each in self.defences)

    def describe(self) -> dict[str, Any]:
        """As in the body of `POST /api/scenes/{name}`, JSON-ready."""
        return {
            "narrate": self.narrate,
            "with": [described(each) for each in self.defences],
            "seed": self.seed,
            "hands_on": self.hands_on,
            "then_with": [described(each) for each in self.then],
        }


def described(defence: Switched) -> dict[str, Any]:
    """A defence as in the body of `POST /api/scenes/{name}`, JSON-ready."""
    return {"service": defence.service, "name": defence.name, "params": defence.params}


@dataclass(frozen=True)
class Option:
    """An answer to a bet. It is right if what is measured for it lies in its bounds, or is the word that it `equals`.

    `expect` is the text of the scene's expectation that is measured. With `defences` the scene is played with them,
    and measured then.
    """

    key: str
    text: str
    expect: str = ""
    minimum: float | None = None
    maximum: float | None = None
    equals: str | None = None
    defences: tuple[Switched, ...] = ()

    def is_right(self, expectation: Expectation, value: float | str | None) -> bool:
        """Whether what its expectation measured makes it right; None makes nothing right."""
        return replace(expectation, minimum=self.minimum, maximum=self.maximum, equals=self.equals).is_met_by(value)


@dataclass(frozen=True)
class Bet:
    """A question that the room votes on before the scene starts, and the lab decides by measuring.

    `expect` is that of each option that names no other one.
    """

    key: str
    question: str
    options: tuple[Option, ...]
    expect: str = ""


@dataclass(frozen=True)
class Scene:
    """One scene. Each starts with a reset; after it come `rps` users a second, who wait `patience_seconds`.

    `story`, `do` and `watch` are read before it is played, `lesson` after it: what it has shown, and what cures it.
    `questions` are for the discussion at the end, in its report.
    On stage it has a `sentence`, until a step has another one, and the `chart` that it is about, one of CHARTS.
    `cliff_rps` is the highest load of its cliff: of the curve that says at which load it recovers once its trigger is
    gone. 0 is a scene without one.
    """

    name: str
    title: str
    order: int
    story: str
    do: tuple[str, ...]
    watch: tuple[str, ...]
    rps: float
    switches: tuple[Switched, ...]
    steps: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    lesson: str = ""
    questions: tuple[str, ...] = ()
    sentence: str = ""
    chart: str = CHARTS[0]
    bet: tuple[Bet, ...] = ()
    patience_seconds: float = ArrivalsSetting.patience_seconds.default
    cliff_rps: float = 0

    @property
    def duration_seconds(self) -> float:
        """When the last expectation is decided."""
        moments = [entry.at_seconds or entry.within_seconds or 0 for entry in self.expect]
        return max([*moments, *(step.at_seconds for step in self.steps)])

    @property
    def requests(self) -> int:
        """How many test requests its steps send."""
        return sum(step.requests for step in self.steps)

    @property
    def cures(self) -> list[Switched]:
        """The defences that its steps try, each once."""
        found = {(each.service, each.name): each for step in self.steps for each in step.on if each.kind == "defence"}
        return list(found.values())

    def defended(self, defences: Sequence[Switched]) -> Scene:
        """The scene with these on from its start to its end: no step switches them on again, or off."""
        kept = {(switched.service, switched.kind, switched.name) for switched in defences}
        steps = tuple(replace(step, on=_without(kept, step.on), off=_without(kept, step.off)) for step in self.steps)
        return replace(self, switches=(*_without(kept, self.switches), *defences), steps=steps)

    def describe(self) -> dict[str, Any]:
        """The scene for the list, JSON-ready."""
        return {
            "name": self.name,
            "title": self.title,
            "story": self.story,
            "do": list(self.do),
            "watch": list(self.watch),
            "lesson": self.lesson,
            "requests": self.requests,
            "cures": [described(each) for each in self.cures],
            "chart": self.chart,
            "traffic_rps": self.rps,
            "duration_seconds": self.duration_seconds,
            "switches": [vars(switched) for switched in self.switches],
            "steps": [{"at_seconds": step.at_seconds, "say": step.say} for step in self.steps],
            "expectations": [{"text": entry.text, "expected": entry.expected()} for entry in self.expect],
        }


def _without(kept: Collection[tuple[str, str, str]], switches: Sequence[Switched]) -> tuple[Switched, ...]:
    return tuple(each for each in switches if (each.service, each.kind, each.name) not in kept)
