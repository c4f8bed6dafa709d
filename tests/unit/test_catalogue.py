"""The contract of every switch of the catalogue, over the admin plane that the control room uses."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.common.process.admin import create_admin_app
from services.common.process.secret import Secret
from services.common.process.service import Service
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.params import defaults

EVERY = [(service, switch) for service, switches in CATALOGUE.items() for switch in switches]
IDS = [f"{service}-{switch.kind}-{switch.name}" for service, switch in EVERY]
EVERY_PARAM = [(service, switch, param) for service, switch in EVERY for param in switch.all_params()]


class Plane:
    """The admin plane of one service, in this process."""

    def __init__(self, service: Service) -> None:
        self.service = service
        service.start()
        self.http = create_admin_app(service).test_client()
        secret = Secret(service.settings.secret_file).make()
        self.http.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"

    def change(self, switch, active, params=None):
        path = f"/admin/switches/{switch.kind}/{switch.name}"
        return self.http.post(path, json={"active": active, "params": params or {}})

    def active(self):
        return self.http.get("/admin/state").json["active"]

    def metric(self, metric, **labels):
        text = self.http.get("/metrics").get_data(as_text=True)
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        values = [s.value for s in samples if s.name == metric and labels.items() <= s.labels.items()]
        assert len(values) == 1, (metric, labels, values)
        return values[0]


@pytest.fixture
def plane_of(make_settings):
    planes = []

    def make(name):
        planes.append(Plane(Service(make_settings(name))))
        return planes[-1]

    yield make
    for plane in planes:
        plane.service.switches.reset()


def not_default(switch):
    """Parameters under which a switch is on; a setting has to differ from its default for that."""
    if switch.kind != "setting":
        return {}
    param = next(param for param in switch.params if not param.choices)
    return {param.name: param.maximum}


@pytest.mark.parametrize(("service", "switch"), EVERY, ids=IDS)
def test_defaults_are_valid_and_the_story_is_a_sentence(service, switch):
    assert switch.story.endswith(".") and len(switch.story) < 120
    for param in switch.all_params():
        assert param.parse(param.default) == param.default
        assert param.story
    switch.check(defaults(switch.all_params()))


@pytest.mark.parametrize(("service", "switch"), EVERY, ids=IDS)
def test_on_shows_in_state_and_metrics_and_off_restores(plane_of, service, switch):
    plane = plane_of(service)
    labels = {"kind": switch.kind, "name": switch.name}
    assert plane.metric("lab_switch_active", **labels) == 0
    assert plane.metric("lab_switch_changed_timestamp_seconds", **labels) == 0
    before = plane.active()

    answer = plane.change(switch, True, not_default(switch))
    assert answer.status_code == 200 and answer.json["active"]
    assert plane.active()[switch.kind][switch.name] == answer.json["params"]
    assert plane.metric("lab_switch_active", **labels) == 1
    changed_at = plane.metric("lab_switch_changed_timestamp_seconds", **labels)
    assert changed_at > 0

    assert plane.change(switch, True, not_default(switch)).json == answer.json
    assert plane.metric("lab_switch_changed_timestamp_seconds", **labels) == changed_at

    assert plane.change(switch, False).json["active"] is False
    assert plane.active() == before
    assert plane.metric("lab_switch_active", **labels) == 0


@pytest.mark.parametrize(("service", "switch", "param"), EVERY_PARAM)
def test_a_bad_value_is_refused_with_its_field_and_changes_nothing(plane_of, service, switch, param):
    plane = plane_of(service)
    bad = [None, [], {}, "no such choice"]
    if param.type in ("integer", "number"):
        bad += [param.minimum - 1, param.maximum + 1, True, "1", 1e308 * 10, -1e308 * 10, 10**400]
    if param.type == "integer":
        bad.append(param.minimum + 0.5)
    for value in bad:
        answer = plane.change(switch, True, {param.name: value})
        assert answer.status_code == 422, value
        assert answer.mimetype == "application/problem+json"
        assert answer.json["field"] == param.name and answer.json["allowed"]
    assert not plane.active()[switch.kind]


@pytest.mark.parametrize("service", CATALOGUE)
def test_reset_switches_everything_off_and_may_be_repeated(plane_of, service):
    plane = plane_of(service)
    for switch in CATALOGUE[service]:
        assert plane.change(switch, True, not_default(switch)).status_code == 200
    for _ in range(2):
        assert plane.http.post("/admin/reset", json={}).status_code == 200
        assert not any(plane.active().values())


@pytest.mark.parametrize("service", CATALOGUE)
def test_switches_survive_a_crash_of_the_process(plane_of, make_settings, service):
    plane = plane_of(service)
    for switch in CATALOGUE[service]:
        plane.change(switch, True, not_default(switch) | {"duration_seconds": 3600})
    after = Service(make_settings(service))
    after.start()
    assert after.switches.active() == plane.service.switches.active()
    assert after.switches.expiries().keys() == plane.service.switches.expiries().keys()
    after.switches.reset()


def test_an_unreadable_state_is_passed_over(make_settings):
    settings = make_settings("api")
    (settings.state_dir / "switches.json").write_text("{broken")
    service = Service(settings)
    service.start()
    assert not any(service.switches.active().values())


def test_unknown_things_are_refused_with_what_there_is(plane_of):
    http = plane_of("api").http
    unknown = http.post("/admin/switches/failure/nonsense", json={"active": True})
    assert unknown.status_code == 404 and "memory_leak" in unknown.json["allowed"]
    kind = http.post("/admin/switches/nonsense/memory_leak", json={"active": True})
    assert kind.status_code == 404 and kind.json["field"] == "kind"
    param = http.post("/admin/switches/failure/memory_leak", json={"active": True, "params": {"mb": 1}})
    assert param.status_code == 422 and param.json["field"] == "mb" and "mb_per_request" in param.json["allowed"]
    field = http.post("/admin/switches/failure/memory_leak", json={"active": True, "parms": {}})
    assert field.status_code == 422 and field.json["field"] == "parms"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"active": "yes"}', "application/json", 422),
        (b"{}", "application/json", 422),
        (b'{"active": true}', "text/plain", 415),
        (b'{"active": true, "x": "' + b"x" * 20000 + b'"}', "application/json", 413),
        (b"[" * 10000, "application/json", 400),
        (b'{"active": true, "params": []}', "application/json", 422),
    ],
)
def test_a_bad_body_is_refused_and_changes_nothing(plane_of, body, content_type, status):
    plane = plane_of("api")
    answer = plane.http.post("/admin/switches/failure/memory_leak", data=body, content_type=content_type)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json" and json.loads(answer.data)["title"]
    assert not plane.active()["failure"]


def test_an_epoch_in_the_future_is_refused(plane_of):
    answer = plane_of("api").http.post("/admin/reset", json={"started_at": 1e12})
    assert answer.status_code == 422 and answer.json["field"] == "started_at"


@pytest.mark.parametrize(("service", "switch"), EVERY, ids=IDS)
def test_a_switch_says_whether_the_simulation_knows_it(service, switch):
    assert switch.simulated is True or switch.simulated.startswith(("the model has no ", "processes do not end"))
