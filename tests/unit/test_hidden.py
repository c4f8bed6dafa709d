"""What a drill has switched on: it works, and no plane of its service tells that it is on, but to the control room."""

from __future__ import annotations

import json
import logging

import pytest

from services.api.app import create_app as create_api
from services.common.calls.call import HOPS, REASON, TRACE
from services.common.http.problems import InvalidParameter
from services.common.process.admin import create_admin_app
from services.common.process.secret import Secret
from services.common.process.service import Service
from services.database.app import create_app as create_database

NOBODY = {"DATABASE_URL": "http://127.0.0.1:1"}
FAILURE = "/admin/switches/failure/"


@pytest.fixture
def lab(make_settings):
    """Makes the data plane and the admin plane of a service, and a call of the control room to the latter."""
    made = []

    def make(name, create):
        data = create(make_settings(name, **NOBODY))
        service = data.extensions["lab"].service
        made.append(service)
        admin = create_admin_app(service).test_client()
        headers = {"Authorization": f"Bearer {Secret(service.settings.secret_file).make()}"}
        return service, data.test_client(), admin, headers

    yield make
    for service in made:
        service.switches.reset()


def hide(admin, headers, path, **params):
    answer = admin.post(path, json={"active": True, "params": params, "hidden": True}, headers=headers)
    assert answer.status_code == 200


def told(admin):
    """All that the admin plane tells anybody."""
    return "\n".join(admin.get(path).text for path in ("/admin/state", "/admin/spans", "/readyz"))


def test_only_the_control_room_is_told_that_it_is_on(lab):
    service, _, admin, headers = lab("api", create_api)
    before = told(admin)
    hide(admin, headers, FAILURE + "latency", delay_seconds=0.25)
    assert service.switches.active()["failure"] == {}
    assert "0.25" not in told(admin) and "latency" not in told(admin) and "latency" not in before
    state = admin.get("/admin/state", headers=headers).json
    assert state["active"]["failure"] == {} and state["hidden"]["failure"]["latency"]["delay_seconds"] == 0.25


def test_the_metrics_are_as_if_it_were_off(lab):
    _, data, admin, headers = lab("api", create_api)
    hide(admin, headers, FAILURE + "memory_leak", mb_per_request=1)
    data.get("/order")
    lines = admin.get("/metrics").text.splitlines()
    of_it = [line for line in lines if 'name="memory_leak"' in line or line.startswith("lab_leaked_bytes ")]
    assert len(of_it) == 3 and all(line.endswith(" 0.0") for line in of_it)
    assert admin.get("/admin/state").json["leaked_bytes"] == 0
    assert admin.get("/admin/state", headers=headers).json["leaked_bytes"] > 0


@pytest.mark.parametrize(
    ("failure", "status", "reason"), [("error_rate", 500, "internal"), ("outage", 503, "unavailable")]
)
def test_an_error_does_not_tell_its_cause(lab, caplog, failure, status, reason):
    caplog.set_level(logging.DEBUG)
    _, data, admin, headers = lab("database", create_database)
    params = {"rate": 1} if failure == "error_rate" else {}
    hide(admin, headers, FAILURE + failure, **params)
    answer = data.get("/query", headers={TRACE: "1"})
    assert (answer.status_code, answer.headers[REASON]) == (status, reason)
    assert json.loads(answer.headers[HOPS])[-1]["reason"] == reason
    logged = [(record.getMessage(), getattr(record, "reason", None)) for record in caplog.records]
    assert failure not in f"{answer.text} {logged}" and "the failure" not in answer.text
    assert any(found == reason for _, found in logged)


def test_a_change_for_all_to_see_takes_its_place(lab):
    service, _, admin, headers = lab("api", create_api)
    hide(admin, headers, "/admin/switches/setting/pool", size=2)
    assert admin.get("/admin/state").json["active"]["setting"] == {}
    body = {"active": True, "params": {"size": 30}}
    admin.post("/admin/switches/setting/pool", json=body, headers=headers)
    assert service.switches.active()["setting"]["pool"]["size"] == 30
    assert service.switches.active(hidden=True)["setting"] == {}


def test_what_is_on_for_all_to_see_stays_as_it_is(lab):
    service, _, admin, headers = lab("api", create_api)
    service.change(0, "setting", "pool", True, {"size": 30})
    hide(admin, headers, "/admin/switches/setting/pool", size=2)
    assert service.switches.active()["setting"]["pool"]["size"] == 30
    assert service.switches.active(hidden=True)["setting"] == {}


def test_a_reset_ends_it_and_the_lab_is_at_its_defaults_only_then(lab):
    service, _, admin, headers = lab("api", create_api)
    hide(admin, headers, FAILURE + "latency")
    assert not service.state(15, with_hidden=True).is_at_defaults
    service.reset(1, 0.0)
    assert service.state(15, with_hidden=True).is_at_defaults
    assert service.switches.active(hidden=True)["failure"] == {}


def test_the_process_after_a_crash_has_it_and_hides_it(make_settings):
    settings = make_settings("api")
    first = Service(settings)
    first.start()
    first.change(0, "failure", "latency", True, {"delay_seconds": 2}, hidden=True)
    second = Service(settings)
    second.start()
    assert second.switches.active(hidden=True)["failure"]["latency"]["delay_seconds"] == 2
    assert second.switches.active()["failure"] == {}
    for service in (first, second):
        service.switches.reset()


def test_a_change_that_is_refused_hides_nothing(lab):
    service, *_ = lab("api", create_api)
    service.change(0, "failure", "latency", True, {})
    with pytest.raises(InvalidParameter):
        service.change(0, "failure", "latency", True, {"delay_seconds": -1}, hidden=True)
    assert "latency" in service.switches.active()["failure"]
