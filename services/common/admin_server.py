"""The admin plane's server: a listener thread, and connections that stay open, each with a thread of its own.

werkzeug's own handler closes the connection after each answer, since it cannot know whether the app has read the
request's body. Every scrape and every look at the state would then cost a connection and a thread: more than what they
ask for. Here the body is read before the app runs.
"""

from __future__ import annotations

import threading
from io import BytesIO

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from services.common.web import MAX_BODY_BYTES


class _Handler(WSGIRequestHandler):
    """Keeps connections open for the next scrape, drops those that say nothing, and logs nothing."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body are written apart, and leave together
    disable_nagle_algorithm = True
    timeout = 60

    def run_wsgi(self) -> None:
        """Answer one request with the app."""
        environ = self.make_environ()
        length = self.headers.get("Content-Length", "0")
        if length.isdecimal() and int(length) <= MAX_BODY_BYTES and "Transfer-Encoding" not in self.headers:
            environ["wsgi.input"] = BytesIO(self.rfile.read(int(length)))
        else:
            self.close_connection = True  # what the app leaves of such a body would be taken for a next request
        answer = Response.from_app(self.server.app, environ, buffered=True)
        self.send_response(answer.status_code)
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a scrape a second is no news."""


def serve_admin(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """Serve the admin plane from a daemon thread."""
    server = make_server(host, port, app, threaded=True, request_handler=_Handler)
    threading.Thread(target=server.serve_forever, name="admin", daemon=True).start()
    return server
