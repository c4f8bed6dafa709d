"""Sentences for the stage: the facts of a moment in words that a scene's file has."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.common.http import problems
from services.common.scenes.files import all_scenes
from services.common.scenes.sentences import FACTS, check_sentence, say
from services.common.telemetry.state import Calls, Connections, ServiceState
from services.control_room.facts import facts_of
from services.control_room.status import Kpis
from tests.support.views import active, instance, lab_of, service

ROOT = Path(__file__).parents[2]
WORK = active(setting={"work": {"slots": 8, "service_time_seconds": 0.4}})


def facts(kpis=None, since=3.0, **services):
    return facts_of(lab_of(kpis, rps=20.0, **services), since)


def test_every_fact_is_known_by_name_and_no_other():
    assert facts().keys() == FACTS.keys()


def test_the_arithmetic_of_a_storm():
    capacity = active(setting={"capacity": {"connections": 4, "service_time_seconds": 0.1}})
    found = facts(
        Kpis(success_ratio=0.004, attempts_per_request=2.96),
        api=service(ServiceState("api", calls=Calls("database", sent=900, seconds=15))),
        database=service(ServiceState("database", active=capacity, connections=Connections(max=4))),
    )
    sentence = "{users} users a second. The database can do {database_capacity}. It gets {database_calls}. {success}."
    assert say(sentence, found) == "20 users a second. The database can do 40. It gets 60. 0 %."


def test_only_all_of_them_are_100_per_cent():
    assert facts(Kpis(success_ratio=0.9999))["success"] == "99.9 %"
    assert facts(Kpis(success_ratio=1.0))["success"] == "100 %"


def test_the_capacity_of_the_api_is_that_of_the_instances_in_use():
    works, serves = ServiceState("api", active=WORK), ServiceState("api")
    ejected = service(serves, **{"api-1": instance(works), "api-2": instance(works, "ejected")})
    assert facts(api=ejected)["api_capacity"] == "20"
    unlimited = service(serves, **{"api-1": instance(works), "api-2": instance(serves)})
    assert facts(api=unlimited)["api_capacity"] is None


def test_the_capacity_of_the_database_is_that_of_the_connections_that_it_has():
    three = ServiceState("database", connections=Connections(max=3))
    assert facts(database=service(three))["database_capacity"] == "250"


def test_what_is_not_known_is_said_to_be_so():
    assert say("The database gets {database_calls}.", facts(api=service(None))) == "The database gets …."
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
