"""Who holds a TCP port of this machine."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from pathlib import Path

from .config import Config
from .shell import capture

LISTENING = "0A"
MAX_COMMAND = 70
UNKNOWN = "another user's process"


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at this port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return False
    with socket.socket() as probe:
        # As servers do: a connection of the last server that still lingers is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens on this port: command and process id, or a container, as far as this user may know."""
    found = _holder_from_proc(port) if sys.platform == "linux" else _holder_from_lsof(port)
    if found is None or "docker" in found:
        containers = capture(["docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}"], timeout=5)
        names = containers.out.split() if containers.ok else []
        if names:
            return f"the container {' and '.join(names)}"
    return found or UNKNOWN


def way_out(config: Config, words: str) -> str:
    """What to do about a busy port."""
    return f"end what holds them, or start beside it: ./scripts/lab {words} --port-offset {config.offset + 100}"


def _holder_from_proc(port: int) -> str | None:
    """The holder, from the kernel's tables; see proc_net(5)."""
    inodes = {f"socket:[{inode}]" for name in ("tcp", "tcp6") for inode in _listening(Path("/proc/net") / name, port)}
    for folder in Path("/proc").iterdir() if inodes else ():
        if folder.name.isdecimal() and _has_one_of(folder / "fd", inodes):
            return f"{_command(folder)} (pid {folder.name})"
    return None


def _listening(sockets: Path, port: int) -> list[str]:
    """The inodes of the sockets that listen on this port."""
    rows = [line.split() for line in sockets.read_text().splitlines()[1:]] if sockets.exists() else []
    return [row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port]


def _has_one_of(descriptors: Path, targets: set[str]) -> bool:
    """Whether a process has one of these open; those of other users cannot be looked into."""
    with suppress(OSError):
        for descriptor in descriptors.iterdir():
            with suppress(OSError):
                if str(descriptor.readlink()) in targets:
                    return True
    return False


def _command(process: Path) -> str:
    """A process's command line, not all of it."""
    with suppress(OSError):
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        if words:
            return words if len(words) <= MAX_COMMAND else words[: MAX_COMMAND - 3] + "..."
    return "a process"


def _holder_from_lsof(port: int) -> str | None:
    """The holder, where there is no /proc."""
    shown = capture(["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"], timeout=10)
    fields = {line[0]: line[1:] for line in reversed(shown.out.splitlines()) if line}
    return f"{fields.get('c', 'a process')} (pid {fields['p']})" if "p" in fields else None
