"""Bets: opened, voted on, closed before anything is injected, decided by the lab, and revealed. Kept in the journal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from services.common.http import problems
from services.common.scenes.checks import Check
from services.common.scenes.files import all_scenes
from services.common.scenes.model import Switched
from services.control_room.room.polls import CLOSED, OPEN, REVEALED, Poll, bet_id, describe_bet, find_bet
from services.control_room.room.votes import MAX_DEVICES
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal

log = logging.getLogger(__name__)
ACTIONS = ("open", "close", "reveal")
MAX_ROUNDS = 2  # the second one after "discuss with your neighbour"
SECTION = "bets"


class Bets:
    """Every bet of the lab. One at a time is before the room."""

    def __init__(self, journal: Journal, events: EventLog) -> None:
        self._journal = journal
        self._events = events
        self._lock = threading.Lock()
        self._keeping = threading.Lock()
        self._polls: dict[str, Poll] = {}
        self._shown: Poll | None = None
        self.revision = 0  # another one whenever a phone has something new to show

    def restore(self) -> None:
        """Go on where the control room before this one ended."""
        kept = self._journal.section(SECTION)
        if kept is None:
            return
        try:
            polls = [
                Poll(scene, bet, **found)
                for scene in all_scenes().values()
                for bet in scene.bet
                if (found := self._journal.section(_section(bet_id(scene, bet)))) is not None
            ]
            for poll in polls:
                poll.describe(secrets=True)  # what cannot be shown is not taken
            self._polls = {poll.id: poll for poll in polls}
            self._shown = self._polls.get(kept["shown"])
            self.revision = kept["revision"] + 1
        except Exception:  # whatever it is, it must not keep the control room from starting
            log.exception("the bets in the journal")
            self._events.add("the votes of before cannot be read: the control room's log says why", level="warning")

    # What is.

    def list(self) -> list[dict[str, Any]]:
        """Every bet with its phase; None is one that was never opened."""
        with self._lock:
            phases = {name: poll.phase for name, poll in self._polls.items()}
        return [
            {**describe_bet(scene, bet), "phase": phases.get(bet_id(scene, bet))}
            for scene in all_scenes().values()
            for bet in scene.bet
        ]

    def for_phone(self, device: str | None) -> dict[str, Any]:
        """The bet that is before the room, as a phone may know it, and what this device chose."""
        with self._lock:
            poll = self._shown
            choice = poll.rounds[-1].get(device) if poll and device else None
            shown = poll.describe(secrets=False) if poll else None
        return {"bet": shown, "voted": choice is not None, "choice": choice}

    def for_presenter(self, scene_name: str, key: str) -> dict[str, Any]:
        """A bet with its votes and results, before the room sees them.

        Raises:
            NotFound: no such bet.
        """
        scene, bet = find_bet(scene_name, key)
        with self._lock:
            poll = self._polls.get(bet_id(scene, bet))
            return poll.describe(secrets=True) if poll else {**describe_bet(scene, bet), "phase": None}

    def decided(self, scene_name: str) -> Poll | None:
        """The bet before the room, if it is this scene's, takes no votes any more, and something of it was measured."""
        with self._lock:
            poll = self._shown
            is_it = poll is not None and poll.scene.name == scene_name and poll.phase != OPEN and poll.measured
            return poll if is_it else None

    # What the presenter does.

    def act(self, scene_name: str, key: str, action: str, on_stage: str | None) -> dict[str, Any]:
        """Open a bet, close it or reveal it; what is so already stays so.

        Raises:
            NotFound: no such bet.
            NotNow: its scene is on stage, it was measured or voted on twice, or it was never opened.
        """
        if action == "open":
            self._open(scene_name, key, on_stage)
        else:
            self._end(scene_name, key, {"close": CLOSED, "reveal": REVEALED}[action])
        return self.for_presenter(scene_name, key)

    def _open(self, scene_name: str, key: str, on_stage: str | None) -> None:
        scene, bet = find_bet(scene_name, key)
        if on_stage == scene.name:
            raise problems.NotNow(f"{scene.name} is on stage: a bet is opened before its scene; reset first")
        with self._lock:
            poll = self._polls.get(bet_id(scene, bet))
            if poll is None or poll is not self._shown or poll.phase == REVEALED:
                poll = Poll(scene, bet)
            elif poll.phase == OPEN:
                return
            else:
                _begin_round(poll)
            closed = self._show(poll)
        self._tell_closed(closed)
        which = "votes again" if len(poll.rounds) > 1 else "votes"
        self._tell(poll, f"the room {which}: {bet.question}")

    def _end(self, scene_name: str, key: str, phase: str) -> None:
        scene, bet = find_bet(scene_name, key)
        with self._lock:
            poll = self._polls.get(bet_id(scene, bet))
            if poll is None:
                raise problems.NotNow(f"{bet_id(scene, bet)} was never opened")
            if poll.phase in (phase, REVEALED):
                return
            closed = self._show(poll) if phase == REVEALED else None
            if poll.phase == OPEN:
                closed = poll
            poll.phase = phase
        self._tell_closed(closed)
        if phase == REVEALED:
            self._tell(poll, _revealed_words(poll))

    def _show(self, poll: Poll) -> Poll | None:
        """Put a poll before the room; the one that was open there, and is closed now."""
        before = self._shown
        self._polls[poll.id] = self._shown = poll
        if before is None or before is poll or before.phase != OPEN:
            return None
        before.phase = CLOSED
        return before

    # What happens on stage.

    def close(self) -> None:
        """Take no more votes: something is about to be injected."""
        with self._lock:
            poll = self._shown
            if poll is None or poll.phase != OPEN:
                return
            poll.phase = CLOSED
        self._tell_closed(poll)

    def scene_starts(self, name: str) -> None:
        """Close what is open, before anything of the scene is done; a bet that has nothing to do with it makes way."""
        self.close()
        with self._lock:
            poll = self._shown
            if poll and poll.scene.name == name and not (poll.phase == REVEALED and poll.is_decided):
                return
        self.put_away()

    def put_away(self) -> None:
        """Close what is open, and take it from before the room."""
        self.close()
        with self._lock:
            poll, self._shown = self._shown, None
            if poll is None:
                return
            self.revision += 1
        self._keep(poll)

    def hear(self, scene_name: str, defences: Sequence[Switched], checks: Iterable[Check]) -> None:
        """Take what the scene on stage has measured."""
        with self._lock:
            poll = self._shown
            if poll is None or poll.scene.name != scene_name or poll.phase == OPEN:
                return
            if not poll.take(defences, checks):
                return
            self.revision += 1
        self._keep(poll)

    # What a phone does.

    def vote(self, name: str, choice: str, device: str) -> None:
        """Take a device's vote; another one of the same device takes its place.

        Raises:
            BetClosed: this bet takes no votes now.
            InvalidParameter: it has no such option.
            TooManyVotes: as many devices have voted as may.
        """
        with self._lock:
            poll = self._shown
            if poll is None or poll.id != name or poll.phase != OPEN:
                raise problems.BetClosed("this bet takes no votes now")
            allowed = [option.key for option in poll.bet.options]
            if choice not in allowed:
                raise problems.InvalidParameter(f"there is no option {choice!r:.60}", field="choice", allowed=allowed)
            votes = poll.rounds[-1]
            if device not in votes and len(votes) >= MAX_DEVICES:
                raise problems.TooManyVotes(f"{MAX_DEVICES} devices have voted")
            votes[device] = choice
        self._keep(poll)

    def _tell_closed(self, poll: Poll | None) -> None:
        if poll is not None:
            count = len(poll.rounds[-1])
            self._tell(poll, f"closed, {count} vote{'' if count == 1 else 's'}")

    def _tell(self, poll: Poll, words: str) -> None:
        with self._lock:
            self.revision += 1
        self._keep(poll)
        self._events.add(f"bet {poll.id}: {words}")

    def _keep(self, poll: Poll) -> None:
        """Note the poll in the journal as it is now: of several calls at once the last one has all of it."""
        with self._keeping:
            with self._lock:
                kept = poll.keep()
                index = {"shown": self._shown.id if self._shown else None, "revision": self.revision}
            self._journal.note(_section(poll.id), kept)
            self._journal.note(SECTION, index)


def _section(name: str) -> str:
    return f"bet/{name}"


def _begin_round(poll: Poll) -> None:
    if poll.measured:
        raise problems.NotNow("the lab has measured it already: reveal it")
    if len(poll.rounds) == MAX_ROUNDS:
        raise problems.NotNow("the room has voted twice: start the scene, or reveal the bet")
    poll.rounds.append({})
    poll.phase = OPEN


def _revealed_words(poll: Poll) -> str:
    right = poll.right()
    if not right:
        return "revealed; the lab has still to decide"
    votes = poll.counts()[-1]
    texts = {option.key: option.text for option in poll.bet.options}
    found = "; ".join(f"{texts[key]!r} is right, and {votes[key]} of {sum(votes.values())} said so" for key in right)
    return f"revealed: {found}"
