"""The devices of the room: who calls without a token, how often all of them together may, and how they are known."""

from __future__ import annotations

from flask import Response, request

from services.control_room.room.votes import COOKIE, MAX_VOTE_BYTES, VoteRate, device_of, new_cookie

DAY_SECONDS = 24 * 3600


class Devices:
    """One for all the room's writes: votes and a drill's answers share their rate and their cookie."""

    def __init__(self) -> None:
        self._rate = VoteRate()

    def take_turn(self) -> None:
        """Bound the request's body, and count it.

        Raises:
            TooManyVotes: there are too many at once.
        """
        request.max_content_length = MAX_VOTE_BYTES
        self._rate.take()

    def of_request(self) -> tuple[str, str]:
        """The caller's cookie, a new one if need be, and the device that it stands for."""
        cookie = request.cookies.get(COOKIE, "")
        device = device_of(cookie)
        if device is not None:
            return cookie, device
        cookie = new_cookie()
        return cookie, str(device_of(cookie))

    def answer(self, response: Response, cookie: str) -> Response:
        """The answer to one device alone; no script of any page can read its cookie."""
        response.set_cookie(COOKIE, cookie, max_age=DAY_SECONDS, path="/api/room", httponly=True, samesite="Strict")
        response.headers["Cache-Control"] = "no-store"
        return response
