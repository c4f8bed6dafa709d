"""The command `doctor`: what of this machine the lab needs, whether it is there, and what to do if not."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import resource
import shutil
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.common.topology import instances

from . import local, ports
from .api import Document
from .compose import PUBLISHED, Compose, published_ports
from .config import Config
from .context import Context
from .errors import LabError
from .kubernetes import Kubectl, is_ready, pod_of
from .lock import why_not_writable
from .plan import plans, shared_ports
from .shell import capture
from .table import row_lines

MIN_COMPOSE = (2, 24)
MIN_MEMORY_BYTES = 2 * 1024**3
MIN_DISK_BYTES = 3 * 1024**3
GB = 1024**3
WANTED_FILES = 4608  # as services/common/process/descriptors.py has it; a test compares
LEAST_FILES = 512  # below it the frontend accepts fewer connections than it has threads
IMAGES = {
    "PYTHON_IMAGE": "python:3.13-slim",
    "PROMETHEUS_IMAGE": "prom/prometheus:v3.13.2",
    "GRAFANA_IMAGE": "grafana/grafana:13.2.2",
}
ARCHITECTURES = {"x86_64", "amd64", "aarch64", "arm64"}
OK, WARN, FAIL = "ok", "warn", "FAIL"
ROLES = {OK: "good", WARN: "warning", FAIL: "error"}
BOTH, DOCKER, LOCAL, CLUSTER = "both", "Docker", "local", "cluster"
WIDTHS = (4, 6, 86)  # of the columns of what is found


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `way` is the way of running the lab that needs it."""

    way: str
    what: str
    outcome: str
    text: str
    advice: str = ""


def doctor(ctx: Context, args: Namespace) -> int:
    """Look at everything; 0 if the lab can run here in at least one of its two ways."""
    if ctx.config.namespace:
        return _doctor_of_cluster(ctx)
    findings = []
    for finding in _findings(ctx):
        findings.append(finding)
        ctx.console.say(_line(ctx, finding))
    ways = {way: all(f.outcome != FAIL for f in findings if f.way in (way, BOTH)) for way in (DOCKER, LOCAL)}
    ctx.console.data({"findings": [vars(finding) for finding in findings], "ways": ways})
    ctx.console.say()
    for way, words in ((DOCKER, "up"), (LOCAL, "up --local")):
        ctx.console.say(f"{ctx.config.hint(words)}: {'works here' if ways[way] else 'does not work here yet'}")
    return 0 if any(ways.values()) else 1


def _doctor_of_cluster(ctx: Context) -> int:
    """Look at a lab in a cluster; 0 if nothing is wrong with it."""
    findings = []
    for finding in _cluster_findings(ctx):
        findings.append(finding)
        ctx.console.say(_line(ctx, finding))
    ctx.console.data({"findings": [vars(finding) for finding in findings]})
    return int(any(finding.outcome == FAIL for finding in findings))


def _cluster_findings(ctx: Context) -> Iterator[Finding]:
    """The cluster, the lab's pods, and what its kernel kills."""
    namespace = ctx.config.namespace
    try:
        version = _json(Kubectl(namespace)("version", "--output", "json")).get("serverVersion", {})
        yield Finding(CLUSTER, "cluster", OK, f"Kubernetes {version.get('gitVersion', '?')} answers")
        pods = Kubectl(namespace).objects("pods")
        yield _pods(ctx, pods)
        yield _oom_group(ctx.room.get("/api/state")["services"])
    except LabError as error:
        yield Finding(CLUSTER, namespace, FAIL, error.message, *error.advice[:1])


def _pods(ctx: Context, pods: list[Document]) -> Finding:
    """Whether every instance has a pod that is ready."""
    ready = {pod["metadata"]["name"] for pod in pods if is_ready(pod)}
    missing = [each.name for each in instances() if pod_of(each) not in ready]
    if not missing:
        return Finding(CLUSTER, "pods", OK, f"all {len(instances())} are ready")
    advice = f"why: kubectl --namespace {ctx.config.namespace} get pods; killed ones: {ctx.config.hint('infra heal')}"
    return Finding(CLUSTER, "pods", FAIL, f"not ready: {', '.join(missing)}", advice)


