"""A plan: the parts of a workshop, and the beats that each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.common.scenes.files import find_scene
from services.common.scenes.model import Play, Switched
from services.control_room.room.polls import find_bet

MINUTE_SECONDS = 60
OPEN, REOPEN, CLOSE, REVEAL = "open", "reopen", "close", "reveal"
SCENE, DRILL, DRILL_END = "scene", "drill", "drill_end"
SECOND_VOTE = "Vote again, once neighbours have talked"
VOTES_SECONDS = 150  # two votes, and two minutes in which neighbours talk
START_SECONDS = 5  # a scene begins with a reset


@dataclass(frozen=True)
class Beat:
    """One press of the key: what it does to the lab, and its words before it is pressed."""

    does: str
    words: str
    defences: tuple[Switched, ...] = ()


@dataclass(frozen=True)
class Part:
    """What happens for some minutes, and what the presenter says. A talk has neither scene nor bet nor drill."""

    title: str
    minutes: int
    say: tuple[str, ...]
    scene: str = ""
    bet: str = ""
    drill: int = 0

    @property
    def stages(self) -> str:
        """The scene that it plays, its bet's if it has one; empty for none."""
        return self.scene or self.bet.partition("/")[0]

    def beats(self) -> tuple[Beat, ...]:
        """What is done in it, in order."""
        if self.drill:
            return Beat(DRILL, f"Start the drill, level {self.drill}"), Beat(DRILL_END, "End the drill")
        if not self.bet:
            return (Beat(SCENE, _starts(self.scene)),) if self.scene else ()
        plays = [Beat(SCENE, _starts(self.stages, defences), defences) for defences in self.plays()]
        votes = Beat(OPEN, "Open the vote"), Beat(CLOSE, "Close the vote"), Beat(REOPEN, SECOND_VOTE)
        return *votes, Beat(CLOSE, "Close the second vote"), *plays, Beat(REVEAL, "Reveal what is right")

    def plays(self) -> list[tuple[Switched, ...]]:
        """The defences of each play of its scene: a bet on defences takes one play for each of them."""
        if not self.stages:
            return []
        found: list[tuple[Switched, ...]] = []
        for option in find_bet(*self.bet.split("/"))[1].options if self.bet else ():
            if option.defences not in found:
                found.append(option.defences)
        return found or [()]

    @property
    def least_seconds(self) -> float:
        """What its votes and its scene take at least."""
        plays = len(self.plays())
        scene = plays * (START_SECONDS + find_scene(self.stages).duration_seconds) if plays else 0
        return scene + (VOTES_SECONDS if self.bet else 0)

    def describe(self, *, secrets: bool) -> dict[str, Any]:
        """The part for everybody, or with its words and beats for the presenter, JSON-ready."""
        about: dict[str, Any] = {"title": self.title, "minutes": self.minutes, "scene": self.stages, "bet": self.bet}
        about["drill"] = self.drill
        if secrets:
            about |= {"say": list(self.say), "beats": [beat.words for beat in self.beats()]}
        return about


@dataclass(frozen=True)
class Plan:
    """A workshop: who it is for, and its parts, whose minutes are its own."""

    name: str
    title: str
    summary: str
    audience: str
    minutes: int
    part: tuple[Part, ...]

    def starts_at_seconds(self, index: int) -> float:
        """When a part is to begin, from the start of the workshop."""
        return MINUTE_SECONDS * sum(part.minutes for part in self.part[:index])

    def describe(self, *, secrets: bool) -> dict[str, Any]:
        """The plan for everybody, or with what to say for the presenter, JSON-ready."""
        about = {"name": self.name, "title": self.title, "summary": self.summary, "audience": self.audience}
        return {**about, "minutes": self.minutes, "parts": [part.describe(secrets=secrets) for part in self.part]}


def _starts(scene: str, defences: tuple[Switched, ...] = ()) -> str:
    added = f", with {Play(defences=defences).added}" if defences else ""
    return f"Start the scene: {find_scene(scene).title}{added}"
