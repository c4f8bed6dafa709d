"""How a scene may be asked to be played."""

from __future__ import annotations

import pytest

from services.common.http.problems import InvalidParameter, NotFound
from services.common.scenes.model import Play, Switched
from services.common.scenes.play import play_of

BUDGET = {"service": "api", "name": "retry_budget", "params": {"ratio": 0.2}}


def test_nothing_asked_is_the_scene_as_it_is():
    assert play_of({}) == Play()


def test_what_is_described_can_be_read_again():
    play = Play(
        True,
        (Switched("api", "defence", "retry_budget", {"ratio": 0.2}),),
        7,
        True,
        (Switched("api", "defence", "deadline"),),
    )
    assert play_of(play.describe()) == play
    then = [{"service": "api", "name": "deadline", "params": {}}]
    assert play.describe() == {"narrate": True, "with": [BUDGET], "seed": 7, "hands_on": True, "then_with": then}


@pytest.mark.parametrize(
    ("body", "problem", "words"),
    [
        ({"with": {}}, InvalidParameter, "list"),
        ({"with": [3]}, InvalidParameter, "object"),
        ({"with": [BUDGET] * 21}, InvalidParameter, "list"),
        ({"with": [{**BUDGET, "kind": "failure"}]}, InvalidParameter, "kind"),
        ({"with": [{**BUDGET, "name": "retry_budge"}]}, NotFound, "retry_budge"),
        ({"with": [{**BUDGET, "service": "traffic"}]}, NotFound, "retry_budget"),
        ({"with": [{**BUDGET, "params": {"ratio": 2}}]}, InvalidParameter, "ratio"),
        ({"seed": -1}, InvalidParameter, "seed"),
        ({"seed": 1.5}, InvalidParameter, "seed"),
        ({"narrate": "yes"}, InvalidParameter, "narrate"),
        ({"then_with": [3]}, InvalidParameter, "object"),
        ({"hands_on": 1}, InvalidParameter, "hands_on"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(body, problem, words):
    with pytest.raises(problem, match=words):
        play_of(body)
