"""What `infra` does to the processes of local mode: it leaves a file, and the supervisor acts on it."""

from __future__ import annotations

from pathlib import Path

from .api import answers_well
from .context import Context
from .errors import LabError
from .plan import Folder, plans
from .record import HELD, PAUSED, RUNNING, Record

ACT_SECONDS = 5.0
READY_SECONDS = 30.0
POLL_SECONDS = 0.05


class LocalInfra:
    """The processes of one lab."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._folder = Folder.of(ctx.config)
        self._ready_urls = {plan.name: plan.ready_url for plan in plans(ctx.config)}

    def services(self) -> list[str]:
        """The processes that the supervisor keeps."""
        return sorted(Record.load(self._folder).services)

    def changed(self) -> list[str]:
        """The services that are held or paused."""
        return [name for name in self.services() if any(path.exists() for path in self._files(name))]

    def kill(self, service: str) -> str:
        """Have it killed, with all that it started, and not started again."""
        self._leave(self._folder.hold(service))
        self._wait_for_state(service, HELD)
        return "killed, and stays down"

    def pause(self, service: str) -> str:
        """Have all its processes stopped."""
        if self._folder.hold(service).exists():
            raise LabError(f"{service} is killed: there is nothing to pause")
        self._leave(self._folder.paused(service))
        self._wait_for_state(service, PAUSED)
        return "paused: its connections stay open, and nobody answers"

    def disconnect(self, service: str) -> str:
        """Refused: processes share the machine's one network."""
        raise _needs_containers("disconnect")

    def limit_cpu(self, service: str, cpus: float) -> str:
        """Refused: only the kernel's control groups can do it."""
        raise _needs_containers("limit-cpu")

    def heal(self, service: str) -> list[str]:
        """Take the files away, and wait until the service is ready."""
        began = self._ctx.clock()
        hold, paused = self._files(service)
        words = [word for path, word in ((hold, "started"), (paused, "goes on")) if path.exists()]
        for path in (hold, paused):
            path.unlink(missing_ok=True)
        self._wait_for_state(service, RUNNING)
        self._wait_until_ready(service, began)
        return [*words, f"well after {self._ctx.clock() - began:.1f} s"]

    def _files(self, service: str) -> tuple[Path, Path]:
        """The files that hold and that pause a service."""
        return self._folder.hold(service), self._folder.paused(service)

    def _leave(self, path: Path) -> None:
        """Leave one of them."""
        path.parent.mkdir(exist_ok=True)
        path.touch()

    def _wait_for_state(self, service: str, state: str) -> None:
        """Wait until the supervisor has acted."""
        deadline = self._ctx.clock() + ACT_SECONDS
        while Record.load(self._folder).services[service].state != state:
            if self._ctx.clock() > deadline:
                log = self._folder.log("supervisor")
                raise LabError(f"{service} is still not {state} after {ACT_SECONDS:.0f} s", f"the log: {log}")
            self._ctx.sleep(POLL_SECONDS)

    def _wait_until_ready(self, service: str, began: float) -> None:
        """Wait until it answers."""
        while not answers_well(self._ready_urls[service]):
            if self._ctx.clock() - began > READY_SECONDS:
                log = self._folder.log(service)
                raise LabError(f"{service} is not ready after {READY_SECONDS:.0f} s", f"its log: {log}")
            self._ctx.console.progress(f"  {service} is not ready yet, {self._ctx.clock() - began:.0f} s")
            self._ctx.sleep(POLL_SECONDS)


def _needs_containers(action: str) -> LabError:
    """What local mode cannot do."""
    return LabError(
        f"{action} needs containers, and this lab runs without Docker",
        "kill and pause work here; ./scripts/lab up starts a lab in Docker",
    )
