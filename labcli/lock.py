"""One command at a time where two would undo each other's work."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from .config import Config
from .errors import LabError


def why_not_writable(config: Config) -> str | None:
    """Why the lab's own folder cannot be written; None if it can."""
    probe = config.lab_folder / f"probe-{os.getpid()}"
    try:
        config.lab_folder.mkdir(exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        return f"{config.lab_folder} cannot be written: {error.strerror}"
    return None


def _opened(path: Path) -> TextIO:
    """The lock's file; where it leads elsewhere it is refused, as what is written there is another's."""
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+")
    except OSError as error:
        raise LabError(f"{path} cannot be written: {error.strerror}", f"remove it: rm {path}") from None


@contextmanager
def alone(config: Config, what: str) -> Iterator[None]:
    """Hold the lock of starting `what` of this checkout; the kernel takes it back when its holder ends.

    Raises:
        LabError: somebody else holds it, or the lab's folder cannot be written.
    """
    complaint = why_not_writable(config)
    if complaint is not None:
        raise LabError(complaint, "the lab keeps its logs there: copy the checkout to where you may write")
    with _opened(config.lab_folder / f"{what}.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LabError(f"it is being started already: {lock.read().strip() or 'by another process'}") from None
        lock.truncate(0)
        lock.write(f"pid {os.getpid()}, since {time.strftime('%H:%M:%S')}")
        lock.flush()
        yield
