"""Showing the lab to others: whether it may be, and the link to hand out."""

from __future__ import annotations

import ipaddress
import socket

from services.common.http.hosts import in_url

from .config import Config
from .errors import UsageError

MIN_TOKEN_LENGTH = 8  # as services/common/process/settings.py has it; a test compares
ELSEWHERE = "192.0.2.1"  # nobody's address: asking for the way to it sends nothing


def check_bind(config: Config, local: bool) -> None:
    """Refuse to show the lab to the network without a token.

    Raises:
        UsageError: LAB_BIND needs a token, or asks for what local mode does not do.
    """
    if not is_shared(config):
        return
    if len(config.token.strip()) < MIN_TOKEN_LENGTH:
        raise UsageError(
            f"LAB_BIND={config.bind} lets the whole network in: "
            f"set LAB_TOKEN too, of {MIN_TOKEN_LENGTH} characters or more, so that only you can write",
            "for example: export LAB_TOKEN=$(openssl rand -hex 16)",
        )
    if local:
        raise UsageError(
            f"LAB_BIND={config.bind}: without Docker the lab listens on 127.0.0.1 alone",
            "leave LAB_BIND out, or use Docker",
        )


def view_url(config: Config) -> str:
    """The page that shows all and changes nothing, at an address that other machines can use where there is one."""
    if config.is_elsewhere or not is_shared(config):
        return f"{config.url}/view"
    return f"http://{in_url(address(config))}:{config.port('LAB_PORT')}/view"


def is_shared(config: Config) -> bool:
    """Whether LAB_BIND lets other machines in."""
    return not ipaddress.ip_address(config.bind).is_loopback


def address(config: Config) -> str:
    """The address under which other machines find this one; empty where LAB_BIND lets none in."""
    if not is_shared(config):
        return ""
    if config.variables.get("LAB_ADDRESS"):
        return config.variables["LAB_ADDRESS"]
    if not ipaddress.ip_address(config.bind).is_unspecified:
        return config.bind
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((ELSEWHERE, 9))
            return str(asked.getsockname()[0])
        except OSError:
            return socket.gethostname()
