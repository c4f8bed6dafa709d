"""Simulated phones: each votes as one of the room does, through the room's own calls, with its own cookie."""

from __future__ import annotations

import http.client
import json
import random
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .errors import Unreachable

AT_ONCE = 16
TEAM_SIZE = 4
VOTE_SECONDS = 10.0
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Phone:
    """One device: it looks, and votes for what it likes best."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._cookie = ""
        self._likes = random.Random(seed)

    def vote(self) -> bool:
        """Look at the bet before the room, and vote; whether the lab says that it has taken it."""
        bet = self._call("/api/room")["bet"]
        if bet is None:
            return False
        choice = self._likes.choice(bet["options"])["key"]
        answer = self._call("/api/room/votes", {"bet": bet["id"], "choice": choice})
        return bool(answer.get("voted")) and answer.get("choice") == choice

    def notice(self, team: str) -> bool:
        """Say for a team that something is wrong; whether the lab says that it is so."""
        answer = self._call("/api/room/answers", {"team": team, "kind": "detected"})
        return bool(answer.get("drill", {}).get("mine", {}).get("detected"))

    def _call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer; a refusal is one, too."""
        headers = {"Content-Type": "application/json", "Origin": self._url}
        if self._cookie:
            headers["Cookie"] = self._cookie
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers)
        try:
            with _opener.open(request, timeout=VOTE_SECONDS) as response:
                self._cookie = response.headers.get("Set-Cookie", self._cookie).partition(";")[0]
                found: dict[str, Any] = json.loads(response.read())
                return found
        except urllib.error.HTTPError as error:
            with error:
                refusal: dict[str, Any] = json.loads(error.read())
                return refusal
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unreachable(f"a phone got no answer from {self._url}{path}: {error}") from error


def all_notice(phones: Sequence[Phone]) -> int:
    """Let each of them say that something is wrong, TEAM_SIZE for a team; how many were right."""
    teams = [f"Team {number // TEAM_SIZE + 1}" for number in range(len(phones))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(Phone.notice, phones, teams))


def all_vote(phones: Sequence[Phone]) -> int:
    """Let each of them vote, many at once; how many votes were taken."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(Phone.vote, phones))
