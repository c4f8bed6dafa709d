"""Memory of this process, and the limit that the kernel keeps for its container."""

from __future__ import annotations

import ctypes
import mmap
import re
from collections.abc import Callable
from pathlib import Path

MB = 1024 * 1024  # as Docker counts: 512m is 512 of these
# A cgroup without a limit says a number near 2^63 (version 1) or "max" (version 2).
_NO_LIMIT = 1 << 60


class Memory:
    """Reads resident size, limit and OOM kills. Make a new one in each process: it holds the process's id.

    `oom_group` says that at the limit the kernel kills all of the container, not one process. All of it comes from the
    control group of the container, version 2 (`memory.max`, `memory.events`, `memory.oom.group`) or version 1
    (`memory/memory.limit_in_bytes`, `memory/memory.oom_control`, no group); see cgroups(7).
    """

    def __init__(self, cgroup_dir: Path) -> None:
        self._cgroup_dir = cgroup_dir
        self.limit_bytes = self._limit()
        self.oom_group = (self._read("memory.oom.group") or "").strip() == "1"

    def resident_bytes(self) -> int:
        """Resident set size of this process."""
        import psutil  # here, so that the catalogue needs the standard library alone: the CLI reads it too

        return int(psutil.Process().memory_info().rss)

    def oom_kills(self) -> int:
        """How many processes of this container the kernel has killed for memory since the container started."""
        text = self._read("memory.events") or self._read("memory/memory.oom_control") or ""
        found = re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)
        return int(found.group(1)) if found else 0

    def _limit(self) -> int:
        text = self._read("memory.max") or self._read("memory/memory.limit_in_bytes") or ""
        limit = int(text) if text.strip().isdecimal() else 0
        return limit if limit < _NO_LIMIT else 0

    def _read(self, name: str) -> str | None:
        try:
            return (self._cgroup_dir / name).read_text()
        except OSError:
            return None


def hold_memory(mb: float) -> Callable[[], None]:
    """Hold so much resident memory, until what this returns is called: then the kernel has it back at once."""
    size = max(1, int(mb * MB))
    held = mmap.mmap(-1, size)
    for start in range(0, size, mmap.PAGESIZE):
        held[start] = 1  # a page that nobody wrote to is not resident
    return held.close


def give_back_free_memory() -> None:
    """Ask the C library to hand what it holds free back to the kernel (malloc_trim(3), glibc alone)."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:
        return
