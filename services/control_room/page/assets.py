"""The page: its files, what they may load, and who may put them into a frame."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import os
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.security import safe_join

from services.common.http import problems
from services.control_room.page.guard import Guard

FOLDER = Path(__file__).parent / "static"
TEXT = ("text/html", "text/css", "text/javascript", "image/svg+xml")
# No inline code or style, nothing from elsewhere: what a service says cannot become part of the page's code.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Asset:
    """One file as it is served: its bytes, also compressed, and the tag by which a browser knows them again."""

    modified_ns: int
    content_type: str
    plain: bytes
    packed: bytes | None
    etag: str


class Assets:
    """Reads each file once, and again when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Asset] = {}

    def get(self, name: str) -> Asset:
        """The file of that name, a path inside the folder.

        Raises:
            NotFound: there is none.
        """
        path = safe_join(str(self._folder), name)
        if path is None or not os.path.isfile(path):  # noqa: PTH113  # pathlib's raises for a name that is too long
            raise problems.NotFound(f"there is no file {name!r:.60}")
        modified_ns = Path(path).stat().st_mtime_ns
        asset = self._read.get(path)
        if asset is None or asset.modified_ns != modified_ns:
            asset = self._read[path] = _read(Path(path), modified_ns)
        return asset


def _read(path: Path, modified_ns: int) -> Asset:
    plain = path.read_bytes()
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(plain, 9, mtime=0) if content_type in TEXT else None
    return Asset(modified_ns, content_type, plain, packed, hashlib.sha256(plain).hexdigest()[:20])


def install_page(app: Flask, guard: Guard) -> None:
    """Serve the page, also without its charts for a frame inside Grafana, and the files that it is made of."""
    assets = Assets(FOLDER)

    @app.get("/")
    @app.get("/view")
    @app.get("/stage")
    def page() -> Response:
        return _unframed(_answer(assets.get("index.html")))

    @app.get("/presenter")
    def presenter() -> Response:
        return _unframed(_answer(assets.get("presenter.html")))

    @app.get("/embed")
    def embed() -> Response:
        response = _answer(assets.get("index.html"))
        response.headers["Content-Security-Policy"] = f"{POLICY}; frame-ancestors {guard.framers()}"
        return response

    @app.get("/favicon.ico")
    def icon() -> Response:
        return _answer(assets.get("icon.svg"))

    @app.get("/static/<path:name>")
    def static(name: str) -> Response:
        return _answer(assets.get(name))


def _unframed(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = f"{POLICY}; frame-ancestors 'none'"
    response.headers["X-Frame-Options"] = "DENY"
    return response


def _answer(asset: Asset) -> Response:
    packed = asset.packed if request.accept_encodings["gzip"] else None
    response = Response(packed or asset.plain, content_type=_with_charset(asset.content_type))
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    # A workshop may update the lab between two loads of the page: the browser asks, and mostly gets a 304.
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.set_etag(asset.etag + ("-gz" if packed else ""))
    response.make_conditional(request)
    return response


def _with_charset(content_type: str) -> str:
    return f"{content_type}; charset=utf-8" if content_type.startswith("text/") else content_type
