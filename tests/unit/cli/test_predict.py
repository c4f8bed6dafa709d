"""predict: a simulation that needs no lab."""

from __future__ import annotations

import re

import pytest

from tests.unit.cli.conftest import Lab, Room


def test_it_needs_no_lab(room: Room, lab: Lab) -> None:
    done = lab("predict", "pool_exhaustion", "--seeds", "2")
    assert done.code == 0
    assert re.search(r"queries take 2 s: half of the requests +(succeed +)?40 to 60 %", done.out)
    assert "2 of 2 seeds" in done.out and "takes for granted" in done.out
    assert room.seen == []


def test_sizes_and_users_can_be_others(lab: Lab) -> None:
    words = ["--rps", "40", "--set", "api.pool.size=x4", "api.threads=x4", "--set", "database.capacity.connections=80"]
    (document,) = lab("predict", "pool_exhaustion", "--seeds", "1", *words, "--json").documents
    assert document["rps"] == 40
    assert document["predicted"][1]["value"] > 0.9


def test_a_defence_is_guessed_from_the_scene(lab: Lab) -> None:
    (document,) = lab("predict", "retry_storm", "--with", "retry_budget", "--seeds", "1", "--json").documents
    assert document["predicted"][1]["value"] > 0.9


def test_the_load_below_which_it_recovers(lab: Lab) -> None:
    words = ["--recovers-below", "--seeds", "1", "--set", "api.client.attempts=1"]
    done = lab("predict", "retry_storm", *words)
    assert "recovers at 20 users a second, the highest load" in done.out


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["--set", "api.client"], "write it as"),
        (["--set", "api.client=3"], "write it as"),
        (["--set", "api.client.attempt=3"], "attempt"),
        (["--set", "cache.client.attempts=3"], "no service 'cache'"),
        (["--set", "traffic.arrivals.rps=3"], "no service 'traffic'"),
        (["--set", "api.threads=0"], "above 0"),
        (["--rps", "0"], "above 0"),
        (["--seeds", "0"], "whole number from 1"),
        (["--with", "retry_bugdet"], "did you mean retry_budget?"),
    ],
)
def test_nonsense_is_a_usage_error(lab: Lab, words: list[str], advice: str) -> None:
    done = lab("predict", "retry_storm", *words)
    assert done.code == 2
    assert advice in done.err


def test_an_unknown_scene_is_guessed(lab: Lab) -> None:
    done = lab("predict", "retrystorm")
    assert done.code == 1
    assert "did you mean retry_storm" in done.err


def test_what_a_trigger_does_that_is_not_modelled_cannot_be_recovered_from(lab: Lab) -> None:
    done = lab("predict", "noisy_neighbour", "--recovers-below")
    assert done.code == 2
    assert "the model has no CPU" in done.err


def test_a_scene_without_a_trigger_has_no_such_load(lab: Lab) -> None:
    done = lab("predict", "slow_query", "--recovers-below")
    assert done.code == 2
    assert "no trigger" in done.err
