"""The link for the room: /view, at an address that a phone can reach, and its QR code."""

from __future__ import annotations

import io
import ipaddress
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import segno
from flask import Flask, Response, request

from services.common.http import problems
from services.common.http.hosts import in_url
from services.common.process.settings import Settings
from services.control_room.page.guard import Guard

QUIET_MODULES = 4  # around the code, as its standard wants it
HOW = "LAB_BIND=0.0.0.0 LAB_TOKEN=$(openssl rand -hex 16) ./scripts/lab up"


@dataclass(frozen=True)
class RoomLink:
    """The link; `url` is None where there is none that leads anywhere, and `reason` says why, and what to do."""

    url: str | None
    reason: str = ""


def room_link(settings: Settings, name: str, port: int | None) -> RoomLink:
    """The link, for somebody who has the page under this host name and port; None is the port of HTTP itself.

    Where they reach it from afar, so does a phone. From this machine, it is where the lab was published.
    """
    if not _is_this_machine(name):
        return RoomLink(f"http://{in_url(name)}{'' if port is None else f':{port}'}/view")
    if _is_this_machine(settings.lab_bind):
        return RoomLink(
            None, f"This lab listens on {settings.lab_bind} alone, which no phone reaches. In Docker: {HOW}"
        )
    everywhere = ipaddress.ip_address(settings.lab_bind).is_unspecified
    address = settings.lab_address or ("" if everywhere else settings.lab_bind) or "".join(settings.lab_hosts[:1])
    if not address:
        return RoomLink(None, "Nobody has told the lab its address in the room: start it with LAB_ADDRESS=that address")
    return RoomLink(f"http://{in_url(address)}:{settings.lab_port}/view")


def _is_this_machine(name: str) -> bool:
    """Whether a host name means the machine that says it."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def install_link(app: Flask, guard: Guard, settings: Settings) -> None:
    """Serve the link, and its code as a picture."""

    def link() -> RoomLink:
        try:
            port = urlsplit(f"//{request.host}").port
        except ValueError:
            port = settings.lab_port
        return room_link(settings, guard.host_name(), port)

    @app.get("/api/link")
    def api_link() -> dict[str, Any]:
        return asdict(link())

    @app.get("/qr.svg")
    def code() -> Response:
        found = link()
        if found.url is None:
            raise problems.NotFound(found.reason)
        response = Response(_drawn(found.url), mimetype="image/svg+xml")
        response.headers["Cache-Control"] = "no-store"  # it is another one under another address
        return response


def _drawn(url: str) -> bytes:
    """The code as SVG, dark on white whatever the page's theme: cameras want it so."""
    drawn = io.BytesIO()
    code = segno.make_qr(url, error="m")
    code.save(
        drawn, kind="svg", border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True, xmldecl=False, nl=False
    )
    return drawn.getvalue()
