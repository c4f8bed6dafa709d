"""The one place that runs other programs. Never through a shell: arguments stay what they are."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NOT_FOUND = 127
TIMED_OUT = 124
STDERR = 2


@dataclass(frozen=True)
class Result:
    """What a program left behind; codes 127 and 124 are "not found" and "took too long", as in a shell."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.code == 0

    @property
    def complaint(self) -> str:
        """The last thing it said about what is wrong."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1] if lines else f"exit code {self.code}"


def capture(
    command: Sequence[str], *, timeout: float = 30, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> Result:
    """Run a program, and keep what it prints; `stdin` is what it reads."""
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout, env=env, check=False
        )
    except FileNotFoundError:
        return Result(NOT_FOUND, "", f"{command[0]}: not found")
    except subprocess.TimeoutExpired:
        return Result(TIMED_OUT, "", f"{command[0]}: no answer within {timeout:g} s")
    return Result(done.returncode, done.stdout, done.stderr)


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, to_stderr: bool = False) -> int:
    """Run a program that talks to the person itself; `to_stderr` keeps standard output for JSON."""
    try:
        return subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=STDERR if to_stderr else None, check=False
        ).returncode
    except FileNotFoundError:
        return NOT_FOUND


def start_talking(command: Sequence[str]) -> subprocess.Popen[str]:
    """Start a program whose lines are read as they come, those of its errors too."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def start(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, which outlives this one; its output goes to the end of `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
