"""The state of a service's switches on disk, so that a process that is started again after a crash has it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from services.common.switches.base import Switch
from services.common.switches.params import Value

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedSwitch:
    """One switch that was changed at least once. Moments are seconds since 1970."""

    kind: str
    name: str
    values: dict[str, Value]
    changed_at: float
    expires_at: float | None
    active: bool
    hidden: bool = False

    @classmethod
    def of(cls, switch: Switch) -> SavedSwitch:
        """The switch as it is now."""
        values = dict(switch.values)
        return cls(switch.kind, switch.name, values, switch.changed_at, switch.expires_at, switch.active, switch.hidden)


def save(path: Path, switches: Sequence[SavedSwitch]) -> None:
    """Replace what is saved; where that cannot be, it is said, and the switches work all the same."""
    partial = path.with_suffix(".partial")
    try:
        _write(partial, json.dumps([asdict(switch) for switch in switches]))
        partial.replace(path)
    except OSError as error:
        log.error("the switches cannot be kept over a restart: %s", error)


def load(path: Path) -> list[SavedSwitch]:
    """What was saved; an unreadable file is said and passed over."""
    if not path.exists():
        return []
    try:
        return [SavedSwitch(**found) for found in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError) as error:
        log.error("the saved switches cannot be read: %s", error)
        return []


def _write(path: Path, text: str) -> None:
    """Write a file in as few calls as can be: after each, a thread waits for its turn at the interpreter."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)
