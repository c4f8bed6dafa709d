"""One drill: what was drawn, who said what and when, and how the users fared. Moments are in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.control_room.drills.cards import Card, deck
from services.control_room.drills.score import Scored, score

OPEN, FROZEN, HIDDEN = BOARDS = ("open", "frozen", "hidden")
WELL = 0.99  # of the requests of the lab's window of 15 s


@dataclass
class Answer:
    """What a team said: `kind` is detected, diagnosis or hint; `good` is whether it was so."""

    at: float
    kind: str
    good: bool
    service: str = ""
    switch: str = ""


@dataclass
class Team:
    """A team and its answers, oldest first."""

    name: str
    answers: list[Answer] = field(default_factory=list)

    def count(self, kind: str, *, good: bool) -> int:
        """How many of its answers are of this kind."""
        return sum((each.kind, each.good) == (kind, good) for each in self.answers)

    def first(self, kind: str) -> float | None:
        """When it was right with this kind of answer for the first time."""
        return next((each.at for each in self.answers if each.kind == kind and each.good), None)


@dataclass(frozen=True)
class Counts:
    """Users since the last reset."""

    came: int
    lost: int


@dataclass
class Drill:
    """A drill from its start on, as the journal keeps it."""

    card_key: str
    seed: int
    started_at: float
    wait_seconds: float
    epoch: int
    level: int | None = None
    fault_at: float | None = None
    hurt_at: float | None = None
    mitigated_at: float | None = None
    ended_at: float | None = None
    why_ended: str = ""
    before: Counts = field(default_factory=lambda: Counts(0, 0))
    now: Counts = field(default_factory=lambda: Counts(0, 0))
    board: str = OPEN
    frozen: list[dict[str, Any]] = field(default_factory=list)
    teams: dict[str, Team] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)  # the team that each device speaks for

    @property
    def card(self) -> Card:
        """What was drawn."""
        return deck()[self.card_key]

    @property
    def is_running(self) -> bool:
        """Whether it goes on, and hides what is wrong."""
        return self.ended_at is None

    # What happens to the users.

    def see(self, now: float, success_ratio: float | None, counts: Counts) -> bool:
        """Take what the lab measures; whether something has changed that must be kept."""
        if counts.came < self.now.came:  # whoever counts them was started again
            self.before = Counts(self.before.came - self.now.came, self.before.lost - self.now.lost)
        self.now = counts
        if self.fault_at is None:
            self.before = counts
            return False
        if success_ratio is None:
            return False
        was = self.hurt_at, self.mitigated_at
        if success_ratio < WELL:
            self.hurt_at, self.mitigated_at = self.hurt_at or now, None
        elif self.hurt_at is not None:
            self.mitigated_at = self.mitigated_at or now
        return was != (self.hurt_at, self.mitigated_at)

    @property
    def users(self) -> int:
        """How many users have come since the fault."""
        return max(0, self.now.came - self.before.came)

    @property
    def lost(self) -> int:
        """How many of them were not served."""
        return max(0, self.now.lost - self.before.lost)

    # What the teams say.

    def detect(self, team: Team, now: float) -> Answer:
        """The team says "incident": it is a false alarm while nothing is wrong yet."""
        return _noted(team, Answer(now, "detected", good=self.fault_at is not None))

    def diagnose(self, team: Team, now: float, service: str, switch: str) -> Answer:
        """The team says where and what; who names a cause has noticed that there is one."""
        fault = self.card.named_by(service, switch) if self.fault_at is not None else None
        if fault is not None and team.first("detected") is None:
            self.detect(team, now)
        return _noted(team, Answer(now, "diagnosis", fault is not None, service, switch))

    def hint(self, team: Team, now: float) -> Answer:
        """The team takes the next hint; there is none when it has all of them."""
        return _noted(team, Answer(now, "hint", good=team.count("hint", good=True) < len(self.card.hints)))

    def named(self, team: Team) -> dict[int, float]:
        """Which faults of the card the team has named, by their numbers, and when it did so first."""
        found: dict[int, float] = {}
        for each in team.answers:
            fault = self.card.named_by(each.service, each.switch) if each.kind == "diagnosis" and each.good else None
            if fault is not None:
                found.setdefault(self.card.faults.index(fault), each.at)
        return found

    def diagnosed_at(self, team: Team) -> float | None:
        """When the team had named all faults."""
        named = self.named(team)
        return max(named.values()) if len(named) == len(self.card.faults) else None

    def score(self, team: Team) -> Scored:
        """The team's points, of a drill that has ended."""
        begin = self.fault_at or self.ended_at or self.started_at
        end = self.ended_at or begin
        return score(
            detect_seconds=_since(begin, team.first("detected")),
            diagnose_seconds=_since(begin, self.diagnosed_at(team)),
            mitigate_seconds=self.mitigate_seconds,
            has_come=self.fault_at is not None,
            is_hurt=self.hurt_at is not None,
            whole_seconds=end - begin,
            wrong=team.count("diagnosis", good=False),
            false_alarms=team.count("detected", good=False),
            hints=team.count("hint", good=True),
            lost_share=min(1.0, self.lost / self.users) if self.users else 0.0,
        )

    @property
    def mitigate_seconds(self) -> float | None:
        """How long it took from the fault until the users were well again, for good; None while they are not."""
        return _since(self.fault_at or 0, self.mitigated_at)


def _noted(team: Team, answer: Answer) -> Answer:
    team.answers.append(answer)
    return answer


def _since(begin: float, moment: float | None) -> float | None:
    return None if moment is None else max(0.0, moment - begin)