def _oom_group(services: Document) -> Finding:
    """Whether an OOM kill ends a worker, as the scenes' timing has it, or its container."""
    grouped = [name for name, service in services.items() if service.get("oom_group")]
    if not grouped:
        return Finding(CLUSTER, "OOM kills", OK, "the kernel kills the worker alone (memory.oom.group is not set)")
    text = f"memory.oom.group is 1 for {', '.join(grouped)}: the kernel kills the whole container, and restarts wait"
    advice = "set singleProcessOOMKill: true for the kubelet: docs/kubernetes.md"
    return Finding(CLUSTER, "OOM kills", WARN, text, advice)


def _line(ctx: Context, finding: Finding) -> str:
    """A finding in a line, and what to do in the next."""
    outcome = ctx.console.style.paint(finding.outcome, ROLES[finding.outcome])
    rows = [[outcome, finding.way, f"{finding.what}: {finding.text}"]]
    if finding.advice:
        rows.append(["", "", f"-> {finding.advice}"])
    return "\n".join(line for row in rows for line in row_lines(row, WIDTHS))


def _findings(ctx: Context) -> Iterator[Finding]:
    """Everything, in the order of a person who sets the machine up."""
    config = ctx.config
    yield _python()
    yield _architecture()
    docker = capture(["docker", "info", "--format", "{{json .}}"], timeout=15)
    info = _json(docker.out) if docker.ok else {}
    if info.get("ServerVersion"):
        yield Finding(DOCKER, "engine", OK, f"version {info['ServerVersion']} answers")
        yield from _docker_findings(config, info)
    else:
        yield Finding(DOCKER, "engine", FAIL, _docker_complaint(docker.complaint), "install or start Docker")
    yield from _local_findings(ctx)
    yield from _port_findings(ctx)


def _python() -> Finding:
    """The Python that runs this is the one that local mode uses."""
    return Finding(BOTH, "Python", OK, platform.python_version())


def _architecture() -> Finding:
    """The images are made for two architectures."""
    machine = platform.machine()
    if machine.lower() in ARCHITECTURES:
        return Finding(BOTH, "architecture", OK, machine)
    return Finding(BOTH, "architecture", WARN, f"{machine} is untested", "amd64 and arm64 are known to work")


def _docker_complaint(complaint: str) -> str:
    """Why Docker does not answer, in a line."""
    return "not installed" if complaint.endswith("not found") else complaint


def _docker_findings(config: Config, info: Document) -> Iterator[Finding]:
    """What containers need."""
    yield _compose()
    memory = info.get("MemTotal", 0)
    yield _enough(DOCKER, "memory", memory, MIN_MEMORY_BYTES, "give Docker more memory in its settings")
    root = Path(info.get("DockerRootDir", ""))
    # On a Mac that folder is inside Docker's own machine, whose disk grows on this one's.
    disk = shutil.disk_usage(root if root.is_dir() else config.repo).free
    yield _enough(DOCKER, "disk", disk, MIN_DISK_BYTES, "free some: docker system prune")
    yield _memory_limits(info)
    for variable, default in IMAGES.items():
        yield _image(config.variables.get(variable) or default, variable)


def _compose() -> Finding:
    """The plugin, in a version that knows `start_interval` and `--wait`."""
    shown = capture(["docker", "compose", "version", "--short"])
    numbers = tuple(int(number) for number in re.findall(r"\d+", shown.out)[:2])
    wanted = ".".join(map(str, MIN_COMPOSE))
    if not shown.ok or not numbers:
        return Finding(DOCKER, "Compose", FAIL, "not installed", f"install docker-compose-plugin {wanted} or newer")
    version = shown.out.strip()
    if numbers < MIN_COMPOSE:
        return Finding(DOCKER, "Compose", FAIL, f"version {version} is too old", f"install {wanted} or newer")
    return Finding(DOCKER, "Compose", OK, f"version {version}")


def _enough(way: str, what: str, have: int, need: int, advice: str) -> Finding:
    """Whether there is enough of something that is counted in bytes."""
    text = f"{have / GB:.1f} GB, and {need / GB:.0f} GB are needed"
    return Finding(way, what, OK, text) if have >= need else Finding(way, what, FAIL, text, advice)


