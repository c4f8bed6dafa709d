"""Which teams there are: one small file in the lab's folder, its owner's alone, as it may hold their tokens."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from labcli.config import Config
from labcli.errors import LabError, UsageError

UP = "./scripts/lab class up --teams 8"


@dataclass(frozen=True)
class Team:
    """One team and its lab: containers with this offset, or pods of a namespace.

    `url` is where its members' browsers find it; empty where kubectl alone leads there. `token` is what they need to
    change it; empty is none.
    """

    name: str
    number: int
    url: str = ""
    token: str = ""
    offset: int = 0
    namespace: str = ""

    def config(self, config: Config) -> Config:
        """The configuration for this team's lab."""
        variables = {**config.variables, "LAB_TOKEN": self.token, "LAB_URL": self.url if self.namespace else ""}
        project = "" if self.namespace else self.name
        return replace(config, offset=self.offset, variables=variables, given_project=project, namespace=self.namespace)


def roster_path(config: Config) -> Path:
    """The file."""
    return config.lab_folder / "class.json"


def saved_teams(config: Config) -> list[Team]:
    """The teams on file; none where there is no class.

    Raises:
        LabError: the file is there, and cannot be read.
    """
    path = roster_path(config)
    try:
        return [Team(**entry) for entry in json.loads(path.read_text())["teams"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{path} cannot be read: {error}", "end the labs by hand, and remove it") from None


def save_teams(config: Config, teams: Sequence[Team]) -> None:
    """Put these on file, whole or not at all; no team is no file."""
    path = roster_path(config)
    if not teams:
        path.unlink(missing_ok=True)
        return
    config.lab_folder.mkdir(exist_ok=True)
    write_private(path, json.dumps({"teams": [asdict(team) for team in teams]}, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read; who reads it meanwhile sees the old one or the new one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def chosen_teams(config: Config, number: int | None) -> list[Team]:
    """The team of that number, or all of them.

    Raises:
        UsageError: there is no such team.
        LabError: there is no class.
    """
    teams = saved_teams(config)
    if not teams:
        raise LabError("there is no class here", f"start one: {UP}")
    chosen = [team for team in teams if number in (None, team.number)]
    if not chosen:
        raise UsageError(f"there is no team {number}", f"teams: {', '.join(str(team.number) for team in teams)}")
    return chosen
