"""Reads what is checked in: dashboards, their expressions, and the rules."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "grafana" / "dashboards"
RULES = ROOT / "prometheus" / "rules"
RULE_TESTS = ROOT / "prometheus" / "tests"


@dataclass(frozen=True)
class Expression:
    """An expression, where it stands, and how its series are named."""

    board: str
    where: str
    expr: str
    legend: str = ""
    instant: bool = False


def boards() -> dict[str, dict[str, Any]]:
    """The dashboards as they are checked in, by the name of their file."""
    return {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels() -> list[tuple[str, dict[str, Any]]]:
    """Every panel, with the name of its dashboard's file."""
    return [(name, panel) for name, board in boards().items() for panel in board["panels"]]


def panel_expressions() -> Iterator[Expression]:
    """Every query of every panel; one with the variable `service` once for each of its values."""
    for name, board in boards().items():
        values = {
            variable["name"]: [option["value"] for option in variable["options"]]
            for variable in board["templating"]["list"]
        }
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                for service in values.get("service", [""]):
                    where = f"{panel['title']} {target['refId']} {service}".strip()
                    expr = target["expr"].replace("$service", service).replace("$ago", *values.get("ago", [""]))
                    expr = expr.replace("$__range", "300s")
                    yield Expression(name, where, expr, target["legendFormat"], target["instant"])


def annotation_expressions() -> Iterator[Expression]:
    """Every annotation, once: they are the same on all dashboards."""
    board = boards()["overview.json"]
    for annotation in board["annotations"]["list"]:
        yield Expression("annotations", annotation["name"], annotation["expr"], annotation["titleFormat"])


def rules() -> list[tuple[str, Expression]]:
    """Every rule, as ("record" or "alert", its expression)."""
    found = []
    for path in sorted(RULES.glob("*.yml")):
        kind = name = ""
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if match := re.match(r"\s*- (record|alert): (\S+)", line):
                kind, name = match.groups()
            elif match := re.match(r"( *)expr: (.*)", line):
                expr = _expr(match[2], len(match[1]), lines[number + 1 :])
                found.append((kind, Expression(path.name, name, expr)))
    return found


def _expr(first: str, indent: int, rest: list[str]) -> str:
    """What follows `expr:`, on its line or folded below it."""
    if first != ">-":
        return first.split(" #")[0].strip()
    folded = itertools.takewhile(lambda line: len(line) - len(line.lstrip()) > indent, rest)
    return " ".join(line.strip() for line in folded)
