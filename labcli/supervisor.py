"""The long-lived process of local mode: it starts the services, starts them again, and keeps their memory limits.

Run by `lab up --local` as `python -m labcli.supervisor --offset N`, from the repository, with the virtual
environment's Python. It is to the processes what Docker and the kernel are to the containers.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from services.common.topology import MB

from .config import Config
from .logs import rotate, trim
from .plan import Folder, Plan, plans, prometheus_config
from .processes import Identity
from .record import DOWN, HELD, PAUSED, RUNNING, Record, Running, write_whole
from .shell import start

TICK_SECONDS = 0.05  # how often memory is looked at
LOOK_AROUND_SECONDS = 0.5  # how often new processes and long logs are looked for
RESTART_SECONDS = 0.5
MAX_RESTART_SECONDS = 5.0
QUICK_DEATH_SECONDS = 2.0
STOP_SECONDS = 3.0

Tell = Callable[[str], None]


class MemoryLimit:
    """The stand-in for the kernel's control group: a limit, and a count of kills, in the kernel's own files."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._kills = 0
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "memory.max", f"{limit_bytes}\n")
        self._write_events()

    def enforce(self, processes: list[psutil.Process]) -> str | None:
        """Kill the biggest process if it is past the limit; a sentence about it, or None."""
        sizes = [(_resident_bytes(process), process) for process in processes]
        size, biggest = max(sizes, key=lambda pair: pair[0], default=(0, None))
        if biggest is None or size <= self._limit_bytes:
            return None
        self._kills += 1
        with suppress(OSError):  # a full disk must not keep it alive
            self._write_events()  # first: its successor reads it
        with suppress(psutil.NoSuchProcess):
            biggest.kill()
        sizes_in_words = f"{size / MB:.0f} of {self._limit_bytes / MB:.0f} MB"
        return f"process {biggest.pid} passed its memory limit ({sizes_in_words}): killed, as the kernel would"

    def _write_events(self) -> None:
        """The file of cgroups(7), version 2."""
        lines = ("low 0", "high 0", "max 0", f"oom {self._kills}", f"oom_kill {self._kills}", "oom_group_kill 0")
        write_whole(self._folder / "memory.events", "\n".join(lines) + "\n")


def _resident_bytes(process: psutil.Process) -> int:
    """The resident size; nothing for a process that has gone."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


class Service:
    """One service: its process, which is started whenever it is not there, unless it is held."""

    def __init__(self, plan: Plan, folder: Folder, cwd: Path, tell: Tell) -> None:
        self.plan = plan
        self.starts = 0
        self.members: list[psutil.Process] = []
        self._folder = folder
        self._cwd = cwd
        self._tell = tell
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._quick_deaths = 0
        self._due = 0.0
        self._paused = False
        limit = plan.memory_limit_bytes
        self._limit = None if limit is None else MemoryLimit(folder.cgroup(plan.name), limit)

    @property
    def pid(self) -> int | None:
        """The main process's id while it lives."""
        return self._process.pid if self._process else None

    @property
    def state(self) -> str:
        """Running, paused, held or down."""
        if self._process is None:
            return HELD if self._is_held() else DOWN
        return PAUSED if self._paused else RUNNING

    def tick(self, now: float) -> None:
        """Notice a death, do what `infra` asks for, start what is due, and keep the memory limit."""
        held = self._is_held()
        if self._process is not None and held:
            _signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process is not None and self._process.poll() is not None:
            self._bury(self._process, now)
        if self._process is None and now >= self._due and not held:
            self._start(now)
        self._keep_paused()
        killed = self._limit.enforce(self.members) if self._limit else None
        if killed:
            self._tell(f"{self.plan.name}: {killed}")
            self.members = []  # until the next look around: what was killed once is not killed again

    def _is_held(self) -> bool:
        """Whether `infra kill` keeps it down."""
        return self._folder.hold(self.plan.name).exists()

    def _keep_paused(self) -> None:
        """Stop its processes when `infra pause` has asked for it, and let them go on after `infra heal`."""
        wanted = self._folder.paused(self.plan.name).exists()
        if self._process is not None and wanted != self._paused:
            self._paused = wanted
            _signal_group(self._process.pid, signal.SIGSTOP if wanted else signal.SIGCONT)
            self._tell(f"{self.plan.name}: {'paused' if wanted else 'goes on'}")

    def _start(self, now: float) -> None:
        """Start it as a new container would: with nothing in its tmpfs."""
        state = self._folder.state(self.plan.name)
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True)
        log = self._folder.log(self.plan.name)
        self._process = start(self.plan.command, env=self.plan.environment, cwd=self._cwd, log=log)
        self._began, self._paused = now, False
        self.starts += 1
        self._tell(f"{self.plan.name}: started, process {self._process.pid}")

    def _bury(self, process: subprocess.Popen[bytes], now: float) -> None:
        """The main process died: what it started goes with it, and it is started again soon."""
        _signal_group(process.pid, signal.SIGKILL)
        self._process, self.members = None, []
        self._quick_deaths = self._quick_deaths + 1 if now - self._began < QUICK_DEATH_SECONDS else 0
        pause = min(MAX_RESTART_SECONDS, RESTART_SECONDS * 2 ** max(0, self._quick_deaths - 1))
        self._due = now + pause
        fate = "stays down until `infra heal`" if self._is_held() else f"to be started again in {pause:g} s"
        self._tell(f"{self.plan.name}: ended with {process.returncode}, {fate}")

    def ask_to_end(self) -> None:
        """Tell it to end, even if it is paused."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            _signal_group(self._process.pid, signal.SIGCONT)

    def end(self, deadline: float) -> None:
        """Wait for its end until `deadline`, then kill it and all that it started."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))
        _signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a service's whole group: the supervisor started each as the leader of one."""
    with suppress(ProcessLookupError, PermissionError):  # macOS refuses a group that has only dead members
        os.killpg(pid, number)


