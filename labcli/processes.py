"""Processes that can be recognised again: a process id alone may belong to somebody else by now."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .shell import capture

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Identity:
    """A process: its id and when it was created, as the system writes that."""

    pid: int
    created: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The process that has this id now; None when there is none, or it is dead and not yet buried."""
        found = _from_proc(pid) if sys.platform == "linux" else _from_ps(pid)
        if found is None or found[0][:1] in ("Z", "X"):
            return None
        return cls(pid, found[1])

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        return Identity.of(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def send_to_group(self, number: signal.Signals) -> None:
        """Send a signal to it and to all that it started, if it is still there. It must lead its group."""
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def _from_proc(pid: int) -> tuple[str, str] | None:
    """State and start time, in clock ticks since boot; see proc_pid_stat(5)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name of the program is in brackets, and may itself contain any.
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]


def _from_ps(pid: int) -> tuple[str, str] | None:
    """State and start time, where there is no /proc."""
    shown = capture(["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)], env={**os.environ, "LC_ALL": "C"})
    state, _, started = shown.out.strip().partition(" ")
    return (state, started.strip()) if shown.ok and started else None


def stop_all(
    found: Iterable[Identity],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Identity]:
    """Ask these to end, and kill those that have not after `seconds`; those that were still alive at the start."""
    alive = [identity for identity in found if identity.is_alive]
    for identity in alive:
        identity.send(signal.SIGTERM)
        identity.send(signal.SIGCONT)  # a stopped process cannot end
    deadline = clock() + seconds
    while clock() < deadline and any(identity.is_alive for identity in alive):
        sleep(POLL_SECONDS)
    for identity in alive:
        identity.send(signal.SIGKILL)
    while clock() < deadline + seconds and any(identity.is_alive for identity in alive):
        sleep(POLL_SECONDS)
    return alive
