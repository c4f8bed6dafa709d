"""Who may call: the checks of Host, Origin, content type and token, and the CORS headers for Grafana's buttons."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import Flask, Response, request

from services.common.http import problems
from services.common.http.hosts import READS, host_name, in_url, is_neighbour
from services.common.process.secret import Secret
from services.common.process.settings import Settings

PREFLIGHT_HEADERS = "Content-Type, X-Grafana-Action, X-Grafana-Device-Id"


class Guard:
    """Decides from the request's headers alone; see docs/decisions.md for what each check is against."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = {*settings.lab_hosts, settings.lab_address} - {""}
        self._inner_name = None if settings.local else settings.service
        self._grafana_port = None if settings.local else settings.grafana_port  # there is none: its port is anybody's
        self._token = settings.lab_token
        self._secret = Secret(settings.secret_file)
        self._for_everybody: set[str] = set()

    def needs_no_token(self, endpoint: str) -> None:
        """Let everybody in the room make this write; all else about it is checked."""
        self._for_everybody.add(endpoint)

    def host_name(self) -> str:
        """The request's host name, without its port.

        Raises:
            WrongHost: it is not the lab's. A page of another site that has its name point here would send it.
        """
        names = self._hosts
        if self._inner_name is not None and is_neighbour(request.remote_addr or ""):
            names = {*names, self._inner_name}  # Prometheus asks for it; nobody outside has a reason to
        return host_name(request.headers.get("Host", ""), names)

    def is_grafana(self, origin: str) -> bool:
        """Whether the page that calls is the lab's Grafana: the same host name, and Grafana's port."""
        try:
            parts = urlsplit(origin)
            return (
                parts.scheme in ("http", "https")
                and parts.hostname == self.host_name()
                and (parts.port or 80) == self._grafana_port
            )
        except ValueError:
            return False

    def framers(self) -> str:
        """Who may put the lab into a frame, as a content policy says it: its Grafana, where there is one."""
        if self._grafana_port is None:
            return "'none'"
        host = in_url(self.host_name())
        return f"http://{host}:{self._grafana_port} https://{host}:{self._grafana_port}"

    def check_write(self) -> None:
        """Refuse a write that is not this lab's own page, its Grafana or a command line.

        Raises:
            ForbiddenOrigin, WrongContentType, TokenNeeded
        """
        origin = request.headers.get("Origin")
        own = f"{request.scheme}://{request.headers.get('Host', '')}"
        if origin is not None and origin.lower() != own.lower() and not self.is_grafana(origin):
            raise problems.ForbiddenOrigin(f"a page of {origin[:80]!r} may not control the lab")
        if request.mimetype != "application/json":
            raise problems.WrongContentType("send Content-Type: application/json", field="Content-Type")
        if request.endpoint not in self._for_everybody:
            self.check_token()
        elif origin is not None and origin.lower() != own.lower():
            raise problems.ForbiddenOrigin("the room votes on the lab's own page")

    def check_token(self) -> None:
        """Refuse what is the presenter's alone; without LAB_TOKEN everybody is the presenter.

        Raises:
            TokenNeeded
        """
        if self._token and not self._has_token():
            from_grafana = self.is_grafana(request.headers.get("Origin", ""))
            hint = "use the control room" if from_grafana else "send Authorization: Bearer, with LAB_TOKEN's value"
            raise problems.TokenNeeded(f"this lab does that with its token alone: {hint}")

    def check_secret(self) -> None:
        """Refuse what a drill hides to all but its presenter: by the token or, from the machine's own command line, by
        the secret that the lab's processes share. A page on this machine is not the presenter's: the room sees it.

        Raises:
            TokenNeeded
        """
        if not (self._token and self._has_token()) and not self._secret.is_known(
            request.headers.get("Authorization", "")
        ):
            raise problems.TokenNeeded("this is the presenter's alone: ./scripts/lab drill show, or set LAB_TOKEN")

    def _has_token(self) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token.encode())

    def install(self, app: Flask) -> None:
        """Check every request of `app`, and answer Grafana's preflights."""

        @app.before_request
        def check() -> Response | None:
            self.host_name()
            if request.method == "OPTIONS":
                return Response(status=204)
            if request.method not in READS:
                self.check_write()
            return None

        @app.after_request
        def allow_grafana(response: Response) -> Response:
            response.headers["X-Content-Type-Options"] = "nosniff"
            origin = request.headers.get("Origin")
            response.vary.add("Origin")
            if origin is not None and response.status_code != problems.WrongHost.status and self.is_grafana(origin):
                response.headers["Access-Control-Allow-Origin"] = origin
                if request.method == "OPTIONS":
                    response.headers["Access-Control-Allow-Methods"] = "GET, POST"
                    response.headers["Access-Control-Allow-Headers"] = PREFLIGHT_HEADERS
                    response.headers["Access-Control-Max-Age"] = "600"
            return response
