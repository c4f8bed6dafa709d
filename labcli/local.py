"""Local mode: the lab as processes of this machine, without Docker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from argparse import Namespace
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from services.common.topology import FRONTEND

from . import ports, venv
from .api import answers_well
from .context import Context
from .errors import LabError, UsageError
from .lock import alone
from .logs import rotate, tail
from .plan import Folder, Plan, plans, shared_ports
from .processes import Identity, stop_all
from .record import Record
from .shell import start

READY_SECONDS = 30.0
POLL_SECONDS = 0.1
MAX_STARTS = 3  # a service that died this often while we wait will not come up
LOG_LINES = 20
# The supervisor gives its services three seconds, and then kills them.
SUPERVISOR_STOP_SECONDS = 6.0
LEFTOVER_STOP_SECONDS = 3.0


def up(ctx: Context, args: Namespace) -> int:
    """Start the lab, and wait until all of it is ready; a lab that is up stays as it is."""
    with alone(ctx.config, f"local-{ctx.config.offset}"):
        return _up(ctx, Folder.of(ctx.config))


def _up(ctx: Context, folder: Folder) -> int:
    record = Record.load(folder)
    if record.is_up:
        ctx.console.answer(_document(ctx, "already up"), f"already up at {ctx.config.url}")
        return 0
    if record.leftovers():
        names = ", ".join(_in_words(record.leftovers()))
        ctx.console.note(f"the last lab's supervisor was killed; stopping what it left behind: {names}")
    _clear(folder, record)
    _check_ports(ctx, plans(ctx.config))
    python = venv.ensure(ctx)
    _start_and_wait(ctx, folder, python)
    ctx.console.answer(_document(ctx, "up"), _told(ctx, folder))
    return 0


def down(ctx: Context, args: Namespace) -> int:
    """Stop what `up --local` started, and nothing else."""
    folder = Folder.of(ctx.config)
    record = Record.load(folder)
    was_up = record.is_up or bool(record.leftovers())
    if was_up:
        ctx.console.note("stopping the lab ...")
    _clear(folder, record)
    which = f" at port offset {ctx.config.offset}" if ctx.config.offset else ""
    text = f"stopped; the logs stay in {folder.logs}" if was_up else f"no local lab is up{which}: nothing to stop"
    ctx.console.answer({"mode": "local", "status": "stopped" if was_up else "was not up"}, text)
    return 0


def is_up(ctx: Context) -> bool:
    """Whether a local lab of this offset is up."""
    return Record.load(Folder.of(ctx.config)).is_up


def _start_and_wait(ctx: Context, folder: Folder, python: Path) -> None:
    """Start the supervisor; unless everything becomes ready, nothing of it stays."""
    rotate(folder.log("supervisor"))
    command = [str(python), "-m", "labcli.supervisor", "--offset", str(ctx.config.offset)]
    supervisor = start(command, env=os.environ, cwd=ctx.config.repo, log=folder.log("supervisor"))
    try:
        _wait_until_ready(ctx, folder, supervisor)
    except BaseException:
        ctx.console.note("stopping what was started ...")
        _clear(folder, Record(Identity.of(supervisor.pid), Record.load(folder).services))
        supervisor.wait()
        raise
    supervisor.returncode = 0  # it stays; Popen need not warn that nobody waits for it


def _wait_until_ready(ctx: Context, folder: Folder, supervisor: subprocess.Popen[bytes]) -> None:
    """Wait for every process, with a line for each as it becomes ready."""
    began = ctx.clock()
    waiting = {plan.name: plan for plan in plans(ctx.config)}
    while waiting:
        for name, plan in list(waiting.items()):
            if answers_well(plan.ready_url):
                del waiting[name]
                ctx.console.note(f"  {name:<12} ready after {ctx.clock() - began:.1f} s")
        if waiting:
            _check_progress(ctx, folder, supervisor, waiting, ctx.clock() - began)
            ctx.sleep(POLL_SECONDS)


def _check_progress(
    ctx: Context, folder: Folder, supervisor: subprocess.Popen[bytes], waiting: Iterable[str], seconds: float
) -> None:
    """Give up, with the log of what is to blame, when there is nothing to wait for."""
    if supervisor.poll() is not None:
        raise _failure(ctx, folder, "supervisor", "ended at once")
    starts = {name: running.starts for name, running in Record.load(folder).services.items()}
    for name in waiting:
        if starts.get(name, 0) >= MAX_STARTS:
            raise _failure(ctx, folder, name, "keeps ending")
    if seconds > READY_SECONDS:
        raise _failure(ctx, folder, next(iter(waiting)), f"was not ready within {READY_SECONDS:.0f} s")


def _failure(ctx: Context, folder: Folder, name: str, what: str) -> LabError:
    """Show the end of the log of what failed."""
    log = folder.log(name)
    ctx.console.note(f"the end of {log}:")
    for line in tail(log, LOG_LINES):
        ctx.console.note(f"  {line}")
    return LabError(f"{name} {what}; its log is above", f"is it this machine? {ctx.config.hint('doctor')}")


def _clear(folder: Folder, record: Record) -> None:
    """End every process of the lab that lives, and remove its folder, but for the logs."""
    if folder.path.is_symlink():
        raise LabError(
            f"{folder.path} is a link, and the lab deletes nothing behind one", f"remove it: rm {folder.path}"
        )
    if record.supervisor is not None:
        stop_all([record.supervisor], SUPERVISOR_STOP_SECONDS)
    # What a killed supervisor left; whole groups, for what was started after the record was written.
    left = list(chain.from_iterable((Record.load(folder).leftovers() or record.leftovers()).values()))
    for identity in left:
        identity.send_to_group(signal.SIGKILL)
    stop_all(left, LEFTOVER_STOP_SECONDS)
    if folder.path.exists():
        for entry in folder.path.iterdir():
            if entry.is_symlink() or entry.is_file():
                entry.unlink(missing_ok=True)  # a link would be followed by the next start
            elif entry.is_dir() and entry != folder.logs:
                shutil.rmtree(entry, ignore_errors=True)


def _check_ports(ctx: Context, found: Sequence[Plan]) -> None:
    """Refuse to start where somebody else listens, and say who."""
    for port, names in shared_ports(found).items():
        raise UsageError(f"port {port} would be {names}: see the ports in .env")
    wanted = {port: plan.name for plan in found for port in plan.ports}
    busy = {port: name for port, name in wanted.items() if not ports.is_free(port)}
    if busy:
        lines = [f"port {port} ({name}) is held by {ports.holder(port)}" for port, name in busy.items()]
        raise LabError("ports that the lab needs are busy", *lines, ports.way_out(ctx.config, "up --local"))


def _in_words(leftovers: dict[str, list[Identity]]) -> list[str]:
    """Leftover processes by name and id."""
    return [f"{name} ({', '.join(str(process.pid) for process in found)})" for name, found in leftovers.items()]


def _document(ctx: Context, status: str) -> dict[str, object]:
    """The lab for machines."""
    return {"mode": "local", "status": status, "url": ctx.config.url, "urls": _urls(ctx)}


def _urls(ctx: Context) -> dict[str, str]:
    """What a person can open."""
    urls = {"control room": ctx.config.address("LAB_PORT"), FRONTEND.name: ctx.config.address(FRONTEND.published)}
    if any(plan.name == "prometheus" for plan in plans(ctx.config)):
        urls["Prometheus"] = ctx.config.address("PROMETHEUS_PORT")
    return urls


def _told(ctx: Context, folder: Folder) -> str:
    """The lab for people."""
    lines = [f"  {name:<13} {url}" for name, url in _urls(ctx).items()]
    return "\n".join(
        [
            "The lab is up, without Docker.",
            *lines,
            f"  {'logs':<13} {folder.logs}",
            f"Next: {ctx.config.hint('status --watch')}; stop it with {ctx.config.hint('down --local')}",
        ]
    )
