"""Local mode's virtual environment, in .lab/venv: made once, and again when the requirements change."""

from __future__ import annotations

import fcntl
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .context import Context
from .errors import LabError
from .shell import run


def ensure(ctx: Context) -> Path:
    """The environment's Python, after making or refreshing it if that is needed; otherwise at once."""
    folder = ctx.config.lab_folder / "venv"
    python, stamp = folder / "bin" / "python", folder / "lab-requirements.sha256"
    requirements = ctx.config.repo / "services" / "requirements.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    with _alone(folder):
        if python.exists() and stamp.exists() and stamp.read_text() == wanted:
            return python
        ctx.console.note(f"making the virtual environment {folder} (once, and when the requirements change) ...")
        _make(ctx, folder)
        _install(ctx, python, requirements)
        stamp.write_text(wanted)
    return python


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep two labs that start at once from making it both."""
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(ctx: Context, folder: Path) -> None:
    """Make it with this Python; one of another Python's is made afresh."""
    command = [sys.executable, "-m", "venv", str(folder)]
    if not _is_of_this_python(folder):
        command.append("--clear")
    if run(command, to_stderr=ctx.console.as_json) != 0:
        raise LabError(
            "the virtual environment could not be made",
            "on Debian and Ubuntu: apt install python3-venv",
            f"after a broken attempt: rm -r {folder}",
        )


def _is_of_this_python(folder: Path) -> bool:
    """Whether what is there was made by this version of Python."""
    try:
        lines = (folder / "pyvenv.cfg").read_text().splitlines()
    except FileNotFoundError:
        return False
    version = "{}.{}.".format(*sys.version_info)
    has_python = (folder / "bin" / "python").exists()
    return has_python and any(line.replace(" ", "").startswith(f"version={version}") for line in lines)


def _install(ctx: Context, python: Path, requirements: Path) -> None:
    """Install the pinned packages, each checked against its hash."""
    options = ["--no-cache-dir", "--disable-pip-version-check", "--require-hashes"]
    command = [str(python), "-m", "pip", "install", *options, "-r", str(requirements)]
    if run(command, to_stderr=ctx.console.as_json) != 0:
        raise LabError(
            "the packages of services/requirements.txt could not be installed",
            "pip's lines above say why; without a network, point PIP_INDEX_URL at a mirror",
        )
