"""The command `class board`: one page that shows how every team is, for this machine alone. It changes nothing."""

from __future__ import annotations

import json
import mimetypes
from argparse import Namespace
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labcli.config import REPO
from labcli.context import Context
from labcli.errors import LabError
from labcli.ports import holder
from services.common.http import problems
from services.common.http.hosts import host_name

from .roster import chosen_teams
from .watch import ClassWatch

PORT = 8070
PAGE = Path(__file__).parent / "page"
LAB_PAGE = REPO / "services" / "control_room" / "page" / "static"  # its font, colours and shapes are the board's too
FOLDERS = {"board": PAGE, "static": LAB_PAGE}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def board(ctx: Context, args: Namespace) -> int:
    """Serve the page, until Ctrl-C."""
    watch = ClassWatch(ctx, chosen_teams(ctx.config, None))
    try:
        server = BoardServer(args.port, watch)
    except OSError:
        raise LabError(f"port {args.port} is held by {holder(args.port)}", "take another one: --port N") from None
    watch.start()
    url = f"http://127.0.0.1:{args.port}"
    ctx.console.answer({"url": url}, f"the board: {url}  (until Ctrl-C)")
    with suppress(KeyboardInterrupt), server:
        server.serve_forever()
    watch.stop()
    return 0


class BoardServer(ThreadingHTTPServer):
    """Serves what a watch sees."""

    daemon_threads = True

    def __init__(self, port: int, watch: ClassWatch) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.watch = watch


class _Handler(BaseHTTPRequestHandler):
    server: BoardServer
    timeout = 10  # for a caller who says nothing

    def do_GET(self) -> None:
        """The page, one of its files, or how all teams are."""
        path = unquote(urlsplit(self.path).path)
        try:
            host_name(self.headers.get("Host", ""), ())
        except problems.WrongHost as error:
            return self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", str(error).encode())
        if path == "/api/class":
            return self._answer(HTTPStatus.OK, "application/json", json.dumps(self.server.watch.describe()).encode())
        file = _file_of(path)
        if file is None:
            return self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page")
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return self._answer(HTTPStatus.OK, content_type, file.read_bytes())

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the page asks once a second."""


def _file_of(path: str) -> Path | None:
    """The file that is meant, inside one of the two folders."""
    if path == "/":
        return PAGE / "index.html"
    _, _, rest = path.partition("/")
    name, _, inner = rest.partition("/")
    folder = FOLDERS.get(name)
    if folder is None or "\0" in inner:
        return None
    file = (folder / inner).resolve()
    return file if file.is_relative_to(folder) and file.is_file() else None
