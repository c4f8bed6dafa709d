"""Host names: whether a request was really meant for the lab. A page whose name was made to point here says its own."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from services.common.http import problems

READS = ("GET", "HEAD", "OPTIONS")
ROUTES = Path("/proc/net/route")


def host_name(header: str, names: Collection[str]) -> str:
    """The name in a Host header, without its port: an IP literal, localhost, or one of `names`.

    Raises:
        WrongHost: it is none of them.
    """
    try:
        name = (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        name = ""
    if name == "localhost" or name in names or is_address(name):
        return name
    allowed = sorted({"localhost", *names})
    detail = f"the lab does not answer to {name[:80]!r}; add it to LAB_HOSTS if it is yours"
    raise problems.WrongHost(detail, allowed=allowed)


def in_url(name: str) -> str:
    """A host name as it stands in a URL: an IPv6 address has brackets there."""
    return f"[{name}]" if ":" in name else name


def is_host(name: str) -> bool:
    """Whether it can name a machine: an IP address, or a host's name without a port."""
    return is_address(name) or re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name.lower()) is not None


def is_address(name: str) -> bool:
    """Whether it is an IP literal. One with a zone (`::1%eth0`) may hold anything, and is none here."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return "%" not in name


def is_neighbour(address: str, routes: Path = ROUTES) -> bool:
    """Whether an IPv4 address is of a network of this container's own, and not its gateway.

    What is published reaches a container from its gateway, or from far away; its neighbours are the lab's containers.
    """
    try:
        there = int(ipaddress.IPv4Address(address))
        found = [_route(line) for line in routes.read_text().splitlines()[1:]]
    except (OSError, ValueError, IndexError):
        return False
    is_gateway = any(there == gateway for _, gateway, _ in found if gateway)
    return not is_gateway and any(mask and there & mask == network for network, gateway, mask in found if not gateway)


def _route(line: str) -> tuple[int, int, int]:
    """Network, gateway and mask of a line of the kernel's table."""
    columns = line.split()
    return _number(columns[1]), _number(columns[2]), _number(columns[7])


def _number(column: str) -> int:
    """An address as the kernel writes it: hexadecimal, in the machine's byte order."""
    return int.from_bytes(bytes.fromhex(column), sys.byteorder)
