"""The deck: cards that can be played, that hurt, and that the room can mend with what it has."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from services.common.http.problems import Problem
from services.common.scenes.model import Expectation, Scene, Step
from services.common.switches.catalogue import find_switch
from services.control_room.drills import cards
from services.control_room.drills.cards import LEVELS, deck, draw
from simulation.prediction import predict

SEED = 3
FAULT_SECONDS, CURE_SECONDS, WELL_SECONDS = 20, 60, 150
CARDS = list(deck().values())
SIMULATED = [
    card
    for card in CARDS
    if all(find_switch(each.service, each.kind, each.name).simulated is True for each in card.faults)
]


def ids(card):
    return card.key


def played(card):
    """The share of users served before the fault, while it hurts, and after the cure: what the model predicts."""
    rps = next((fault.params["rps"] for fault in card.faults if "rps" in fault.params), None)
    faults = tuple(fault for fault in card.faults if fault.service != "traffic")
    moments = (FAULT_SECONDS, CURE_SECONDS, WELL_SECONDS)
    expect = tuple(Expectation(str(at), "success_ratio", minimum=0, at_seconds=at) for at in moments)
    scene = Scene(
        card.key,
        card.title,
        order=0,
        story="",
        do=(),
        watch=(),
        rps=card.rps,
        switches=card.setup,
        steps=(
            Step("the fault", FAULT_SECONDS, on=faults, rps=rps),
            *([Step("the cure", CURE_SECONDS, on=card.cure)] if card.cure else []),
        ),
        expect=expect,
        patience_seconds=card.patience_seconds,
    )
    return [entry.values[0] for entry in predict(scene, [SEED], {})]


@pytest.mark.parametrize("card", [card for card in SIMULATED if not card.is_traffic_alone], ids=ids)
def test_a_fault_hurts_the_users_and_its_cure_helps_them(card):
    before, hurt, cured = played(card)
    assert before == 1
    assert hurt < 0.97
    assert cured >= 0.99


@pytest.mark.parametrize("card", [card for card in CARDS if card.is_traffic_alone], ids=ids)
def test_where_nothing_is_wrong_but_the_traffic_nobody_is_lost(card):
    assert played(card) == [1, 1, 1]
    assert card.faults[0].params["rps"] >= 2 * card.rps


def test_one_card_in_six_of_each_level_is_nothing_but_the_traffic():
    assert len(CARDS) >= 20
    for level in LEVELS:
        of_level = [card for card in CARDS if card.level == level]
        assert sum(card.is_traffic_alone for card in of_level) * 6 == len(of_level)


def test_the_deck_has_services_instances_failures_settings_and_combinations():
    faults = [fault for card in CARDS for fault in card.faults]
    assert {"frontend", "api", "database", "traffic"} <= {fault.service for fault in faults}
    assert any(fault.service.startswith("api-") for fault in faults)
    assert {"failure", "setting"} == {fault.kind for fault in faults}
    assert any(len(card.faults) > 1 for card in CARDS)


def test_every_card_has_what_a_report_needs():
    for card in CARDS:
        assert card.mechanism and len(card.hints) == 3 and len(card.questions) >= 2
        assert bool(card.cure) != card.is_traffic_alone


def test_hints_do_not_name_the_switch():
    for card in CARDS:
        for fault in card.faults:
            assert not any(fault.name in hint or fault.name.replace("_", " ") in hint for hint in card.hints), card.key


def test_a_level_draws_its_own_cards_and_none_draws_any():
    assert {draw(2, random.Random(seed)).level for seed in range(40)} == {2}
    assert {draw(None, random.Random(seed)).level for seed in range(60)} == set(LEVELS)
    drawn = Counter(draw(1, random.Random(seed)).key for seed in range(300))
    assert len(drawn) == 6 and min(drawn.values()) > 20


def test_a_diagnosis_names_the_place_and_the_switch():
    canary = deck()["bad_canary"]
    assert canary.named_by("api-2", "bad_version") is canary.faults[0]
    assert canary.named_by("api", "bad_version") is None
    assert canary.named_by("api-1", "bad_version") is None
    assert canary.named_by("api-2", "latency") is None


def test_where_one_instance_is_in_use_its_name_is_the_services():
    flaky = deck()["flaky_api"]
    assert flaky.named_by("api", "error_rate") is flaky.named_by("api-1", "error_rate") is flaky.faults[0]
    assert "api-1" not in [choice["service"] for choice in flaky.choices()]


def test_every_right_answer_can_be_chosen():
    for card in CARDS:
        choices = {choice["service"]: {each["name"] for each in choice["switches"]} for choice in card.choices()}
        assert all(fault.name in choices[fault.service] for fault in card.faults), card.key


GOOD = """
[[card]]
key = "one"
title = "One"
rps = 4
mechanism = "How."
faults = [{ service = "api", kind = "failure", name = "latency" }]
hints = ["a", "b", "c"]
questions = ["why?"]
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rps = 4", "rps = 4000"),
        ('name = "latency"', 'name = "latancy"'),
        ('hints = ["a", "b", "c"]', 'hints = ["a"]'),
        ("faults = [{", "setup = [{"),
        ('kind = "failure", name = "latency"', 'kind = "defence", name = "deadline"'),
        ('title = "One"', ""),
    ],
)
def test_a_card_that_could_not_be_played_is_refused_where_it_stands(tmp_path, monkeypatch, text, told):
    for level in LEVELS:
        (tmp_path / f"level{level}.toml").write_text(GOOD.replace(text, told) if level == 2 else "")
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    with pytest.raises(Problem, match=r"level2\.toml: card 1"):
        deck.__wrapped__()


def test_what_is_hidden_is_not_shown_by_the_setup(tmp_path, monkeypatch):
    shown = '[{ service = "api", kind = "setting", name = "pool", params = { size = 3 } }]'
    text = GOOD.replace("hints", f"setup = {shown}\nhints").replace(
        '{ service = "api", kind = "failure", name = "latency" }', shown[1:-1]
    )
    for level in LEVELS:
        (tmp_path / f"level{level}.toml").write_text(text if level == 1 else "")
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    with pytest.raises(Problem, match="for all to see"):
        deck.__wrapped__()


def test_a_cure_is_what_the_room_may_do():
    for card in CARDS:
        assert all(switched.kind in ("defence", "setting") for switched in card.cure), card.key
        assert all(switched.service != "traffic" for switched in card.cure), card.key


def test_the_arrivals_of_a_card_keep_its_users_patience():
    card = replace(deck()["slow_disk"], patience_seconds=2.5)
    assert card.arrivals(7, 11).params == {"rps": 7, "patience_seconds": 2.5, "seed": 11}
