"""What local mode runs: which processes, on which ports, with which environment."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.common.topology import CHAIN, CONTROL_ROOM, MB, SWITCHED, TRAFFIC, Instance, ServiceSpec, instances

from .config import Config
from .containers import scrape_configuration
from .errors import UsageError

LEAST_MEMORY = 128 * MB
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
PASSED_ON = ("LAB_TOKEN", "LAB_HOSTS")


@dataclass(frozen=True)
class Folder:
    """The folder of one local lab: .lab/local-N."""

    path: Path

    @classmethod
    def of(cls, config: Config) -> Folder:
        """The folder of this lab."""
        return cls(config.lab_folder / f"local-{config.offset}")

    @property
    def record(self) -> Path:
        """Which processes run: written by the supervisor, read by everybody."""
        return self.path / "processes.json"

    @property
    def logs(self) -> Path:
        """The logs, one for each process; the one thing that outlives the lab."""
        return self.path / "logs"

    @property
    def prometheus_config(self) -> Path:
        """Prometheus's configuration, made from the one of the containers."""
        return self.path / "prometheus.yml"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"

    def hold(self, name: str) -> Path:
        """A file that keeps the supervisor from starting a service: `infra kill` makes it."""
        return self.path / "hold" / name

    def paused(self, name: str) -> Path:
        """A file that says that `infra pause` stopped a service."""
        return self.path / "paused" / name

    def state(self, name: str) -> Path:
        """What a container has as its tmpfs."""
        return self.path / "state" / name

    @property
    def journal(self) -> Path:
        """What the control room's container has as a volume."""
        return self.path / "journal"

    @property
    def secret(self) -> Path:
        """The lab's own secret: what the containers share in a volume."""
        return self.path / "secret"

    def cgroup(self, name: str) -> Path:
        """What a container has as /sys/fs/cgroup."""
        return self.path / "cgroup" / name


@dataclass(frozen=True)
class Plan:
    """One process of the lab; a memory limit of None is none."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ports: tuple[int, ...]
    ready_url: str
    memory_limit_bytes: int | None = None


def plans(config: Config, python: Path | str = sys.executable) -> list[Plan]:
    """Every process of the lab; Prometheus is among them where its binary is on PATH."""
    found = [_service_plan(config, instance, python) for instance in reversed(instances())]
    prometheus = shutil.which("prometheus", path=config.variables.get("PATH", ""))
    return [*found, _prometheus_plan(config, prometheus)] if prometheus else found


def shared_ports(found: Iterable[Plan]) -> dict[int, str]:
    """The ports that more than one process would have, and whose they would be."""
    owners: dict[int, list[str]] = {}
    for plan in found:
        for port in plan.ports:
            owners.setdefault(port, []).append(f"{plan.name}'s")
    return {port: " and ".join(names) for port, names in owners.items() if len(names) > 1}


def data_ports(config: Config) -> dict[str, int]:
    """The port of each instance's data plane; the published ones are where .env says."""
    inner = {each.name: config.moved(each.local_data_port) for each in instances() if each.local_data_port}
    return inner | {each.name: config.port(each.spec.published) for each in instances() if each.spec.published}


def admin_ports(config: Config) -> dict[str, int]:
    """The port of each instance's admin plane."""
    return {each.name: config.moved(each.local_admin_port) for each in instances(SWITCHED)}


def memory_limit_bytes(config: Config, spec: ServiceSpec) -> int:
    """The limit that the supervisor keeps for a service, as the kernel does for a container."""
    variable = spec.memory_variable
    if not variable:
        return spec.memory_mb * MB
    limit = size_in_bytes(variable, config.variables.get(variable) or f"{spec.memory_mb}m")
    if limit < LEAST_MEMORY:
        raise UsageError(f"{variable} must be {LEAST_MEMORY // MB}m or more: the {spec.name} alone takes 50 MB")
    return limit


