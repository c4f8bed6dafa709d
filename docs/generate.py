"""Writes the tables that the documents take from the catalogue, the scenes and the plans: python -m docs.generate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from services.common.scenes.files import all_scenes
from services.common.scenes.model import SCENES_OF_THE_SHOW, Scene
from services.common.switches.base import KINDS, Switch
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.params import Param
from services.control_room.room.polls import find_bet
from services.control_room.workshop.files import all_plans
from services.control_room.workshop.model import Part, Plan

ROOT = Path(__file__).resolve().parents[1]


def _param(param: Param[Any]) -> str:
    if param.choices:
        return f"`{param.name}` = {param.default} ({', '.join(param.choices)})"
    unit = f" {param.unit}" if param.unit else ""
    return f"`{param.name}` = {param.default:g}{unit} ({param.minimum:g} to {param.maximum:g})"


def switches_table() -> str:
    """A row for each switch of each service."""
    rows = ["| service | kind | switch | what it does | parameters = default (bounds) |", "|---|---|---|---|---|"]
    for service, switches in CATALOGUE.items():
        for kind in KINDS:
            for switch in (found for found in switches if found.kind == kind):
                params = "<br>".join(_param(param) for param in switch.params)
                rows.append(f"| {service} | {kind} | `{switch.name}` | {switch.story} | {params} |")
    duration, probability = Switch.duration_seconds, Switch.probability
    wrapper = (
        f"Every switch also takes `{duration.name}` ({duration.story}); one that acts on requests takes "
        f"`{probability.name}` ({probability.story}, 0 to 1)."
    )
    return "\n".join([*rows, "", wrapper])


def expectations_table(scenes: Iterable[Scene]) -> str:
    """A row for each number that a scene must show."""
    rows = ["| scene | expectation | expected |", "|---|---|---|"]
    for scene in scenes:
        rows += [f"| `{scene.name}` | {entry.text} | {entry.expected()} |" for entry in scene.expect]
    return "\n".join(rows)


def plans_table(plans: Iterable[Plan]) -> str:
    """A row for each workshop."""
    rows = ["| plan | minutes | for whom | what |", "|---|---|---|---|"]
    rows += [f"| [`{plan.name}`](#{plan.name}) | {plan.minutes} | {plan.audience} | {plan.summary} |" for plan in plans]
    return "\n".join(rows)


def plan_table(plan: Plan) -> str:
    """A row for each part of a workshop: when, what is done, and what to say."""
    rows = ["| minutes | part | what happens | say |", "|---|---|---|---|"]
    for index, part in enumerate(plan.part):
        start = int(plan.starts_at_seconds(index)) // 60
        happens = _happens(part)
        rows.append(f"| {start} to {start + part.minutes} | {part.title} | {happens} | {'<br>'.join(part.say)} |")
    return "\n".join(rows)


def _happens(part: Part) -> str:
    """The scene, the bet with its question, or the drill."""
    if part.drill:
        return f"drill, level {part.drill}"
    if not part.bet:
        return f"`{part.scene}`" if part.scene else ""
    plays = f", {len(part.plays())} times" if len(part.plays()) > 1 else ""
    return f"bet `{part.bet}`: {find_bet(*part.bet.split('/'))[1].question}<br>then `{part.stages}`{plays}"


def tables() -> dict[str, dict[str, str]]:
    """{document: {name of a place in it: the table that stands there}}."""
    scenes = list(all_scenes().values())
    return {
        "README.md": {"expectations": expectations_table(scenes[:SCENES_OF_THE_SHOW])},
        "docs/switches.md": {"switches": switches_table()},
        "docs/workshop.md": {
            "plans": plans_table(all_plans().values()),
            **{f"plan {name}": plan_table(plan) for name, plan in all_plans().items()},
        },
    }


def generated(document: str) -> str:
    """A document with its tables generated."""
    text = (ROOT / document).read_text()
    for name, table in tables()[document].items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        text, found = marked.subn(lambda match, table=table: f"{match[1]}{table}{match[2]}", text)
        if found != 1:
            raise ValueError(f"{document} has {found} places for {name}, not one")
    return text


if __name__ == "__main__":
    for document in tables():
        (ROOT / document).write_text(generated(document))
