"""Which lab is meant: its ports, its address and its folders, from the environment and the repository's .env."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.common.http.hosts import is_host

from .errors import UsageError

REPO = Path(__file__).resolve().parents[1]
DEFAULT_PORTS = {"LAB_PORT": 8080, "FRONTEND_PORT": 8000, "PROMETHEUS_PORT": 9090, "GRAFANA_PORT": 3000}
MAX_PORT = 65535
MAX_DIGITS = 9  # Python refuses to read thousands of them
PROJECT = "sre-failure-lab"


@dataclass(frozen=True)
class Config:
    """One lab of this machine; `offset` tells it from the others, and moves every port.

    `given_project` is what `-p` named its containers; empty is the name that follows from the offset. With a
    `namespace` the lab is in that namespace of a cluster instead.
    """

    repo: Path
    offset: int
    variables: Mapping[str, str]
    given_project: str = ""
    namespace: str = ""

    @classmethod
    def load(
        cls,
        offset: int | None,
        environ: Mapping[str, str],
        repo: Path = REPO,
        project: str | None = None,
        namespace: str | None = None,
    ) -> Config:
        """Read .env and, over it, the environment.

        Raises:
            UsageError: a port or the offset makes no sense, or LAB_URL, LAB_BIND or LAB_ADDRESS is no address.
        """
        variables = {**read_dotenv(repo / ".env"), **environ}
        if offset is None:
            offset = _whole_number("LAB_PORT_OFFSET", variables.get("LAB_PORT_OFFSET") or "0", 0)
        config = cls(repo, offset, variables, project or "", namespace or "")
        for name in DEFAULT_PORTS:
            config.port(name)
        _check_address("LAB_BIND", config.bind)
        _check_host("LAB_ADDRESS", variables.get("LAB_ADDRESS") or "localhost")
        if variables.get("LAB_URL"):
            _check_url("LAB_URL", config.url)
        _check_token("LAB_TOKEN", config.token)
        _check_apart(config)
        return config

    def port(self, name: str) -> int:
        """The port that the variable `name` says, moved by the offset."""
        return self.moved(_whole_number(name, self.variables.get(name) or str(DEFAULT_PORTS[name]), 1))

    def moved(self, port: int) -> int:
        """A port, moved by the offset."""
        if port + self.offset > MAX_PORT:
            raise UsageError(f"port {port} + offset {self.offset} is past {MAX_PORT}: take a smaller offset")
        return port + self.offset

    @property
    def project(self) -> str:
        """The name under which Compose keeps this lab's containers and its network apart from all others."""
        if self.given_project:
            return self.given_project
        return f"{PROJECT}-{self.offset}" if self.offset else self.variables.get("COMPOSE_PROJECT_NAME") or PROJECT

    @property
    def is_elsewhere(self) -> bool:
        """Whether LAB_URL or a namespace says where the lab is, so that it need not be one of this machine."""
        return bool(self.namespace or self.variables.get("LAB_URL"))

    @property
    def url(self) -> str:
        """The control room's address, without a slash at its end."""
        return (self.variables.get("LAB_URL") or self.address("LAB_PORT")).rstrip("/")

    def address(self, port_name: str) -> str:
        """The address of one of the published ports."""
        return f"http://127.0.0.1:{self.port(port_name)}"

    @property
    def bind(self) -> str:
        """The address on which the lab is published."""
        return self.variables.get("LAB_BIND") or "127.0.0.1"

    @property
    def token(self) -> str:
        """The bearer token for writes; empty is none."""
        return self.variables.get("LAB_TOKEN", "").strip(" ")

    @property
    def lab_folder(self) -> Path:
        """Where everything is kept that is no source: virtual environment, logs, records."""
        return self.repo / ".lab"

    def hint(self, words: str) -> str:
        """A command for this same lab that the person can type."""
        if self.namespace:
            return f"./scripts/lab {words} --kubernetes {self.namespace}"
        project = f" -p {self.given_project}" if self.given_project else ""
        offset = f" --port-offset {self.offset}" if self.offset else ""
        return f"./scripts/lab {words}{project}{offset}"


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a .env file; one that is not there has none."""
    try:
        lines = path.read_text("utf-8", "surrogateescape").splitlines()  # as the environment is read
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    pairs = (line.split("=", 1) for line in map(str.strip, lines) if "=" in line and not line.startswith("#"))
    return {name.strip(): _unquoted(value.strip()) for name, value in pairs}


def _unquoted(value: str) -> str:
    """The value without its quotes, or without the comment after it."""
    if value[:1] in ("'", '"') and value.endswith(value[0]) and len(value) > 1:
        return value[1:-1]
    return value.split(" #", 1)[0].rstrip()


def _check_address(name: str, text: str) -> None:
    """Refuse what is no IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise UsageError(f"{name}={text!r}: must be an IP address, such as 127.0.0.1") from None


def _check_host(name: str, text: str) -> None:
    """Refuse what names no machine."""
    if not is_host(text):
        raise UsageError(f"{name}={text!r:.60}: must be an IP address or a host's name, without a port")


def _check_url(name: str, text: str) -> None:
    """Refuse what is not the address of a server and nothing more; a password in it is not shown."""
    try:
        parts = urlsplit(text)
        (parts.hostname or "").encode("idna")  # as a connection does
        is_server = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        is_alone = text[len(parts.scheme) :] == f"://{parts.netloc}" and parts.username is None
    except ValueError:
        is_server = is_alone = False
    if not (is_server and is_alone and text.isascii() and text.isprintable() and " " not in text):
        shown = "" if "@" in text else f"={text!r}"
        raise UsageError(f"{name}{shown} is no address", "write it like http://127.0.0.1:8080")


def _check_token(name: str, token: str) -> None:
    """Refuse what cannot stand in a header; it is never shown."""
    if not (token.isascii() and token.isprintable()):
        raise UsageError(f"{name} must be letters, digits and signs of ASCII, in one line")


def _check_apart(config: Config) -> None:
    """Refuse one port for two services."""
    names: dict[int, str] = {}
    for name in DEFAULT_PORTS:
        port = config.port(name)
        if port in names:
            raise UsageError(f"{names[port]} and {name} are both {port}: give each service a port of its own")
        names[port] = name


def _whole_number(name: str, text: str, minimum: int) -> int:
    """The number that a variable holds."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
    if not (is_number and minimum <= int(text) <= MAX_PORT):
        raise UsageError(f"{name}={text!r:.60}: must be a whole number from {minimum} to {MAX_PORT}")
    return int(text)
