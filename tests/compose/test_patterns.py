"""The outage patterns in containers: the retry storm and one other in turn; with --long, each three times in a row."""

from __future__ import annotations

import datetime

import pytest

from services.common.scenes.files import all_scenes
from services.common.scenes.model import SCENES_OF_THE_SHOW

pytestmark = pytest.mark.compose

OTHERS = [scene for scene in list(all_scenes())[SCENES_OF_THE_SHOW:] if scene != "retry_storm"]
IN_TURN = OTHERS[datetime.datetime.now(datetime.UTC).timetuple().tm_yday % len(OTHERS)]


@pytest.mark.parametrize("name", ["retry_storm", pytest.param(IN_TURN, marks=pytest.mark.quiet)])
def test_a_pattern_shows_its_numbers(play, name):
    play(name)


@pytest.mark.long
@pytest.mark.quiet
@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("name", ["retry_storm", *OTHERS])
def test_every_pattern_shows_its_numbers_three_times_in_a_row(play, name, time):
    play(name)
