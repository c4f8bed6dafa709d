"""Numbers and parameters as people read them."""

from __future__ import annotations

import pytest

from services.common.scenes.model import Expectation
from services.common.words import duration_words, params_words, percent, two_digits


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (0.0214, "21 ms"), (0.9994, "999 ms"), (0.9999, "1.0 s"), (9.97, "10 s"), (61.04, "61 s")],
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


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0508, "0.05"), (0.3, "0.30"), (1.06, "1.1"), (2.0, "2"), (9.97, "10"), (37.6, "38"), (1203.7, "1204")],
)
def test_a_measured_number_has_two_digits(number, text):
    assert two_digits(number) == text


@pytest.mark.parametrize(
    ("expectation", "value", "text"),
    [
        (Expectation("flat", "", maximum=5, unit="MB a minute"), 0.0508, "0.05 MB a minute"),
        (Expectation("served", "", minimum=0.25, maximum=0.45, unit="%"), 0.3761, "38 %"),
        (Expectation("nearly all", "", minimum=1, unit="%"), 0.9994, "99.9 %"),
        (Expectation("requests", "", maximum=1.07, unit="requests"), 1.062, "1.06 requests"),  # 1.1 would be above
        (Expectation("just too slow", "", maximum=0.4, unit="s"), 0.404, "0.404 s"),
    ],
)
def test_what_is_measured_is_seen_on_its_side_of_the_bound(expectation, value, text):
    assert expectation.shown(value) == text
