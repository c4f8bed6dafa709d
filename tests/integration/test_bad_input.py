"""Bad input, by the thousand: every plane refuses it with a problem document, soon, and nothing has changed."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode

from services.common.calls.call import REASON

ADMIN_PORTS = {"frontend": 9000, "api": 9001, "database": 9002, "traffic": 9003}
# A service that is away, and a stream for which there is no room, are answers that the documents list.
DOCUMENTED = {"unreachable", "too_many_streams"}
TIMEOUT_SECONDS = 10
SHORT, LONG = 100, 1000


def so_many(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))


class Plane:
    """One plane of the lab: its document, and what of its state no refused call may change."""

    def __init__(self, url: str, document: str, fingerprint: Callable[[], Any], reset: Callable[[], Any]) -> None:
        self.url = url
        self.document = document
        self.session = requests.Session()
        self._fingerprint = fingerprint
        self._reset = reset
        self.before = fingerprint()

    def check(self, answer: Any) -> None:
        """No failure, no undocumented answer, and no change unless it was accepted."""
        status, request = answer.status_code, answer.request
        what = f"{request.method} {request.url} {str(request.body)[:200]}: {status} {answer.text[:200]}"
        if status >= 400:
            document = answer.json() if request.method != "HEAD" else {"reason": answer.headers[REASON]}
            assert status < 500 or document["reason"] in DOCUMENTED, what
            assert answer.headers["Content-Type"] == "application/problem+json", what
            if request.method not in ("GET", "HEAD"):
                assert self._fingerprint() == self.before, f"changed, though it was refused: {what}"
        elif request.method == "POST":
            self._reset()
            assert self._fingerprint() == self.before, f"accepted, and not undone by a reset: {what}"


def control_room(lab: Any) -> Plane:
    def fingerprint() -> Any:
        state = lab.state()
        services = state["services"]
        everything = services | {
            name: one for each in services.values() for name, one in each.get("instances", {}).items()
        }
        return state["scene"], {name: one["active"] for name, one in everything.items()}

    return Plane(lab.url, "/api/openapi.json", fingerprint, lab.reset)


def admin_plane(lab: Any, service: str) -> Plane:
    url = f"http://127.0.0.1:{ADMIN_PORTS[service] + lab.offset}"
    fingerprint = lambda: lab.get("/admin/state", url)["active"]  # noqa: E731
    plane = Plane(url, "/admin/openapi.json", fingerprint, lab.reset)
    plane.session.headers["Authorization"] = f"Bearer {lab.secret}"
    return plane


def planes(lab: Any) -> list[Plane]:
    return [control_room(lab), *(admin_plane(lab, service) for service in ADMIN_PORTS)]


def by_the_document(plane: Plane) -> SearchStrategy[Any]:
    """Calls of what the plane's OpenAPI document lists, each with something in it that the document forbids."""
    schema = schemathesis.openapi.from_url(plane.url + plane.document)
    operations = [found.ok() for found in schema.get_all_operations()]
    takes_input = [one for one in operations if one.method == "post" or one.query]
    return st.one_of([one.as_strategy(generation_mode=GenerationMode.NEGATIVE) for one in takes_input])


def send_by_the_document(plane: Plane, examples: int) -> None:
    @so_many(examples)
    @given(by_the_document(plane))
    def send(case: Any) -> None:
        answer = plane.session.request(**case.as_transport_kwargs(base_url=plane.url), timeout=TIMEOUT_SECONDS)
        assert answer.status_code != 401, "what is wrong with it was not looked at"
        plane.check(answer)

    send()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
WORDS = st.sampled_from(
    ["api", "admin", "services", "switches", "static", "failures", "failure", "hang", "reset", ".."]
)
PATHS = st.lists(WORDS | st.text(min_size=1, max_size=300), max_size=6).map("/".join)
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "Accept-Encoding", "Authorization", "Last-Event-ID", "Origin", "X-Request-Start"]),
    st.text(string.printable.strip(), max_size=200),
    max_size=3,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: requests.compat.json.dumps(value).encode())
TYPES = st.sampled_from(
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])


def send_anything(plane: Plane, examples: int) -> None:
    @so_many(examples)
    @given(METHODS, PATHS, HEADERS, BODIES, TYPES)
    def send(method: str, path: str, headers: dict[str, str], body: bytes, content_type: str) -> None:
        url = f"{plane.url}/{requests.compat.quote(path)}"
        headers = {**headers, "Content-Type": content_type}
        plane.check(plane.session.request(method, url, data=body, headers=headers, timeout=TIMEOUT_SECONDS))

    send()


@pytest.mark.parametrize("send", [send_by_the_document, send_anything])
def test_bad_input_is_refused_and_changes_nothing(lab, send):
    room, *others = planes(lab)
    send(room, SHORT)
    for plane in others:
        send(plane, SHORT // 4)


@pytest.mark.long
@pytest.mark.parametrize("send", [send_by_the_document, send_anything])
def test_bad_input_by_the_thousand(lab, send):
    for plane in planes(lab):
        send(plane, LONG)


@pytest.mark.parametrize("secret", [None, "Bearer wrong", "Bearer {other}", "Basic {secret}"])
def test_no_admin_plane_changes_anything_without_the_secret(lab, secret):
    """Each call that its document lists, and a good one: with what makes it a bad one is nobody's business."""
    given = {"secret": lab.secret, "other": lab.secret.swapcase()}
    headers = {} if secret is None else {"Authorization": secret.format(**given)}
    for plane in planes(lab)[1:]:
        document = requests.get(plane.url + plane.document, timeout=TIMEOUT_SECONDS).json()
        writes = [path for path, operations in document["paths"].items() if "post" in operations]
        assert len(writes) > 1
        for path in writes:
            body = {} if path == "/admin/reset" else {"active": True}
            answer = requests.post(plane.url + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
            assert (answer.status_code, answer.json()["reason"]) == (401, "not_the_control_room")
            plane.check(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b'{"active": ' + b"9" * 16_000 + b"}",
        b"\xff\xfe",
        b'"\\ud800"',
        b"NaN",
        b"1e999",
    ],
    ids=["deep lists", "deep objects", "a long number", "no text", "half a character", "not a number", "infinity"],
)
def test_json_that_no_call_takes_is_refused(lab, body):
    for plane in planes(lab):
        path = "/api/reset" if plane.document.startswith("/api") else "/admin/reset"
        headers = {"Content-Type": "application/json"}
        answer = plane.session.post(plane.url + path, data=body, headers=headers, timeout=TIMEOUT_SECONDS)
        assert answer.status_code == 400, answer.text
        plane.check(answer)
