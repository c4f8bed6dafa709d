"""Drills: started, hidden, answered, ended and kept in the journal. One at a time is before the room."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from services.common.http import problems
from services.common.scenes.model import Switched
from services.common.switches.settings import MAX_SEED
from services.common.telemetry.wire import decode, encode
from services.common.topology import TRAFFIC
from services.control_room.drills.cards import draw
from services.control_room.drills.drill import FROZEN, OPEN, Counts, Drill, Team
from services.control_room.drills.tell import describe, public, rows
from services.control_room.lab import Lab
from services.control_room.lab_state import LabState

log = logging.getLogger(__name__)
WAIT_SECONDS = (15.0, 60.0)  # in which the fault comes, so that nobody can wait for it
MAX_SECONDS = 30 * 60.0
RETRY_SECONDS = 0.5
MAX_TEAMS = 60
MAX_ANSWERS = 40  # of one team: nobody thinks so often in half an hour
SECTION = "drill"
RESET = "the lab was reset"


class Drills:
    """The drill that is on, or the last one. `reset` ends what is on stage and resets the lab."""

    def __init__(
        self,
        lab: Lab,
        reset: Callable[[], dict[str, Any]],
        clock: Callable[[], float] = time.time,
        wait_seconds: tuple[float, float] = WAIT_SECONDS,
    ) -> None:
        self._lab = lab
        self._reset = reset
        self._clock = clock
        self._between = wait_seconds
        self._lock = threading.RLock()
        self._starting = threading.Lock()
        self._drill: Drill | None = None
        self._is_away = False
        self._ended = threading.Event()
        self.revision = 0  # another one whenever a phone has something new to show

    def restore(self) -> None:
        """Go on where the control room before this one ended; a reset since then ended the drill."""
        kept = self._lab.journal.section(SECTION)
        if kept is None:
            return
        try:
            drill = decode(Drill, kept["drill"])
            self.revision = int(kept["revision"]) + 1
            describe(drill)  # what cannot be shown is not taken
        except Exception:  # whatever it is, it must not keep the control room from starting
            log.exception("the drill in the journal")
            return
        with self._lock:
            self._drill, self._is_away = drill, bool(kept["away"])
            if not drill.is_running:
                return
            if drill.epoch != self._lab.epoch:
                self._close(drill, RESET)
            elif drill.fault_at is None:
                self._await_fault(drill)

    # What is.

    @property
    def running(self) -> Drill | None:
        """The drill that hides what is wrong."""
        drill = self._drill
        return drill if drill is not None and drill.is_running else None

    @property
    def last(self) -> Drill | None:
        """The drill that is on, or the one before."""
        return self._drill

    def for_all(self) -> dict[str, Any] | None:
        """What everybody may know: without its teams."""
        with self._lock:
            return public(self._drill, self._clock()) if self._drill and not self._is_away else None

    def for_phone(self, device: str | None) -> dict[str, Any] | None:
        """What a device may know, its own team's answers included."""
        with self._lock:
            drill = self._drill
            if drill is None or self._is_away:
                return None
            team = drill.teams.get(drill.devices.get(device or "", ""))
            return public(drill, self._clock(), team=team, with_teams=True)

    def for_presenter(self) -> dict[str, Any] | None:
        """Everything, the secret included."""
        with self._lock:
            return describe(self._drill) if self._drill else None

    # What the presenter does.

    def start(self, level: int | None = None, seed: int | None = None) -> None:
        """Reset the lab, let users come, and hide a fault that strikes after a while.

        Raises:
            NotNow: a drill is on already, or the lab is not well after its reset.
            Unreachable, Overtaken: as of the lab's own calls.
        """
        with self._starting:
            self.check_free("another drill")
            seed = seed or random.randrange(1, MAX_SEED)
            dice = random.Random(seed)
            card = draw(level, dice)
            found = self._reset()
            if found["status"] != "GREEN":
                raise problems.NotNow(f"the lab is {found['status']}: {'; '.join(found['reasons'])}")
            epoch = self._lab.epoch
            self._do(card.arrivals(card.rps, seed), epoch, hidden=True)
            for switched in card.setup:
                self._do(switched, epoch, hidden=False)
            drill = Drill(card.key, seed, self._clock(), dice.uniform(*self._between), epoch, level)
            with self._lock:
                if epoch != self._lab.epoch:
                    raise problems.Overtaken("the lab was reset meanwhile")
                self._drill, self._is_away = drill, False
                self._tell()
                self._await_fault(drill)
        which = f" of level {level}" if level else ""
        self._lab.events.add(f"a drill{which} is on: say when something is wrong, find out what, and help the users")

    def _do(self, switched: Switched, epoch: int, *, hidden: bool) -> None:
        self._lab.switch(switched.service, switched.kind, switched.name, True, switched.params, epoch, hidden=hidden)

    def _await_fault(self, drill: Drill) -> None:
        self._ended = threading.Event()
        threading.Thread(target=self._strike, args=(drill, self._ended), name="drill", daemon=True).start()

    def _strike(self, drill: Drill, ended: threading.Event) -> None:
        """Let the fault come when it is due; a service that does not answer is waited for."""
        if ended.wait(max(0.0, drill.started_at + drill.wait_seconds - self._clock())):
            return
        for fault in drill.card.faults:
            if fault.service == TRAFFIC.name:
                fault = drill.card.arrivals(fault.params["rps"], drill.seed)
            while True:
                try:
                    self._do(fault, drill.epoch, hidden=True)
                    break
                except problems.Unreachable:
                    if ended.wait(RETRY_SECONDS):
                        return
                except problems.Overtaken:
                    return
        with self._lock:
            if drill.is_running:
                drill.fault_at = self._clock()
                self._keep()

    def end(self) -> None:
        """End the drill, and let everybody see what it was: what is still on is no longer hidden.

        Raises:
            NotNow: none is on.
        """
        with self._lock:
            drill = self.running
            if drill is None:
                raise problems.NotNow("no drill is on")
            self._close(drill, "ended by the presenter")
        self._reveal(drill)

    def _close(self, drill: Drill, why: str) -> None:
        """The drill is over; the lock is held."""
        drill.ended_at, drill.why_ended = self._clock(), why
        drill.board = OPEN
        self._ended.set()
        self._tell()
        self._lab.events.add(f"the drill is over ({why}): it was {drill.card.title!r}")

    def _reveal(self, drill: Drill) -> None:
        """Show what is hidden; an instance that does not answer now keeps it hidden until the next reset."""
        for name, state in self._lab.peers.states().items():
            for kind, switches in state.hidden.items() if state is not None else ():
                for switch, params in switches.items():
                    try:
                        self._lab.switch(name, kind, switch, True, params, drill.epoch)
                    except problems.Overtaken:
                        return
                    except problems.Unreachable as problem:
                        log.warning("%s keeps %s hidden: %s", name, switch, problem)

    def set_board(self, board: str) -> None:
        """Show what the teams do as it comes, as it was at this moment, or not at all.

        Raises:
            NotNow: there is no drill.
        """
        with self._lock:
            if self._drill is None or self._is_away:
                raise problems.NotNow("there is no drill")
            if board == FROZEN:
                self._drill.frozen = rows(self._drill)
            self._drill.board = board
            self._tell()

    # What others do.

    def check_free(self, what: str) -> None:
        """Refuse what would end a drill, or tell what it hides.

        Raises:
            NotNow: a drill is on.
        """
        if self.running is not None:
            raise problems.NotNow(f"a drill is on, so {what} has to wait: end the drill, or reset the lab")

    def check_change(self, service: str, kind: str, name: str) -> None:
        """Refuse a change of what is the drill's own: failures, and who comes.

        Raises:
            NotNow: a drill is on.
        """
        if kind == "failure":
            self.check_free("a failure")
        elif (service, name) == (TRAFFIC.name, "arrivals"):
            self.check_free("another number of users")

    def overtaken(self) -> None:
        """The lab is reset, or a scene is started: a drill that is on is over, and one that is over is put away."""
        with self._lock:
            drill = self._drill
            if drill is None or self._is_away:
                return
            if drill.is_running:
                self._close(drill, RESET)
            else:
                self._is_away = True
                self._tell()

    def see(self, state: LabState) -> None:
        """Take what the lab measures now."""
        with self._lock:
            drill = self.running
            if drill is None or state.traffic is None:
                return
            if drill.epoch != self._lab.epoch:
                self._close(drill, RESET)
                return
            now = self._clock()
            if drill.see(now, state.kpis.success_ratio, Counts(state.traffic.came, state.traffic.lost)):
                self._keep()
            if now - drill.started_at < MAX_SECONDS:
                return
            self._close(drill, f"it lasted {MAX_SECONDS / 60:.0f} minutes")
        self._reveal(drill)

    # What the teams do.

    def answer(self, name: str, kind: str, service: str, switch: str, device: str | None = None) -> dict[str, Any]:
        """Take what a team says; a device speaks for the team of its first answer. What the team may know then.

        Raises:
            NotNow: no drill is on.
            TooManyTeams, TooManyVotes: as many teams play as may, or this one has said as much as it may.
        """
        with self._lock:
            drill = self.running
            if drill is None:
                raise problems.NotNow("no drill is on")
            team = self._team(drill, name, device)
            if len(team.answers) >= MAX_ANSWERS:
                raise problems.TooManyVotes(f"a team may say {MAX_ANSWERS} things")
            if kind == "detected":
                good = drill.detect(team, self._clock()).good
                said = f"{team.name} says: incident" if good else f"{team.name} gives a false alarm"
            elif kind == "hint":
                drill.hint(team, self._clock())
                said = ""
            else:
                drill.diagnose(team, self._clock(), service, switch)
                said = f"{team.name} knows what it is" if drill.diagnosed_at(team) == self._last_at(team) else ""
            if said and drill.board == OPEN:
                self._lab.events.add(f"drill: {said}")
            self._tell()
            return public(drill, self._clock(), team=team, with_teams=True)

    def _last_at(self, team: Team) -> float:
        return team.answers[-1].at

    def _team(self, drill: Drill, name: str, device: str | None) -> Team:
        known = drill.devices.get(device or "", name)
        if known not in drill.teams:
            if len(drill.teams) >= MAX_TEAMS:
                raise problems.TooManyTeams(f"{MAX_TEAMS} teams play already")
            drill.teams[known] = Team(known)
        if device is not None:
            drill.devices[device] = known
        return drill.teams[known]

    def _tell(self) -> None:
        """Let the phones ask again, and keep it; not for what the lab measures: that would tell when the fault came."""
        self.revision += 1
        self._keep()

    def _keep(self) -> None:
        """Note the drill in the journal as it is now; the lock is held."""
        kept = {"drill": encode(self._drill), "away": self._is_away, "revision": self.revision}
        self._lab.journal.note(SECTION, kept)
