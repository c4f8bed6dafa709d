"""Reads the plans from workshops/*.toml, and refuses what could not be given: at the start, and not on stage.

docs/workshop.md says what such a file holds.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from services.common.http import problems
from services.common.scenes.files import KEY, find_scene
from services.common.tables import at, made, read_toml
from services.control_room.drills.cards import LEVELS
from services.control_room.room.polls import find_bet
from services.control_room.workshop.model import MINUTE_SECONDS, Part, Plan

FOLDER = Path(__file__).resolve().parents[3] / "workshops"


@cache
def all_plans() -> dict[str, Plan]:
    """Every plan by name, the shortest first; raises as `read_plans`."""
    return read_plans(FOLDER)


def find_plan(name: str) -> Plan:
    """The plan.

    Raises:
        NotFound: naming those that there are.
    """
    plans = all_plans()
    if name not in plans:
        raise problems.NotFound(f"there is no workshop {name!r:.60}", field="name", allowed=list(plans))
    return plans[name]


def read_plans(folder: Path) -> dict[str, Plan]:
    """The plans of a folder; each has its file's name.

    Raises:
        InvalidParameter: with a line for everything that is wrong, naming the file, the place in it and what may stand
            there.
    """
    wrong: list[str] = []
    plans = [plan for path in sorted(folder.glob("*.toml")) if (plan := _read(path, wrong)) is not None]
    if not plans and not wrong:
        wrong.append(f"there is no plan in {folder}")
    if wrong:
        raise problems.InvalidParameter("\n  ".join(wrong))
    return {plan.name: plan for plan in sorted(plans, key=lambda plan: plan.minutes)}


def _read(path: Path, wrong: list[str]) -> Plan | None:
    """The plan of a file; what is wrong with it is added to `wrong`."""
    before = len(wrong)
    try:
        with at(path.name):
            raw = read_toml(path)
            entries = raw.pop("part", [])
            if not KEY.fullmatch(path.stem):
                raise problems.InvalidParameter("the file's name must be of a-z, 0-9 and _")
            plan: Plan = made(Plan, raw, name=path.stem, part=())
            if not (isinstance(entries, list) and entries and all(isinstance(entry, dict) for entry in entries)):
                raise problems.InvalidParameter("it needs a [[part]]", field="part")
    except problems.Problem as problem:
        wrong.append("; ".join(problem.lines()))
        return None
    parts = [_part(path.name, number, entry, wrong) for number, entry in enumerate(entries, 1)]
    planned = sum(part.minutes for part in parts if part is not None)
    if len(wrong) == before and planned != plan.minutes:
        wrong.append(f"{path.name}: minutes is {plan.minutes}, and its parts take {planned}")
    return Plan(**{**vars(plan), "part": tuple(part for part in parts if part is not None)})


def _part(file: str, number: int, entry: dict[str, Any], wrong: list[str]) -> Part | None:
    try:
        with at(f"{file}: part {number}"):
            part: Part = made(Part, entry)
            _check(part)
            return part
    except problems.Problem as problem:
        wrong.append("; ".join(problem.lines()))
        return None


def _check(part: Part) -> None:
    """Refuse a part that cannot be given as it stands."""
    if not part.say or not all(isinstance(line, str) and line.strip() for line in part.say):
        raise problems.InvalidParameter("say must be a list of sentences", field="say")
    if sum(map(bool, (part.scene, part.bet, part.drill))) > 1:
        raise problems.InvalidParameter("it has a scene, a bet or a drill, and not two of them", field="scene")
    if part.scene:
        with at("scene"):
            find_scene(part.scene)
    if part.bet:
        with at("bet"):
            scene, _, key = part.bet.partition("/")
            find_bet(scene, key)
    if part.drill and part.drill not in LEVELS:
        raise problems.InvalidParameter("drill is a level", field="drill", allowed=list(LEVELS))
    if part.minutes < 1 or part.minutes * MINUTE_SECONDS < part.least_seconds:
        detail = f"minutes is {part.minutes}, and what it does takes {part.least_seconds:.0f} s at least"
        raise problems.InvalidParameter(detail, field="minutes")
