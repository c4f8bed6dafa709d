"""A workshop on a real lab: led from the terminal, voted on by simulated phones, kept when the control room dies."""

from __future__ import annotations

import pytest

from labcli.phones import Phone, all_vote
from tests.conftest import wait_until

PHONES = 12
HOW_FAST = "/api/bets/normal/how_fast"


@pytest.fixture(autouse=True)
def nothing_is_on(lab):
    yield
    if now(lab) is not None:
        act(lab, "end")


def now(lab):
    return lab.get("/api/workshop")["workshop"]


def act(lab, action, **more):
    return lab.post("/api/workshop", {"action": action, **more})["workshop"]


def test_it_is_led_from_the_terminal_and_left_on(lab):
    listed = lab.cli("workshop", "list").stdout
    assert all(name in listed for name in ("alone", "talk", "workshop", "game_day"))
    led = lab.cli("workshop", "run", "talk", input="\n\nq\n").stdout
    assert "Enter: Open the vote" in led and "Enter: Close the vote" in led
    assert lab.get(HOW_FAST)["phase"] == "open" and now(lab)["at"] == "2.1"
    assert "the workshop is over" in lab.cli("workshop", "end").stdout
    assert now(lab) is None and lab.get("/api/room")["bet"] is None


def test_every_phone_is_a_device_of_its_own_and_votes_twice(lab):
    act(lab, "start", name="talk")
    act(lab, "next")
    phones = [Phone(lab.url, seed) for seed in range(PHONES)]
    for vote_round in (1, 2):
        act(lab, "next")
        assert all_vote(phones) == PHONES
        act(lab, "next")
        counts = lab.get(HOW_FAST)["counts"]
        assert len(counts) == vote_round and sum(counts[-1].values()) == PHONES


def test_the_scene_of_a_part_is_started_and_the_place_is_kept_when_the_control_room_dies(lab):
    act(lab, "start", name="alone")
    act(lab, "next")
    act(lab, "next")
    assert lab.state()["scene"]["name"] == "slow_query"
    before = now(lab)
    lab.kill_worker("control-room")
    wait_until(lambda: is_back(lab), "the control room is back", 20)
    after = now(lab)
    assert (after["at"], after["next"]) == (before["at"], before["next"]) == ("2.1", before["next"])
    assert after["clock"]["seconds"] >= before["clock"]["seconds"]


def is_back(lab):
    try:
        return now(lab) is not None
    except OSError:
        return False


@pytest.mark.long
@pytest.mark.parametrize("plan", ["alone", "talk"])
def test_a_whole_plan_can_be_rehearsed(lab, plan):
    done = lab.cli("workshop", "run", plan, "--rehearse", "--phones", str(PHONES), check=False, seconds=1200)
    assert done.returncode == 0, done.stdout
    assert now(lab) is None and lab.state()["scene"] is None