def _memory_limits(info: Document) -> Finding:
    """The leak's OOM kill needs a limit that the kernel keeps."""
    version = f"control groups version {info.get('CgroupVersion', '?')}"
    if not info.get("MemoryLimit"):
        advice = "boot with cgroup_enable=memory; without it the memory leak ends in no OOM kill"
        return Finding(DOCKER, "memory limits", WARN, f"{version} without memory limits", advice)
    if not info.get("SwapLimit"):
        advice = "boot with swapaccount=1, or without swap: a leak that swaps crawls before it is killed"
        return Finding(DOCKER, "memory limits", WARN, f"{version}, without a limit for swap", advice)
    return Finding(DOCKER, "memory limits", OK, version)


def _image(image: str, variable: str) -> Finding:
    """Whether an image is there already; one that is not is pulled by `up`."""
    if capture(["docker", "image", "inspect", "--format", "{{.Id}}", image]).ok:
        return Finding(DOCKER, "image", OK, f"{image} is here")
    advice = f"`up` pulls it; without a network do `docker load`, or set {variable} to a mirror's"
    return Finding(DOCKER, "image", WARN, f"{image} is not here yet", advice)


def _local_findings(ctx: Context) -> Iterator[Finding]:
    """What processes need."""
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        yield Finding(LOCAL, "venv", OK, "this Python can make a virtual environment")
    else:
        yield Finding(LOCAL, "venv", FAIL, "this Python has no venv or no ensurepip", "apt install python3-venv")
    complaint = why_not_writable(ctx.config)
    if complaint is not None:
        yield Finding(LOCAL, "checkout", FAIL, complaint, "copy the checkout to where you may write")
    yield _open_files()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield _enough(LOCAL, "memory", memory, MIN_MEMORY_BYTES, "the scenes need it; take another machine")
    binary = shutil.which("prometheus")
    if binary:
        yield Finding(LOCAL, "Prometheus", OK, binary)
    else:
        advice = "install its binary for graphs; everything else works without"
        yield Finding(LOCAL, "Prometheus", WARN, "not on PATH", advice)


def _open_files() -> Finding:
    """Each connection is an open file; the processes raise their limit as far as they may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{hard} at most" if hard != resource.RLIM_INFINITY else "no limit"
    if hard == resource.RLIM_INFINITY or hard >= WANTED_FILES:
        return Finding(LOCAL, "open files", OK, text)
    advice = (
        f"raise the hard limit to {WANTED_FILES} (ulimit -Hn, /etc/security/limits.conf): below it users are refused"
    )
    return Finding(LOCAL, "open files", FAIL if hard < LEAST_FILES else WARN, text, advice)


def _port_findings(ctx: Context) -> Iterator[Finding]:
    """The ports of both ways; those that this lab itself holds are fine."""
    config = ctx.config
    in_docker = {config.port(port_name): service for service, (_, port_name) in PUBLISHED.items()}
    found = plans(config)
    for port, names in shared_ports(found).items():
        yield Finding(LOCAL, f"port {port}", FAIL, f"would be {names}", "give each a port of its own: see .env")
    in_local = {port: plan.name for plan in found for port in plan.ports}
    own = _own_ports(ctx, set(in_local))
    busy = {port: ports.holder(port) for port in sorted({*in_docker, *in_local} - own) if not ports.is_free(port)}
    for port, holder in busy.items():
        ways = [way for way, wanted in ((DOCKER, in_docker), (LOCAL, in_local)) if port in wanted]
        way = BOTH if len(ways) > 1 else ways[0]
        name = in_docker.get(port) or in_local[port]
        yield Finding(way, f"port {port}", FAIL, f"{name}'s, held by {holder}", ports.way_out(config, "up"))
    held = f"; this lab holds {', '.join(map(str, sorted(own)))}" if own else ""
    if not busy:
        yield Finding(BOTH, "ports", OK, f"no one else holds those that the lab needs{held}")


def _own_ports(ctx: Context, of_processes: set[int]) -> set[int]:
    """The ports that this lab holds already, as processes or as containers."""
    if local.is_up(ctx):
        return of_processes
    try:
        return published_ports(Compose(ctx.config).containers()) - {0}
    except LabError:
        return set()


def _json(text: str) -> Document:
    """A document, or an empty one."""
    try:
        document: Document = json.loads(text)
    except ValueError:
        return {}
    return document
