"""How far a workshop is in its plan. Moving only changes the place; what a beat does is done by others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from services.control_room.workshop.clock import clock
from services.control_room.workshop.files import find_plan
from services.control_room.workshop.model import Beat, Part, Plan

PART, END = "part", "end"


@dataclass(frozen=True)
class Progress:
    """When each part up to this one began, in seconds since 1970, and how many of this one's beats are done."""

    plan: Plan
    began: tuple[float, ...]
    done: int = 0

    def keep(self) -> dict[str, Any]:
        """The progress for the journal, JSON-ready."""
        return {"name": self.plan.name, "began": list(self.began), "done": self.done}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Progress:
        """What was kept.

        Raises:
            NotFound, ValueError: the plans have changed since.
        """
        found = cls(find_plan(kept["name"]), tuple(map(float, kept["began"])), int(kept["done"]))
        if not (0 < len(found.began) <= len(found.plan.part) and 0 <= found.done <= len(found.part.beats())):
            raise ValueError("there is no such place in the plan")
        return found

    @property
    def index(self) -> int:
        """The number of the part, from 0."""
        return len(self.began) - 1

    @property
    def part(self) -> Part:
        """The part."""
        return self.plan.part[self.index]

    @property
    def at(self) -> str:
        """The place in the plan: "2.1" is in the second part, with one beat done."""
        return f"{self.index + 1}.{self.done}"

    @property
    def next(self) -> Beat:
        """What the next press does: the next beat of the part, the next part, or the end."""
        beats = self.part.beats()
        if self.done < len(beats):
            return beats[self.done]
        if len(self.began) < len(self.plan.part):
            return Beat(PART, f"Next part: {self.plan.part[len(self.began)].title}")
        return Beat(END, "End the workshop")

    def forward(self, now: float) -> Progress | None:
        """One step on; None is the end."""
        does = self.next.does
        if does == END:
            return None
        return replace(self, began=(*self.began, now), done=0) if does == PART else replace(self, done=self.done + 1)

    def back(self) -> Progress:
        """One step back; the part before this one has begun when it did."""
        if self.done:
            return replace(self, done=self.done - 1)
        if self.index == 0:
            return self
        before = replace(self, began=self.began[:-1])
        return replace(before, done=len(before.part.beats()))

    def describe(self, now: float) -> dict[str, Any]:
        """All of it for the presenter, JSON-ready."""
        return {
            **self.plan.describe(secrets=True),
            "part": self.index,
            "done": self.done,
            "at": self.at,
            "next": {"does": self.next.does, "words": self.next.words},
            "clock": clock(self.plan, self.began, now),
        }
