"""What a beat does to the lab."""

from __future__ import annotations

from collections.abc import Callable

from services.common.scenes.model import Play
from services.control_room.drills.drills import Drills
from services.control_room.room.bets import Bets
from services.control_room.stage import Stage
from services.control_room.workshop import model
from services.control_room.workshop.model import Beat, Part


class Hands:
    """Does a beat, with the stage, the bets and the drills of the lab. `before_scene` is called before a scene."""

    def __init__(self, stage: Stage, bets: Bets, drills: Drills, before_scene: Callable[[], object]) -> None:
        self._stage = stage
        self._bets = bets
        self._drills = drills
        self._before_scene = before_scene

    def clear_the_room(self) -> None:
        """Take away the bet that is before the room: its votes are none of the next workshop's."""
        self._bets.put_away()

    def do(self, part: Part, beat: Beat) -> None:
        """Do what the beat says.

        Raises:
            NotNow, NotFound, Unreachable, Overtaken: as its call does; nothing of it is done.
        """
        if beat.does == model.SCENE:
            self._before_scene()
            self._stage.start(part.stages, Play(defences=beat.defences))
        elif beat.does == model.DRILL:
            self._drills.start(part.drill)
        elif beat.does == model.DRILL_END:
            if self._drills.running is not None:  # else a reset has ended it
                self._drills.end()
        else:
            self._bet(part, beat.does)

    def _bet(self, part: Part, does: str) -> None:
        scene, _, key = part.bet.partition("/")
        if does == model.OPEN and self._stage.active == scene:  # the part before this one has played it
            self._before_scene()
            self._stage.reset()
        action = model.OPEN if does == model.REOPEN else does
        self._bets.act(scene, key, action, self._stage.active)
