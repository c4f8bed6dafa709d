"""Log files of local mode: kept from one start to the next, and never without bound."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
TAIL_BYTES = 20_000


def rotate(log: Path) -> None:
    """Keep the log of the last time as NAME.log.1."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(_before(log))


def trim(log: Path) -> None:
    """Start a log that has become long afresh, in place: its writer has it open, and appends."""
    if log.exists() and log.stat().st_size > MAX_BYTES:
        with suppress(OSError):  # where there is no room for a copy, room is what is wanted
            shutil.copyfile(log, _before(log))
        os.truncate(log, 0)


def tail(log: Path, lines: int) -> list[str]:
    """The last lines of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def _before(log: Path) -> Path:
    """Where the log of the last time is kept."""
    return log.with_name(log.name + ".1")