def size_in_bytes(variable: str, text: str) -> int:
    """The size that a variable has, as Compose writes it: "512m", "1g", "1000000"."""
    found = re.fullmatch(r"([0-9]{1,15})([bkmg]?)b?", text.strip().lower())
    if not found:
        raise UsageError(f"{variable}={text!r:.60}: write it like 512m")
    return int(found[1]) << 10 * "bkmg".index(found[2] or "b")


def _service_plan(config: Config, instance: Instance, python: Path | str) -> Plan:
    """An instance of a service of ours."""
    name, spec = instance.name, instance.spec
    data, admin = data_ports(config), admin_ports(config)
    ports = tuple(found[name] for found in (data, admin) if name in found)
    ready = f"http://127.0.0.1:{admin[name]}/readyz" if name in admin else f"{_local(data[name])}/healthz"
    gunicorn = ["gunicorn", "-c", "services/common/process/gunicorn_conf.py"]
    module = ["services.traffic.app"] if spec.name == TRAFFIC.name else gunicorn
    return Plan(
        name=name,
        command=(str(python), "-m", *module),
        environment=_environment(config, instance),
        ports=ports,
        ready_url=ready,
        memory_limit_bytes=memory_limit_bytes(config, spec),
    )


def _environment(config: Config, instance: Instance) -> dict[str, str]:
    """An instance's whole environment: what it needs, and nothing of the person's that could change the numbers."""
    data, admin, folder, name = data_ports(config), admin_ports(config), Folder.of(config), instance.name
    ours = {
        "SERVICE": instance.spec.name,
        "INSTANCE": name,
        "LAB_MODE": "local",
        "BIND": "127.0.0.1",
        "STATE_DIR": str(folder.state(name)),
        "JOURNAL_DIR": str(folder.journal),
        "LAB_SECRET_FILE": str(folder.secret),
        "CGROUP_DIR": str(folder.cgroup(name)),
        "LAB_BIND": "127.0.0.1",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
    }
    for key, ports in (("DATA_PORT", data), ("ADMIN_PORT", admin)):
        if name in ports:
            ours[key] = str(ports[name])
    ours |= {f"{each.variable}_URL": _local(data[each.name]) for each in instances(CHAIN)}
    ours |= {f"{each.variable}_ADMIN_URL": _local(admin[each.name]) for each in instances(SWITCHED)}
    ours |= {key: str(config.port(key)) for key in ("LAB_PORT", "FRONTEND_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")}
    ours |= {key: config.variables[key] for key in PASSED_ON if config.variables.get(key)}
    return _kept(config) | ours


def _kept(config: Config) -> dict[str, str]:
    """What a process keeps of the person's environment."""
    return {key: config.variables[key] for key in KEPT_VARIABLES if key in config.variables}


def _prometheus_plan(config: Config, binary: str) -> Plan:
    """Prometheus, with a short memory."""
    port, folder = config.port("PROMETHEUS_PORT"), Folder.of(config)
    return Plan(
        name="prometheus",
        command=(
            binary,
            f"--config.file={folder.prometheus_config}",
            f"--storage.tsdb.path={folder.path / 'prometheus-data'}",
            "--storage.tsdb.retention.time=2h",
            f"--web.listen-address=127.0.0.1:{port}",
        ),
        environment=_kept(config),
        ports=(port,),
        ready_url=f"{_local(port)}/-/ready",
    )


def prometheus_config(config: Config) -> str:
    """What prometheus/prometheus.yml is to the containers, with this lab's ports."""
    ports = {**admin_ports(config), CONTROL_ROOM.name: config.port(CONTROL_ROOM.published)}
    # A rule file is a pattern, and the path to the lab is none.
    rules = re.sub(r"([*?\[\\])", r"\\\1", str(config.repo / "prometheus" / "rules")) + "/*.yml"
    return scrape_configuration({name: f"127.0.0.1:{port}" for name, port in ports.items()}, rules)


def _local(port: int) -> str:
    """An address of this machine."""
    return f"http://127.0.0.1:{port}"
