"""The outage patterns in containers: one in turn, another each day; with --long, each three times in a row."""

from __future__ import annotations

import datetime

import pytest

from services.common.scenes.files import all_scenes
from services.common.scenes.model import SCENES_OF_THE_SHOW

pytestmark = pytest.mark.compose

PATTERNS = list(all_scenes())[SCENES_OF_THE_SHOW:]
IN_TURN = PATTERNS[datetime.datetime.now(datetime.UTC).timetuple().tm_yday % len(PATTERNS)]


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
