"""The record of a local lab's processes: the supervisor writes it, every other command reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .plan import Folder
from .processes import Identity

# The states of a service: it runs, it was stopped or killed by `infra`, or it died and is to be started again.
RUNNING, PAUSED, HELD, DOWN = "running", "paused", "killed", "down"


@dataclass(frozen=True)
class Running:
    """One service: its state, how often it was started, and its processes, the main one first."""

    state: str
    starts: int
    processes: tuple[Identity, ...]


@dataclass(frozen=True)
class Record:
    """What runs, or ran: the supervisor, and each service by name."""

    supervisor: Identity | None = None
    services: Mapping[str, Running] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Folder) -> Record:
        """Read it; one that is not there, or is no record, is an empty one."""
        try:
            raw = json.loads(folder.record.read_text())
            services = {
                name: Running(
                    entry["state"], entry["starts"], tuple(Identity(**process) for process in entry["processes"])
                )
                for name, entry in raw["services"].items()
            }
            return cls(Identity(**raw["supervisor"]), services)
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def save(self, folder: Folder) -> None:
        """Write it, whole or not at all."""
        services = {
            name: {
                "state": running.state,
                "starts": running.starts,
                "processes": [vars(process) for process in running.processes],
            }
            for name, running in self.services.items()
        }
        document = {"supervisor": vars(self.supervisor) if self.supervisor else None, "services": services}
        write_whole(folder.record, json.dumps(document))

    @property
    def is_up(self) -> bool:
        """Whether the lab's supervisor lives."""
        return self.supervisor is not None and self.supervisor.is_alive

    def leftovers(self) -> dict[str, list[Identity]]:
        """The processes that live, by service."""
        alive = {
            name: [process for process in running.processes if process.is_alive]
            for name, running in self.services.items()
        }
        return {name: processes for name, processes in alive.items() if processes}


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once, so that nobody reads half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)