class Supervisor:
    """Every service of one local lab."""

    def __init__(self, config: Config) -> None:
        self._folder = Folder.of(config)
        self._folder.path.mkdir(parents=True, exist_ok=True)
        found = plans(config)
        self._services = [Service(plan, self._folder, config.repo, tell) for plan in found]
        self._record = Record(Identity.of(os.getpid()))
        self._told: set[str] = set()
        for plan in found:
            rotate(self._folder.log(plan.name))
        if any(plan.name == "prometheus" for plan in found):
            self._folder.prometheus_config.write_text(prometheus_config(config))

    def run(self, stop: threading.Event) -> None:
        """Supervise until `stop`, or until the lab's folder is gone; then end everything that was started."""
        self._record.save(self._folder)
        looked = 0.0
        try:
            while not stop.wait(TICK_SECONDS):
                now = time.monotonic()
                for service in self._services:
                    self._try(partial(service.tick, now))
                if now - looked >= LOOK_AROUND_SECONDS:
                    looked = now
                    if not self._folder.record.exists():
                        tell("the lab's folder is gone: stopping")
                        break
                    self._try(self._look_around)
        finally:
            self._end_all()

    def _try(self, work: Callable[[], None]) -> None:
        """Do it; a full or broken disk is said once, and ends nothing."""
        try:
            work()
        except OSError as error:
            if str(error) not in self._told:
                self._told.add(str(error))
                tell(f"going on, though {error}")

    def _look_around(self) -> None:
        """Find the processes of each service, record them, and cut long logs."""
        groups = {service.pid: service for service in self._services if service.pid}
        found = _members(groups, {process.pid: process for service in self._services for process in service.members})
        for pid, service in groups.items():
            service.members = sorted(found[pid], key=lambda process: process.pid != pid)
        for service in self._services:
            trim(self._folder.log(service.plan.name))
        trim(self._folder.log("supervisor"))
        services = {service.plan.name: _running(service) for service in self._services}
        if services != self._record.services:
            record = Record(self._record.supervisor, services)
            record.save(self._folder)
            self._record = record  # only now: what could not be written is tried again

    def _end_all(self) -> None:
        """End every service: all are asked first, then waited for."""
        for service in self._services:
            service.ask_to_end()
        deadline = time.monotonic() + STOP_SECONDS
        for service in self._services:
            service.end(deadline)
        tell("stopped")


def _running(service: Service) -> Running:
    """A service's entry in the record."""
    identities = (Identity.of(process.pid) for process in service.members)
    return Running(service.state, service.starts, tuple(identity for identity in identities if identity))


def _members(groups: Collection[int], known: Mapping[int, psutil.Process]) -> dict[int, list[psutil.Process]]:
    """The processes of each of these process groups; cheaper than following parents."""
    found: dict[int, list[psutil.Process]] = {group: [] for group in groups}
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            group = os.getpgid(pid)
            if group in found:
                found[group].append(known.get(pid) or psutil.Process(pid))
    return found


def tell(message: str) -> None:
    """A line of the supervisor's log."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with suppress(OSError):  # the disk is full: nothing can be told
        print(json.dumps({"time": moment, "service": "supervisor", "message": message}), flush=True)


def main() -> None:
    """Supervise the lab of one offset until SIGTERM."""
    parser = argparse.ArgumentParser(description="Runs a local lab; started by `lab up --local`.")
    parser.add_argument("--offset", type=int, required=True, help="which lab: every port is moved by this")
    args = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Supervisor(Config.load(args.offset, os.environ)).run(stop)


if __name__ == "__main__":
    main()
