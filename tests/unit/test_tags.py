"""What stands on the nodes of the path: every switch in brief, with its values."""

from __future__ import annotations

import pytest

from services.common.scenes.files import all_scenes
from services.common.switches.brief import brief
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.defences.hedging import Hedging
from services.common.switches.failures.missing_index import MissingIndex
from services.common.switches.params import defaults
from services.common.switches.settings import CapacitySetting, ClientSetting
from services.common.telemetry.state import CacheState, ServiceState
from services.control_room.tags import tags_of
from tests.support.views import active, instance, lab_of, service

LONGEST = 34  # characters that fit on a node of a stage screen
SWITCHES = sorted({switch for switches in CATALOGUE.values() for switch in switches}, key=lambda each: each.name)


def values_of(switch, **given):
    return defaults(switch.all_params()) | given


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: f"{switch.kind}-{switch.name}")
def test_every_switch_is_told_in_a_few_words(switch):
    text = brief(switch, values_of(switch), {})
    assert 0 < len(text) <= LONGEST and "_" not in text


def test_values_have_their_units():
    assert brief(ClientSetting, values_of(ClientSetting), {}) == "timeout 20 s"
    storm = values_of(ClientSetting, attempts=3, timeout_seconds=0.5)
    assert brief(ClientSetting, storm, {}) == "3 tries, 500 ms each"
    assert brief(ClientSetting, storm | {"backoff": "full_jitter"}, {}) == "3 tries, 500 ms each, jitter"
    assert brief(MissingIndex, values_of(MissingIndex, rows=4_000_000), {}) == "no index: 4,000,000 rows"
    assert brief(Hedging, values_of(Hedging, delay_seconds=1.5), {}) == "hedges after 1.5 s"


def test_a_value_that_has_changed_has_both():
    capacity = values_of(CapacitySetting, connections=4, service_time_seconds=0.3)
    before = {"connections": 4, "service_time_seconds": 0.1}
    assert brief(CapacitySetting, capacity, before) == "query 100 → 300 ms"
    before = {"connections": 8, "service_time_seconds": 2.0}
    assert brief(CapacitySetting, capacity, before) == "query 2 s → 300 ms"


def test_what_a_scene_has_changed_stands_beside_what_it_began_with():
    storm = all_scenes()["retry_storm"]
    triggered = values_of(CapacitySetting, connections=4, service_time_seconds=0.3, queue_limit=100)
    lab = lab_of(database=service(ServiceState("database", active=active(setting={"capacity": triggered}))))
    assert tags_of(lab, storm)["database"] == [{"kind": "setting", "text": "query 100 → 300 ms"}]
    assert tags_of(lab, None)["database"] == [{"kind": "setting", "text": "query 300 ms"}]


def test_failures_stand_first_and_say_on_which_instances_they_are():
    slow = active(failure={"latency": {"delay_seconds": 2.0}}, defence={"load_shedding": {"max_in_flight": 16}})
    calm = ServiceState("api", active=active())
    view = service(
        ServiceState("api", active=slow),
        **{"api-1": instance(calm), "api-2": instance(ServiceState("api", active=slow)), "api-3": instance(calm)},
    )
    assert [tag["text"] for tag in tags_of(lab_of(api=view), None)["api"]] == ["2 s slower (2)", "sheds beyond 16 (2)"]


def test_users_who_come_are_no_tag_and_a_cache_tells_what_it_does():
    arrivals = ServiceState("traffic", active=active(setting={"arrivals": {"rps": 20.0}}))
    cached = ServiceState(
        "api", active=active(setting={"cache": {"ttl_seconds": 10.0, "keys": 300}}), cache=CacheState(hit_ratio=0.832)
    )
    tags = tags_of(lab_of(traffic=service(arrivals), api=service(cached), database=service(None)), None)
    assert tags["traffic"] == tags["database"] == []
    assert tags["api"] == [{"kind": "setting", "text": "cache: 83 % hits"}]
