"""OOM kills, counted over the containers of a pod.

As a rule the kernel kills the process that passed the limit: gunicorn's master starts another worker, and the control
group has counted the kill. With `memory.oom.group`, which a kubelet sets on version 2 of control groups, it kills
everything in the container, and the next container's group counts from 0. So a process near its limit leaves a mark in
the state directory, and a container that finds one counts the kill that ended the container before it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path

from services.common.process.memory import Memory

log = logging.getLogger(__name__)
NEAR = 0.90  # of the limit: a container that ends from there has ended at it
LOOK_SECONDS = 0.25
COUNT, MARK = "oom-kills", "near-limit"  # files of the state directory


class OomKills:
    """The kills of this container and of those before it, as far as the state directory outlives them."""

    def __init__(self, memory: Memory, state_dir: Path) -> None:
        self._memory = memory
        self._count, self._mark = state_dir / COUNT, state_dir / MARK

    def begin(self) -> None:
        """A container's life begins: count the kill that ended the one before, and say what the next one will end."""
        if self._mark.exists():
            log.error("out of memory: the kernel has killed the container before this one")
            with contextlib.suppress(OSError):
                self._count.write_text(str(self._earlier() + 1))
                self._mark.unlink()
        if self._memory.oom_group:
            log.warning(
                "memory.oom.group is 1: at the memory limit the kernel will kill the whole container, not the worker "
                "alone, and the restart may take minutes (docs/kubernetes.md)"
            )

    def total(self) -> int:
        """How many kills there were."""
        return self._earlier() + self._memory.oom_kills()

    def watch(self) -> None:
        """Keep the mark from now on, where a kill would take the whole container. Call it in the worker process."""
        if self._memory.oom_group:
            threading.Thread(target=self._watch, name="near the limit", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        self.look()
        while not pause.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Set the mark or take it away."""
        with contextlib.suppress(OSError):  # a full disk
            if self._memory.resident_bytes() >= NEAR * self._memory.limit_bytes > 0:
                self._mark.touch()
            else:
                self._mark.unlink(missing_ok=True)

    def _earlier(self) -> int:
        """The kills that ended the containers before."""
        try:
            return int(self._count.read_text())
        except (OSError, ValueError):
            return 0
