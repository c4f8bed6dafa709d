"""What `infra` does to containers."""

from __future__ import annotations

import json
from typing import Any

from .api import Document
from .compose import Compose
from .context import Context
from .errors import LabError
from .infra_record import infra_record
from .record import write_whole
from .shell import capture

HEALTHY_SECONDS = 60.0
CHECK_SECONDS = 5.0
POLL_SECONDS = 0.25
BILLION = 1_000_000_000  # Docker counts CPUs in billionths


class DockerInfra:
    """The containers of one lab. What must be known to undo a change is kept in .lab/infra-PROJECT.json."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._ids = {name: found["ID"] for name, found in Compose(ctx.config).containers().items()}
        self._path = infra_record(ctx.config)

    def services(self) -> list[str]:
        """The services that have a container."""
        return sorted(self._ids)

    def changed(self) -> list[str]:
        """The services whose present container was changed."""
        return [service for service in sorted(self._load()) if service in self._ids]

    def kill(self, service: str) -> str:
        """Kill it; Docker's restart policy leaves alone what was killed by hand."""
        self._docker("kill", self._ids[service])
        self._note(service, {})
        return "killed, and stays down"

    def pause(self, service: str) -> str:
        """Freeze all its processes."""
        self._docker("pause", self._ids[service])
        self._note(service, {})
        return "paused: its connections stay open, and nobody answers"

    def disconnect(self, service: str) -> str:
        """Take it off every network, after noting under which names it was there."""
        attached = self._inspect(service)["NetworkSettings"]["Networks"]
        networks = {name: network["Aliases"] or [] for name, network in attached.items()}
        if not networks:
            raise LabError(f"{service} is on no network: it is disconnected already")
        self._note(service, {"networks": networks})
        for name in networks:
            self._docker("network", "disconnect", name, self._ids[service])
        return f"disconnected from {' and '.join(networks)}"

    def limit_cpu(self, service: str, cpus: float) -> str:
        """Leave it fewer CPUs, after noting how many it had."""
        self._note(service, {"nano_cpus": self._inspect(service)["HostConfig"]["NanoCpus"]})
        self._docker("update", "--cpus", f"{cpus:g}", self._ids[service])
        return f"has {cpus:g} CPUs now"

    def heal(self, service: str) -> list[str]:
        """Undo what was done, and wait until the container is healthy."""
        container, state = self._ids[service], self._inspect(service)["State"]
        changes, steps = self._load().get(service, {}), []
        if state["Paused"]:
            self._docker("unpause", container)
            steps.append("unpaused")
        if changes.get("nano_cpus"):
            cpus = changes["nano_cpus"] / BILLION
            self._docker("update", "--cpus", f"{cpus:g}", container)
            steps.append(f"has {cpus:g} CPUs again")
        steps += self._connect(service, changes.get("networks", {}))
        if not state["Running"]:
            self._docker("start", container)
            steps.append("started")
        steps.append(f"well after {self._wait_until_well(service):.1f} s")
        self._forget(service)
        return steps

    def _connect(self, service: str, networks: dict[str, list[str]]) -> list[str]:
        """Put it back on its networks, under its old names."""
        present = self._inspect(service)["NetworkSettings"]["Networks"]
        missing = {name: aliases for name, aliases in networks.items() if name not in present}
        for name, aliases in missing.items():
            names = [word for alias in {service, *aliases} for word in ("--alias", alias)]
            self._docker("network", "connect", *names, name, self._ids[service])
        return [f"connected to {' and '.join(missing)}"] if missing else []

    def _wait_until_well(self, service: str) -> float:
        """Wait until it passes its health check; how many seconds that took."""
        ctx = self._ctx
        began = ctx.clock()
        while not self._is_well(service):
            seconds = ctx.clock() - began
            if seconds > HEALTHY_SECONDS:
                log = f"its log: docker logs --tail 20 {self._ids[service][:12]}"
                raise LabError(f"{service} is not well after {seconds:.0f} s", log)
            ctx.console.progress(f"  {service} is not well yet, {seconds:.0f} s")
            ctx.sleep(POLL_SECONDS)
        return ctx.clock() - began

    def _is_well(self, service: str) -> bool:
        """Whether it passes its health check now; Docker's own word may be ten seconds old."""
        container = self._inspect(service)
        kind, *words = (container["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
        if not container["State"]["Running"] or kind == "NONE":
            return bool(container["State"]["Running"])
        check = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        return capture(["docker", "exec", self._ids[service], *check], timeout=CHECK_SECONDS).ok

    def _inspect(self, service: str) -> Document:
        """All that Docker knows of a service's container."""
        found: Document = json.loads(self._docker("inspect", self._ids[service]))[0]
        return found

    def _docker(self, *words: str) -> str:
        """A docker command that must work."""
        done = capture(["docker", *words])
        if not done.ok:
            complaint = done.complaint.removeprefix("Error response from daemon: ")
            raise LabError(f"docker {words[0]} failed: {complaint}")
        return done.out

    # The record: what was done to which container. That of a container that is gone says nothing.

    def _load(self) -> dict[str, dict[str, Any]]:
        """The changes of each service whose container is still the one that was changed."""
        try:
            recorded = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {name: entry for name, entry in recorded.items() if entry["container"] == self._ids.get(name)}

    def _note(self, service: str, change: dict[str, Any]) -> None:
        """Remember a change; what was there before the first change is what counts."""
        recorded = self._load()
        recorded[service] = {"container": self._ids[service], **change, **recorded.get(service, {})}
        self._save(recorded)

    def _forget(self, service: str) -> None:
        """Everything is as it was."""
        recorded = self._load()
        recorded.pop(service, None)
        self._save(recorded)

    def _save(self, recorded: dict[str, dict[str, Any]]) -> None:
        """Write the record, or remove it when there is nothing in it."""
        if recorded:
            self._path.parent.mkdir(exist_ok=True)
            write_whole(self._path, json.dumps(recorded))
        else:
            self._path.unlink(missing_ok=True)
