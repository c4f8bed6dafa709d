"""The bets of the scenes: how their files are read, and that the lab makes just one option of each right."""

from __future__ import annotations

import pytest

from services.common.http.problems import InvalidParameter
from services.common.scenes.files import all_scenes, read_scene
from services.common.scenes.model import Expectation, Option
from simulation.prediction import predict
from tests.unit.test_control_room import A_SCENE

A_BET = """
[[bet]]
key = "errors"
question = "One answer in ten is an error. How many users are served?"
expect = "success"
options = [
    { key = "all", text = "All of them", minimum = 0.97 },
    { key = "most", text = "Most of them", maximum = 0.97 },
    { key = "with", text = "By a bulkhead", minimum = 0.97, defences = [{ service = "api", name = "bulkhead" }] },
]
"""
BETS = [(scene, bet) for scene in all_scenes().values() for bet in scene.bet]
PLAYED = [(scene, bet) for scene, bet in BETS if any(option.defences for option in bet.options)]
MEASURED = [found for found in BETS if found not in PLAYED]


def name_of(found):
    return getattr(found, "name", None) or found.key


def read(tmp_path, text):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    return read_scene(file)


def test_an_option_is_measured_by_the_bets_expectation_unless_it_names_another(tmp_path):
    (bet,) = read(tmp_path, A_SCENE + A_BET).bet
    assert [option.expect for option in bet.options] == ["success"] * 3
    assert [defence.name for option in bet.options for defence in option.defences] == ["bulkhead"]


@pytest.mark.parametrize(
    ("right", "wrong", "detail", "allowed"),
    [
        ('key = "errors"', 'key = "The errors"', "bad.toml: bet 1: key must be of a-z, 0-9 and _, not 'The err", None),
        ('key = "most"', 'key = "all"', "bad.toml: bet 1: options 2: there is a key 'all' already", None),
        ('expect = "success"', 'expect = "succes"', "bad.toml: bet 1: the scene expects no 'succes'", "success"),
        ('expect = "success"', "", "bad.toml: bet 1: it needs the text of an expect", "success"),
        (", maximum = 0.97", "", "bad.toml: bet 1: options 2: it needs a minimum, a maximum, or what it eq", None),
        ('"bulkhead"', '"bulkead"', "bad.toml: bet 1: options 3: defences 1: api has no defence 'bulkead'", "bulkhead"),
        ("question", "ask", "bad.toml: bet 1: there is no key 'ask'", "question"),
        (A_BET[A_BET.index("[\n") :], "[]", "bad.toml: bet 1: it needs 2 to 5 options, not 0", None),
        ("[[bet]]", "[bet]", "bad.toml: bet must be a list of tables: write [[bet]] above each", None),
    ],
)
def test_a_bet_that_cannot_be_decided_is_refused_and_says_where(tmp_path, right, wrong, detail, allowed):
    assert right in A_BET
    with pytest.raises(InvalidParameter) as refused:
        read(tmp_path, A_SCENE + A_BET.replace(right, wrong, 1))
    assert refused.value.detail.startswith(detail)
    assert str(allowed or "") in str(refused.value.allowed or "")


def test_two_bets_of_a_scene_have_keys_of_their_own(tmp_path):
    with pytest.raises(InvalidParameter, match=r"bet 2: there is a key 'errors' already"):
        read(tmp_path, A_SCENE + A_BET + A_BET)


def test_every_scene_has_a_bet():
    assert [scene.name for scene in all_scenes().values() if not scene.bet] == []


def measured(expectation: Expectation) -> list[float | str]:
    """What an expectation may measure in a scene that is as expected: words, or numbers close to its bounds."""
    if expectation.equals is not None:
        return [expectation.equals]
    low = 0.0 if expectation.minimum is None else expectation.minimum
    high = max(100.0, 10 * low) if expectation.maximum is None else expectation.maximum
    return [low + 1e-9, (low + high) / 2, high - 1e-9] if high > low else [low]


@pytest.mark.parametrize(("scene", "bet"), MEASURED, ids=name_of)
def test_a_scene_that_is_as_expected_makes_just_one_option_right(scene, bet):
    """Where each option is measured by another expectation, none of them decides between those of another option."""
    expectations = {entry.text: entry for entry in scene.expect}
    right = {option.key: verdicts(option, expectations[option.expect]) for option in bet.options}
    assert all(len(found) == 1 for found in right.values()), right
    assert sum(found == {True} for found in right.values()) == 1, right


def verdicts(option: Option, expectation: Expectation) -> set[bool]:
    """What the option is, over all that its expectation may measure: right, wrong, or both."""
    return {option.is_right(expectation, value) for value in measured(expectation)}


@pytest.mark.parametrize(("scene", "bet"), PLAYED, ids=name_of)
def test_the_scene_played_with_each_options_defences_makes_just_one_right(scene, bet):
    """In the simulation, with two seeds."""
    right = []
    for option in bet.options:
        for found in predict(scene.defended(option.defences), [1, 2], {}):
            if found.expectation.text == option.expect:
                right += [option.key for value in found.values if option.is_right(found.expectation, value)]
    assert len(right) == 2 and len(set(right)) == 1, right
