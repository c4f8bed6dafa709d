"""Sentences for the stage: the facts of a moment in words that a scene's file has."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.common.http import problems
from services.common.process.memory import MB
from services.common.scenes.files import all_scenes
from services.common.scenes.sentences import FACTS, check_sentence, say
from services.common.telemetry.state import Calls, ServiceState, TargetState, TrafficState
from services.common.topology import CHAIN_NAMES
from services.control_room.facts import facts_of
from services.control_room.health import Health
from services.control_room.lab_state import Cascade, InstanceView, LabState, ServiceView
from services.control_room.status import Kpis

ROOT = Path(__file__).parents[2]
WELL = Health(0, "ok")


def active(**settings):
    return {"failure": {}, "defence": {}, "setting": settings}


def view(state, **instances):
    return ServiceView(state is not None, 0, state, state, WELL, instances)


def instance(role="in_use", **settings):
    return InstanceView(True, 0, ServiceState("api", active=active(**settings)), WELL, TargetState(role), None)


def facts(kpis=None, rps=20.0, since=3.0, **views):
    services = {name: view(ServiceState(name)) for name in CHAIN_NAMES} | views
    lab = LabState("GREEN", [], TrafficState(rps=rps), kpis or Kpis(), {}, Cascade(), services)
    return facts_of(lab, since)


def test_every_fact_is_known_by_name_and_no_other():
    assert facts().keys() == FACTS.keys()


def test_the_arithmetic_of_a_storm():
    found = facts(
        Kpis(success_ratio=0.004, attempts_per_request=2.96),
        api=view(ServiceState("api", rss_bytes=60 * MB, calls=Calls("database", sent=900, seconds=15))),
        database=view(
            ServiceState("database", active=active(capacity={"connections": 4, "service_time_seconds": 0.1}))
        ),
    )
    sentence = "{users} users a second. The database can do {database_capacity}. It gets {database_calls}. {success}."
    assert say(sentence, found) == "20 users a second. The database can do 40. It gets 60. 0 %."


@pytest.mark.parametrize(
    ("ratio", "words"), [(1.0, "100 %"), (0.9999, "99 %"), (0.675, "68 %"), (0.0, "0 %"), (None, None)]
)
def test_only_all_of_them_are_100_per_cent(ratio, words):
    assert facts(Kpis(success_ratio=ratio))["success"] == words


def test_the_capacity_of_the_api_is_that_of_the_instances_in_use():
    work = {"work": {"slots": 8, "service_time_seconds": 0.4}}
    three = view(ServiceState("api"), **{"api-1": instance(**work), "api-2": instance("ejected", **work)})
    assert facts(api=three)["api_capacity"] == "20"
    unlimited = view(ServiceState("api"), **{"api-1": instance(**work), "api-2": instance()})
    assert facts(api=unlimited)["api_capacity"] is None


def test_what_is_not_known_is_said_to_be_so():
    assert say("The database gets {database_calls}.", facts(api=view(None))) == "The database gets …."
    assert say("Half within {wait}, for {since}", facts(since=59.6)) == "Half within …, for 60 s"


@pytest.mark.parametrize("text", ["{nobody} users", "{users", "{users.real}", "{}"])
def test_a_sentence_that_could_not_be_said_is_refused(text):
    with pytest.raises(problems.InvalidParameter):
        check_sentence(text)


def test_every_scene_has_a_sentence():
    assert all(scene.sentence for scene in all_scenes().values())


def test_the_documentation_names_every_fact():
    text = (ROOT / "docs" / "adding-a-scene.md").read_text()
    assert all(f"| `{{{name}}}` | {meaning} |" in text for name, meaning in FACTS.items())
