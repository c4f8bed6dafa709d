"""The plans of workshops/: how their files are read, and that there is time for what they promise."""

from __future__ import annotations

import pytest

from services.common.http.problems import InvalidParameter, NotFound
from services.common.scenes.files import find_scene
from services.control_room.app import create_app
from services.control_room.workshop import files
from services.control_room.workshop.files import all_plans, find_plan, read_plans
from services.control_room.workshop.model import START_SECONDS, VOTES_SECONDS, Part

A_PLAN = """
title = "A talk"
summary = "Two scenes"
audience = "A meetup"
minutes = 9

[[part]]
title = "Welcome"
minutes = 1
say = ["Good evening."]

[[part]]
title = "Slow"
minutes = 4
bet = "slow_query/errors"
say = ["Vote alone first."]

[[part]]
title = "Slow again"
minutes = 1
scene = "slow_query"
say = ["The same once more."]

[[part]]
title = "Drill"
minutes = 3
drill = 2
say = ["Say when you see it."]
"""


def read(folder, text, name="plan.toml"):
    (folder / name).write_text(text)
    return read_plans(folder)


def part(**has):
    return Part("a part", 10, ("something",), **has)


def does(part):
    return [beat.does for beat in part.beats()]


def test_a_plan_has_its_files_name_and_its_parts(tmp_path):
    plan = read(tmp_path, A_PLAN)["plan"]
    assert (plan.name, plan.minutes) == ("plan", 9)
    assert [each.title for each in plan.part] == ["Welcome", "Slow", "Slow again", "Drill"]
    assert [plan.starts_at_seconds(index) for index in range(4)] == [0, 60, 300, 360]


@pytest.mark.parametrize(
    ("right", "wrong", "detail"),
    [
        ("minutes = 9", "minutes = 8", "plan.toml: minutes is 8, and its parts take 9"),
        ("minutes = 9", 'minutes = "9"', "plan.toml: minutes must be a whole number, not '9'"),
        ('audience = "A meetup"', "", "plan.toml: audience is missing"),
        (
            '"slow_query"',
            '"slow_qeury"',
            "plan.toml: part 3: scene: there is no scene 'slow_qeury'; allowed: [",
        ),
        ("slow_query/errors", "slow_query/erors", "plan.toml: part 2: bet: slow_query has no bet 'erors'; allowed: ["),
        ("slow_query/errors", "slow_query", "plan.toml: part 2: bet: slow_query has no bet ''; allowed: ['errors']"),
        ("drill = 2", "drill = 4", "plan.toml: part 4: drill is a level; allowed: [1, 2, 3]"),
        (
            "drill = 2",
            'drill = 2\nscene = "normal"',
            "plan.toml: part 4: it has a scene, a bet or a drill",
        ),
        ("minutes = 4", "minutes = 3", "plan.toml: part 2: minutes is 3, and what it does takes 195 s at least"),
        ('say = ["Good evening."]', "say = []", "plan.toml: part 1: say must be a list of sentences"),
        ('say = ["Good evening."]', "say = [7]", "plan.toml: part 1: say must be a list of sentences"),
        ('title = "Drill"', 'titel = "Drill"', "plan.toml: part 4: there is no key 'titel'; allowed: ['title'"),
        (A_PLAN[A_PLAN.index("[[part]]") :], "", "plan.toml: it needs a [[part]]"),
        ("[[part]]", "[[part", "plan.toml: it is not TOML"),
    ],
)
def test_a_plan_that_could_not_be_given_is_refused_and_says_where(tmp_path, right, wrong, detail):
    assert right in A_PLAN
    with pytest.raises(InvalidParameter) as refused:
        read(tmp_path, A_PLAN.replace(right, wrong, 1))
    assert refused.value.detail.startswith(detail)


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    (tmp_path / "Other.toml").write_text(A_PLAN)
    with pytest.raises(InvalidParameter) as refused:
        read(tmp_path, A_PLAN.replace("drill = 2", "drill = 4").replace("minutes = 4", "minutes = 3"))
    assert [line.split(":")[:2] for line in refused.value.detail.split("\n  ")] == [
        ["Other.toml", " the file's name must be of a-z, 0-9 and _"],
        ["plan.toml", " part 2"],
        ["plan.toml", " part 4"],
    ]


def test_an_image_that_was_built_without_the_plans_is_noticed_at_once(tmp_path):
    with pytest.raises(InvalidParameter, match="there is no plan in"):
        read_plans(tmp_path / "workshops")


def test_the_control_room_does_not_start_with_a_plan_that_is_wrong(tmp_path, make_settings, monkeypatch):
    (tmp_path / "plan.toml").write_text(A_PLAN.replace("drill = 2", "drill = 4"))
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    all_plans.cache_clear()
    try:
        with pytest.raises(SystemExit, match=r"workshops: plan\.toml: part 4"):
            create_app(make_settings("control-room"))
    finally:
        all_plans.cache_clear()


def test_the_four_plans_are_there_the_shortest_first():
    assert {plan.name: plan.minutes for plan in all_plans().values()} == {
        "alone": 20,
        "talk": 45,
        "workshop": 90,
        "game_day": 240,
    }
    with pytest.raises(NotFound) as refused:
        find_plan("talks")
    assert refused.value.allowed == ["alone", "talk", "workshop", "game_day"]


@pytest.mark.parametrize("plan", all_plans().values(), ids=all_plans())
def test_the_presenter_has_something_to_say_in_every_part(plan):
    for each in plan.part:
        assert all(line == line.strip() and line[-1] in ".?!" for line in each.say), each.title


def test_a_talk_does_nothing_a_scene_one_thing_and_a_drill_two():
    assert does(part()) == []
    assert does(part(scene="normal")) == ["scene"]
    assert does(part(drill=1)) == ["drill", "drill_end"]


def test_the_room_votes_twice_before_the_scene_and_sees_what_is_right_after_it():
    asked = part(bet="retry_storm/after_it")
    assert does(asked) == ["open", "close", "reopen", "close", "scene", "reveal"]
    assert asked.stages == "retry_storm"
    assert [beat.words for beat in asked.beats()][3:5] == ["Close the second vote", "Start the scene: Retry storm"]


def test_a_bet_on_defences_plays_its_scene_once_with_each():
    plays = [beat for beat in part(bet="retry_storm/defence").beats() if beat.does == "scene"]
    assert [beat.words.partition(", with ")[2] for beat in plays] == [
        "frontend.rate_limit",
        "api.bulkhead",
        "api.circuit_breaker",
    ]
    assert [[defence.name for defence in beat.defences] for beat in plays] == [
        ["rate_limit"],
        ["bulkhead"],
        ["circuit_breaker"],
    ]


def test_there_is_time_for_the_votes_and_for_each_play_of_the_scene():
    one = START_SECONDS + find_scene("retry_storm").duration_seconds
    assert part().least_seconds == part(drill=1).least_seconds == 0
    assert part(scene="retry_storm").least_seconds == one
    assert part(bet="retry_storm/cure").least_seconds == VOTES_SECONDS + one
    assert part(bet="retry_storm/defence").least_seconds == VOTES_SECONDS + 3 * one


def test_what_is_said_is_the_presenters_alone():
    public, secret = (find_plan("talk").describe(secrets=secrets) for secrets in (False, True))
    assert set(secret["parts"][1]) - set(public["parts"][1]) == {"say", "beats"}
    assert public["parts"][1]["bet"] == "normal/how_fast"
