"""What the environment says, read once at the start of a process and checked as a whole."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.common.http.hosts import is_host
from services.common.topology import ADMIN_PORT, API, BY_NAME, CHAIN, CONTROL_ROOM, DATA_PORT, SWITCHED, instances

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
MAX_DIGITS = 9  # of a number: Python refuses to read thousands of them
MIN_TOKEN_LENGTH = 8  # beyond this machine


class SettingsError(Exception):
    """Every bad variable of the environment, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Reader:
    """Reads variables one by one and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str, choices: tuple[str, ...] = ()) -> str:
        value = self._environ.get(name) or default
        if choices and value not in choices:
            self.problems.append(f"{name}={value!r}: must be one of {', '.join(choices)}")
            return default
        return value

    def integer(self, name: str, default: int, minimum: int, maximum: int) -> int:
        text = self._environ.get(name) or str(default)
        if not text.isdecimal() or len(text) > MAX_DIGITS or not minimum <= int(text) <= maximum:
            self.problems.append(f"{name}={text!r:.60}: must be a whole number from {minimum} to {maximum}")
            return default
        return int(text)

    def url(self, name: str, default: str) -> str:
        value = (self._environ.get(name) or default).rstrip("/")
        try:
            parts = urlsplit(value)
            good = parts.scheme == "http" and bool(parts.hostname) and not parts.path and parts.port != 0
        except ValueError:
            good = False
        if not good:
            self.problems.append(f"{name}={value!r}: must be like http://host:port")
            return default
        return value

    def token(self, name: str) -> str:
        """A secret for a header, without blanks around it; empty is none."""
        value = self._environ.get(name) or ""
        if value and not (value.strip() and value.isascii() and value.isprintable()):
            self.problems.append(f"{name}: must be letters, digits and signs of ASCII, and not blank")
        return value.strip()

    def host(self, name: str) -> str:
        """An IP address or a host's name; empty is none."""
        value = (self._environ.get(name) or "").lower()
        if value and not is_host(value):
            self.problems.append(f"{name}={value!r:.60}: must be an IP address or a host's name, without a port")
        return value

    def address(self, name: str, default: str) -> str:
        value = self._environ.get(name) or default
        try:
            ipaddress.ip_address(value)
        except ValueError:
            self.problems.append(f"{name}={value!r}: must be an IP address, such as 127.0.0.1")
            return default
        return value


@dataclass(frozen=True)
class Settings:
    """One process's settings. Ports are TCP ports; URLs are those of each instance, and have no trailing slash."""

    service: str
    instance: str
    local: bool
    bind: str
    data_port: int
    admin_port: int
    threads: int
    state_dir: Path
    journal_dir: Path
    cgroup_dir: Path
    secret_file: Path
    log_level: str
    data_urls: Mapping[str, str]
    admin_urls: Mapping[str, str]
    lab_port: int
    frontend_port: int
    prometheus_port: int
    grafana_port: int
    lab_bind: str
    lab_address: str
    lab_hosts: tuple[str, ...]
    lab_token: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read and check the environment.

        Raises:
            SettingsError: naming every bad variable, not just the first.
        """
        read = _Reader(os.environ if environ is None else environ)
        service = read.text("SERVICE", API.name, tuple(BY_NAME))
        own = [instance.name for instance in BY_NAME[service].instances]
        control_room = service == CONTROL_ROOM.name
        data_port = read.integer("DATA_PORT", 8080 if control_room else DATA_PORT, 1, 65535)
        state_dir = Path(read.text("STATE_DIR", "/run/lab"))
        settings = cls(
            service=service,
            instance=read.text("INSTANCE", own[0], tuple(own)),
            local=read.text("LAB_MODE", "containers", ("containers", "local")) == "local",
            bind=read.address("BIND", "0.0.0.0"),
            data_port=data_port,
            admin_port=data_port if control_room else read.integer("ADMIN_PORT", ADMIN_PORT, 1, 65535),
            threads=read.integer("THREADS", BY_NAME[service].threads, 0, 1024),
            state_dir=state_dir,
            journal_dir=Path(read.text("JOURNAL_DIR", str(state_dir / "journal"))),
            cgroup_dir=Path(read.text("CGROUP_DIR", "/sys/fs/cgroup")),
            secret_file=Path(read.text("LAB_SECRET_FILE", "/run/lab-secret/secret")),
            log_level=read.text("LOG_LEVEL", "INFO", LOG_LEVELS),
            data_urls={
                each.name: read.url(f"{each.variable}_URL", f"http://{each.name}:{DATA_PORT}")
                for each in instances(CHAIN)
            },
            admin_urls={
                each.name: read.url(f"{each.variable}_ADMIN_URL", f"http://{each.name}:{ADMIN_PORT}")
                for each in instances(SWITCHED)
            },
            lab_port=read.integer("LAB_PORT", 8080, 1, 65535),
            frontend_port=read.integer("FRONTEND_PORT", 8000, 1, 65535),
            prometheus_port=read.integer("PROMETHEUS_PORT", 9090, 1, 65535),
            grafana_port=read.integer("GRAFANA_PORT", 3000, 1, 65535),
            lab_bind=read.address("LAB_BIND", "127.0.0.1"),
            lab_address=read.host("LAB_ADDRESS"),
            lab_hosts=tuple(read.text("LAB_HOSTS", "").replace(",", " ").lower().split()),
            lab_token=read.token("LAB_TOKEN"),
        )
        published_on = ipaddress.ip_address(settings.lab_bind)
        if control_room and not published_on.is_loopback and len(settings.lab_token) < MIN_TOKEN_LENGTH:
            read.problems.append(
                f"LAB_BIND={published_on} lets the whole network in: "
                f"set LAB_TOKEN too, of {MIN_TOKEN_LENGTH} characters or more, so that only you can write"
            )
        if read.problems:
            raise SettingsError(read.problems)
        return settings

    @classmethod
    def from_env_or_exit(cls) -> Settings:
        """Read the environment, or print every bad variable and exit with status 2."""
        try:
            return cls.from_env()
        except SettingsError as error:
            for problem in error.problems:
                print(f"settings: {problem}", file=sys.stderr)
            sys.exit(2)
