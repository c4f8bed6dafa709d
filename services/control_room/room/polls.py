"""What the room has said to a bet, and what the lab has measured of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common.http import problems
from services.common.scenes.checks import Check
from services.common.scenes.files import find_scene
from services.common.scenes.model import Bet, Expectation, Option, Play, Scene, Switched

OPEN, CLOSED, REVEALED = "open", "closed", "revealed"


@dataclass
class Poll:
    """A bet that was opened. `rounds` has what each device chose; `measured` what the lab said to each option."""

    scene: Scene
    bet: Bet
    phase: str = OPEN
    rounds: list[dict[str, str]] = field(default_factory=lambda: [{}])
    measured: dict[str, float | str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """As in its address: the scene's name and the bet's key."""
        return bet_id(self.scene, self.bet)

    def keep(self) -> dict[str, Any]:
        """The poll for the journal, JSON-ready."""
        rounds = [dict(votes) for votes in self.rounds]
        return {"phase": self.phase, "rounds": rounds, "measured": dict(self.measured)}

    def take(self, defences: Sequence[Switched], checks: Iterable[Check]) -> bool:
        """Take what was decided while the scene was played with these defences; whether that is news."""
        before = dict(self.measured)
        found = {check.expectation.text: check.measured for check in checks if check.outcome != "pending"}
        for option in self.bet.options:
            value = found.get(option.expect)
            if value is not None and option.defences == tuple(defences):
                self.measured[option.key] = value
        return self.measured != before

    @property
    def is_decided(self) -> bool:
        """Whether the lab has measured every option."""
        return len(self.measured) == len(self.bet.options)

    def right(self) -> list[str]:
        """The keys of the options that are right, of each measurement the first."""
        right = []
        for options in self._by_measurement():
            expectation = self._expectation(options[0])
            right += [each.key for each in options if each.is_right(expectation, self.measured.get(each.key))][:1]
        return right

    def counts(self) -> list[dict[str, int]]:
        """Of each round, how many devices chose each option."""
        found = [Counter(votes.values()) for votes in self.rounds]
        return [{option.key: votes[option.key] for option in self.bet.options} for votes in found]

    def describe(self, *, secrets: bool) -> dict[str, Any]:
        """The poll for a phone, or with its secrets for the presenter, JSON-ready."""
        return {
            **describe_bet(self.scene, self.bet),
            "phase": self.phase,
            "round": len(self.rounds),
            "counts": self.counts() if secrets or self.phase != OPEN else None,
            "results": self._results() if secrets or self.phase == REVEALED else None,
            "right": self.right() if secrets or self.phase == REVEALED else None,
        }

    def _by_measurement(self) -> list[list[Option]]:
        """The options, those together that one measurement decides."""
        groups: list[list[Option]] = []
        for option in self.bet.options:
            same = (group for group in groups if _measurement(group[0]) == _measurement(option))
            group = next(same, None)
            if group is None:
                groups.append([option])
            else:
                group.append(option)
        return groups

    def _results(self) -> list[dict[str, Any]]:
        """Each measurement: expected beside measured. What is expected is what happens without defences."""
        results = []
        for options in self._by_measurement():
            first, expectation = options[0], self._expectation(options[0])
            results.append(
                {
                    "options": [option.key for option in options],
                    "text": expectation.text,
                    "with": Play(defences=first.defences).added,
                    "expected": None if first.defences else expectation.expected(),
                    "measured": self.shown(first),
                }
            )
        return results

    def shown(self, option: Option) -> str | None:
        """What the lab has measured for an option, in words; None is nothing yet."""
        value = self.measured.get(option.key)
        return None if value is None else self._expectation(option).shown(value)

    def _expectation(self, option: Option) -> Expectation:
        return next(entry for entry in self.scene.expect if entry.text == option.expect)


def _measurement(option: Option) -> tuple[str, tuple[Switched, ...]]:
    return option.expect, option.defences


def bet_id(scene: Scene, bet: Bet) -> str:
    """The name of a bet among those of all scenes."""
    return f"{scene.name}/{bet.key}"


def describe_bet(scene: Scene, bet: Bet) -> dict[str, Any]:
    """The question and its options, JSON-ready. `with` is how the scene is started to measure an option."""
    options = [
        {"key": option.key, "text": option.text, "with": Play(defences=option.defences).describe()["with"]}
        for option in bet.options
    ]
    about = {"scene": scene.name, "key": bet.key, "title": scene.title}
    return {"id": bet_id(scene, bet), **about, "question": bet.question, "options": options}


def find_bet(scene_name: str, key: str) -> tuple[Scene, Bet]:
    """The scene and its bet.

    Raises:
        NotFound: naming those that there are.
    """
    scene = find_scene(scene_name)
    for bet in scene.bet:
        if bet.key == key:
            return scene, bet
    allowed = [bet.key for bet in scene.bet]
    raise problems.NotFound(f"{scene.name} has no bet {key!r:.60}", field="key", allowed=allowed)
