"""The outage patterns in containers: a short one in turn, another each day; by --long each, three times in a row."""

from __future__ import annotations

import datetime

import pytest

from services.common.scenes.files import all_scenes
from services.common.scenes.model import SCENES_OF_THE_SHOW

pytestmark = pytest.mark.compose

SHORT_SECONDS = 100
PATTERNS = list(all_scenes())[SCENES_OF_THE_SHOW:]
SHORT = [name for name in PATTERNS if all_scenes()[name].duration_seconds <= SHORT_SECONDS]
IN_TURN = SHORT[datetime.datetime.now(datetime.UTC).timetuple().tm_yday % len(SHORT)]


@pytest.mark.quiet
@pytest.mark.parametrize("name", [IN_TURN])
def test_a_pattern_shows_its_numbers(play, name):
    play(name)


@pytest.mark.long
@pytest.mark.quiet
@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_shows_its_numbers_three_times_in_a_row(play, name, time):
    play(name)
