"""Numbers and parameters as people read them."""

from __future__ import annotations

import pytest

from services.common.words import duration_words, params_words, percent


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "-"), (0.0214, "21 ms"), (0.9994, "999 ms"), (0.9999, "1.0 s"), (61.04, "61.0 s")]
)
def test_durations_read_as_a_person_says_them(seconds, words):
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("ratio", "text"), [(1, "100"), (0.9999, "99.9"), (0.995, "99.5"), (0.99, "99"), (0.384, "38"), (0, "0")]
)
def test_only_all_of_them_is_100_percent(ratio, text):
    assert percent(ratio) == text


def test_a_switch_is_told_with_the_parameters_that_say_something():
    params = {"deep": True, "path": "beside", "interval_seconds": 1.0, "probability": 1.0, "seed": 0}
    assert params_words(params) == " (deep True, path beside, interval_seconds 1)"
    assert params_words({"duration_seconds": 0}) == ""
