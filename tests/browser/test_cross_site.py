"""Pages of other sites, in a browser that can reach the lab: they read nothing, change nothing and frame nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.conftest import EVIL
from tests.conftest import wait_until

# Each tries to switch a failure on, by a way that a page has; what it gets to see of the answer is what it returns.
WRITES = {
    "form": """(lab) => new Promise((done) => {
        const frame = document.body.appendChild(Object.assign(document.createElement('iframe'), {name: 'hidden'}));
        const form = document.body.appendChild(document.createElement('form'));
        const field = form.appendChild(document.createElement('input'));
        Object.assign(form, {method: 'POST', action: lab + SWITCH, enctype: 'text/plain', target: 'hidden'});
        Object.assign(field, {name: '{"active": true, "params": {}, "x": "', value: '"}'});
        form.submit();
        frame.onload = () => { try { done(frame.contentDocument.body.textContent); } catch { done(null); } };
    })""",
    "fetch without CORS": """(lab) =>
        fetch(lab + SWITCH, {method: 'POST', mode: 'no-cors', body: '{"active": true}'})
            .then((answer) => answer.text()).catch(() => null)""",
    "fetch of JSON": """(lab) =>
        fetch(lab + SWITCH, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"active": true}'})
            .then((answer) => answer.text()).catch(() => null)""",
    "beacon": """(lab) => {
        navigator.sendBeacon(lab + SWITCH, '{"active": true}');
        navigator.sendBeacon(lab + SWITCH, new Blob(['{"active": true}'], {type: 'application/json'}));
        return null;
    }""",
    "GET": """(lab) => new Promise((done) => {
        const image = new Image();
        image.onload = image.onerror = () => done(null);
        image.src = lab + SWITCH + '?active=true';
    })""",
}
READS = {
    "fetch": "(lab) => fetch(lab + '/api/state').then((answer) => answer.text()).catch(() => null)",
    "fetch without CORS": """(lab) =>
        fetch(lab + '/api/state', {mode: 'no-cors'}).then((answer) => answer.text()).catch(() => '')
            .then((text) => text || null)""",
    "event stream": """(lab) => new Promise((done) => {
        const source = new EventSource(lab + '/api/events?after=0');
        source.onmessage = (message) => done(message.data);
        source.onerror = () => { source.close(); done(null); };
    })""",
    "script": """(lab) => new Promise((done) => {
        const script = Object.assign(document.createElement('script'), {src: lab + '/api/state'});
        script.onload = () => done('loaded');
        script.onerror = () => done(null);
        document.head.append(script);
    })""",
}
SWITCH = "/api/services/api/failures/error_rate"


class Page(BaseHTTPRequestHandler):
    """An empty page, whatever is asked for."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>another site</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[int], int]]:
    """Serves another site on a port of this machine; 0 is any."""
    servers = []

    def serve(port: int = 0) -> int:
        server = ThreadingHTTPServer(("127.0.0.1", port), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_address[1]

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[[str], Any]]:
    """Opens a page of another site."""
    context = browser.new_context()

    def visit(url: str) -> Any:
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(url)
        return page

    yield visit
    context.close()


@pytest.fixture(params=[EVIL, "127.0.0.1"])
def stranger(request: pytest.FixtureRequest, visit: Any, serve: Any) -> Any:
    """A page of another site, or of another port of this machine."""
    return visit(f"http://{request.param}:{serve()}/")


def test_no_other_page_can_change_anything(stranger, lab):
    after = lab.last_event()
    for way, script in WRITES.items():
        assert not stranger.evaluate(script.replace("SWITCH", f"'{SWITCH}'"), lab.url), way
    # A change of our own, later: had a stranger's call been taken, the log would tell of it by now.
    rate = (after % 1000 + 1) / 100_000  # each time another, so that it is news to the log
    lab.fail("database", "error_rate", rate=rate)
    lab.saw(f"database: failure error_rate is on (rate {rate:g}", after)
    assert lab.state()["services"]["api"]["active"]["failure"] == {}
    assert not [event for event in lab.events(after) if "api: failure error_rate is on" in event["text"]]


def test_no_other_page_can_read_anything(stranger, lab):
    for way, script in READS.items():
        assert stranger.evaluate(script, lab.url) is None, way


def frame(page: Any, url: str) -> list[str]:
    """Put an address into a frame of the page; what the browser says when the lab does not want to be in it."""
    refusals: list[str] = []
    page.on("console", lambda line: "frame-ancestors" in line.text and refusals.append(line.text))
    page.evaluate("(url) => document.body.append(Object.assign(document.createElement('iframe'), {src: url}))", url)
    return refusals


def test_no_other_page_can_frame_the_lab(stranger, lab):
    for path in ("/", "/view", "/embed"):
        refusals = frame(stranger, lab.url + path)
        wait(stranger, lambda refusals=refusals: refusals, f"{path} is refused in a frame")


def test_grafanas_own_page_may_frame_embed_and_nothing_else(visit, serve, control_room):
    port = serve()
    control_room.start(LAB_MODE="containers", GRAFANA_PORT=str(port))
    page = visit(f"http://127.0.0.1:{port}/")
    frame(page, control_room.url + "/embed")
    page.frame_locator("iframe").locator(".switch").first.wait_for(state="attached")
    page = visit(f"http://127.0.0.1:{port}/")
    refusals = frame(page, control_room.url + "/")
    wait(page, lambda: refusals, "/ is refused in a frame of Grafana's too")


def test_where_there_is_no_grafana_its_port_may_not_frame_the_lab_either(visit, serve, lab):
    page = visit(f"http://127.0.0.1:{serve(3000 + lab.offset)}/")
    refusals = frame(page, lab.url + "/embed")
    wait(page, lambda: refusals, "/embed is refused in a frame of Grafana's port")


def wait(page: Any, condition: Callable[[], Any], what: str) -> None:
    """Wait for a condition, while the browser's own messages come in."""
    wait_until(lambda: page.wait_for_timeout(50) or bool(condition()), what)


def test_a_name_that_is_made_to_point_here_gets_nothing(visit, lab):
    """DNS rebinding: the browser takes the lab for the other site's own server, and asks it freely."""
    page = visit(f"http://{EVIL}:{8080 + lab.offset}/")
    assert "wrong_host" in page.content() and "control room" not in page.content()
    read = "fetch('/api/state').then((answer) => answer.text())"
    assert "wrong_host" in page.evaluate(read)
    write = (
        f"fetch('{SWITCH}', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, "
        "body: '{\"active\": true}'}).then((answer) => answer.status)"
    )
    assert page.evaluate(write) == 421
    assert lab.state()["services"]["api"]["active"]["failure"] == {}


@pytest.mark.parametrize("port", [9000, 9001, 9002, 9003])
def test_nor_does_it_get_anything_from_an_admin_plane(visit, lab, port):
    page = visit(f"http://{EVIL}:{port + lab.offset}/healthz")
    assert "wrong_host" in page.content()
    for path in ("/admin/state", "/metrics"):
        assert "wrong_host" in page.evaluate("(path) => fetch(path).then((answer) => answer.text())", path)
    write = """(path) => fetch(path, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'})
        .then((answer) => answer.status)"""
    assert page.evaluate(write, "/admin/reset") == 421
