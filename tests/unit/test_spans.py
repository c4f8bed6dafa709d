"""The requests of this moment, one by one: what the stage draws."""

from __future__ import annotations

import threading
import time

import pytest

from services.common.calls.call import DEADLINE, REQUEST_ID, REQUEST_START, Call
from services.common.process.admin import create_admin_app
from services.common.telemetry.spans import COLUMNS, KEEP_SECONDS, Spans
from services.control_room.span_look import MOST_USERS, NAMES, SHARED_SECONDS, SpanLook
from services.database.app import create_app
from tests.conftest import reset, wait_until
from tests.support.views import lab_of


def as_dict(row):
    return dict(zip(COLUMNS, row, strict=True))


@pytest.fixture
def database(make_settings):
    app = create_app(make_settings("database"))
    yield app
    reset(app.extensions["lab"].service)


def test_a_query_is_seen_as_it_waits_works_and_ends_and_then_no_more(database):
    service = database.extensions["lab"].service
    service.switches.change("setting", "capacity", True, {"connections": 1, "service_time_seconds": 0.3})
    sent = time.time() - 0.01
    threads = []

    def ask(name):
        headers = {REQUEST_ID: name, REQUEST_START: repr(sent), DEADLINE: repr(sent + 5)}
        threads.append(
            threading.Thread(target=database.test_client().get, args=("/query",), kwargs={"headers": headers})
        )
        threads[-1].start()
        wait_until(lambda: name in seen(), f"{name} is there")

    def seen():
        return {row[0]: as_dict(row) for row in service.spans.rows(1)}

    ask("first")
    ask("second")
    assert seen()["first"]["turn_at"] and seen()["second"]["turn_at"] is None
    assert seen()["second"]["gives_up_at"] == pytest.approx(sent + 5, abs=0.01)
    for thread in threads:
        thread.join(10)
    first, second = seen()["first"], seen()["second"]
    assert first["ok"] and first["sent_at"] < first["turn_at"] < first["ended_at"]
    assert first["turn_at"] + 0.2 < second["turn_at"]  # the end is noted a moment after the connection is given back


def test_only_the_users_path_is_shown_and_failures_are_told(database):
    service = database.extensions["lab"].service
    service.switches.change("failure", "outage", True, {})
    client = database.test_client()
    client.get("/query", headers={REQUEST_ID: "refused"})
    client.get("/health")
    client.get("/nothing")
    (row,) = service.spans.rows(1)
    assert (row[0], row[-1]) == ("refused", False)


def test_what_ended_is_shown_for_a_while():
    now = [100.0]
    spans, call = Spans(lambda: now[0]), Call("id", 99.0)
    spans.begin(call)
    spans.end(call)
    spans.end(call)  # a second time, or without a beginning, is nothing
    assert len(spans.rows(1)) == 1
    now[0] += KEEP_SECONDS + 0.1
    assert spans.rows(1) == []


def test_all_instances_take_the_same_sample():
    one, other = Spans(), Spans()
    for number in range(600):
        for spans in (one, other):
            spans.begin(Call(f"{number:06}", 0.0))
    ids = [[row[0] for row in spans.rows(6)] for spans in (one, other)]
    assert ids[0] == ids[1] and 60 < len(ids[0]) < 140


def test_the_admin_plane_shows_them_and_refuses_what_is_no_sample(database):
    admin = create_admin_app(database.extensions["lab"].service).test_client()
    database.test_client().get("/query")
    assert len(admin.get("/admin/spans?one_in=1").json["rows"]) == 1
    for junk in ("0", "-1", "x", "1.5", "9" * 20):
        answer = admin.get(f"/admin/spans?one_in={junk}")
        assert (answer.status_code, answer.json["field"]) == (422, "one_in")


class FakeLab:
    """Counts how often its instances are asked."""

    def __init__(self, rps):
        self.latest = lab_of(rps=rps)
        self.peers = self
        self.asked = []

    def each(self, names, call):
        self.asked.append(names)
        return {name: call(self) for name in names}

    def get(self, path, timeout_seconds):
        return {"rows": [[path]]}


@pytest.mark.parametrize(("rps", "one_in"), [(0, 1), (MOST_USERS, 1), (MOST_USERS + 1, 2), (10 * MOST_USERS, 10)])
def test_of_many_users_one_in_so_many_is_shown(rps, one_in):
    look = SpanLook(FakeLab(rps)).get()
    assert look["one_in"] == one_in
    assert look["spans"]["database"] == [[f"/admin/spans?one_in={one_in}"]]


def test_everybody_who_watches_shares_a_look():
    now = [0.0]
    lab = FakeLab(rps=4)
    look = SpanLook(lab, lambda: now[0])
    assert [look.get(), look.get()] and lab.asked == [NAMES]
    now[0] += SHARED_SECONDS
    look.get()
    assert len(lab.asked) == 2
