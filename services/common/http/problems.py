"""The errors that the lab expects, each with its HTTP status and a machine-readable reason."""

from __future__ import annotations

from typing import Any, ClassVar


class Problem(Exception):
    """An expected error, answered as a problem document (RFC 9457).

    `reason` is the machine-readable name; `field` is the JSON field at fault and `allowed` what it may hold.
    """

    status: ClassVar[int] = 500
    reason: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    retry_after_seconds: ClassVar[int | None] = None
    sheds: ClassVar[bool] = False  # whether it turned a request away before its work began

    def __init__(self, detail: str, *, field: str | None = None, allowed: Any = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.allowed = allowed

    def lines(self) -> list[str]:
        """What is wrong and, if it is known, what is allowed."""
        return [self.detail] if self.allowed is None else [self.detail, f"allowed: {self.allowed}"]

    def document(self) -> dict[str, Any]:
        """The problem document, as a JSON-ready dict."""
        document: dict[str, Any] = {
            "type": f"urn:sre-failure-lab:problem:{self.reason}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
        }
        if self.field is not None:
            document["field"] = self.field
        if self.allowed is not None:
            document["allowed"] = self.allowed
        return document


# What a caller got wrong: nothing has changed.


class InvalidRequest(Problem):
    """The body is not what the call takes."""

    status, reason, title = 400, "invalid_request", "The request cannot be read"


class InvalidParameter(Problem):
    """A parameter is unknown, of the wrong type or out of range."""

    status, reason, title = 422, "invalid_parameter", "A parameter is not valid"


class NotFound(Problem):
    """No such service, switch, scene or path."""

    status, reason, title = 404, "not_found", "There is no such thing here"


class MethodNotAllowed(Problem):
    """The path exists, and takes another method."""

    status, reason, title = 405, "method_not_allowed", "This path takes another method"


class TooLarge(Problem):
    """The body is larger than any call of the lab needs."""

    status, reason, title = 413, "too_large", "The body is too large"


class WrongContentType(Problem):
    """A write that is not JSON: a plain HTML form of another site could send it."""

    status, reason, title = 415, "wrong_content_type", "Writes must be application/json"


class ForbiddenOrigin(Problem):
    """The call comes from a page of another site."""

    status, reason, title = 403, "forbidden_origin", "This page may not control the lab"


class WrongHost(Problem):
    """The Host header names a host that is not the lab's (DNS rebinding looks like that)."""

    status, reason, title = 421, "wrong_host", "The lab is not served under this host name"


class TokenNeeded(Problem):
    """LAB_TOKEN is set, and the write came without it."""

    status, reason, title = 401, "token_needed", "A token is needed"


class NotTheControlRoom(Problem):
    """An admin plane was asked to change something without the lab's own secret."""

    status, reason, title = 401, "not_the_control_room", "The control room alone may change this"


class Overtaken(Problem):
    """A reset, or a newer wish, has come since this was asked for: nothing of it is done."""

    status, reason, title = 409, "overtaken", "Something newer came first"


class TooLate(Problem):
    """A control call reached its service after its caller had given up: nothing of it is done."""

    status, reason, title = 408, "too_late", "The caller has given up"


class NotNow(Problem):
    """The presenter asked for something that this moment does not allow."""

    status, reason, title = 409, "not_now", "This cannot be done now"


class BetClosed(Problem):
    """A vote came before its bet was opened, or after it was closed."""

    status, reason, title = 409, "bet_closed", "The bet takes no votes"


class TooManyVotes(Problem):
    """More votes or devices than the control room takes."""

    status, reason, title = 429, "too_many_votes", "Too many votes"
    retry_after_seconds = 1


class TooManyTeams(Problem):
    """As many teams play as may."""

    status, reason, title = 429, "too_many_teams", "Too many teams"


# What goes wrong in the data plane, on purpose or under load.


class Reset(Problem):
    """The request was sent before the last reset."""

    status, reason, title = 503, "reset", "The lab was reset"


class InjectedError(Problem):
    """The failure `error_rate` chose this request."""

    status, reason, title = 500, "error_rate", "An injected error"


class Refused(Problem):
    """The service refuses all work: the failure `outage` is on."""

    status, reason, title = 503, "outage", "The service refuses work"


class Unavailable(Problem):
    """The service refuses work, and does not say why: what `Refused` is in a drill."""

    status, reason, title = 503, "unavailable", "The service refuses work"


class QueueFull(Problem):
    """Every connection is busy and the queue before them is at its limit."""

    status, reason, title = 503, "queue_full", "The queue is full"
    sheds = True
    retry_after_seconds = 1


class PoolTimeout(Problem):
    """No connection of the caller's own pool came free in time."""

    status, reason, title = 503, "pool_timeout", "No connection came free in time"
    retry_after_seconds = 1


class Shed(Problem):
    """Load shedding turned the request away at the door."""

    status, reason, title = 503, "shed", "The service sheds load"
    sheds = True
    retry_after_seconds = 1


class BreakerOpen(Problem):
    """The circuit breaker lets no call through."""

    status, reason, title = 503, "breaker_open", "The circuit breaker is open"
    retry_after_seconds = 1


class BulkheadFull(Problem):
    """As many calls to the peer are under way as the bulkhead allows."""

    status, reason, title = 503, "bulkhead_full", "The bulkhead is full"
    retry_after_seconds = 1


class FlightsFull(Problem):
    """As many shared queries are under way as single-flight allows."""

    status, reason, title = 503, "flights_full", "Too many shared queries are under way"
    retry_after_seconds = 1


class RateLimited(Problem):
    """More requests came than the rate limit serves."""

    status, reason, title = 503, "rate_limit", "Too many requests"
    sheds = True
    retry_after_seconds = 1


class DeadlineExceeded(Problem):
    """The caller has stopped waiting: the work is not begun."""

    status, reason, title = 504, "deadline", "The deadline has passed"
    sheds = True


class PeerTimeout(Problem):
    """The peer did not answer within the caller's timeout."""

    status, reason, title = 504, "peer_timeout", "A service behind this one did not answer in time"


class PeerRefused(Problem):
    """The peer took no work: nothing listens there, or it said 503."""

    status, reason, title = 503, "peer_refused", "A service behind this one refused the work"


class PeerError(Problem):
    """The peer answered with an error, or broke the connection."""

    status, reason, title = 502, "peer_error", "A service behind this one failed"


class Unreachable(Problem):
    """The control room cannot reach the service that the call is about."""

    status, reason, title = 503, "unreachable", "The service cannot be reached"


class TooManyStreams(Problem):
    """Every event stream that the control room affords is taken; poll instead."""

    status, reason, title = 503, "too_many_streams", "All event streams are taken"
    retry_after_seconds = 5


class NoInstance(Problem):
    """The caller's defences leave no instance of the peer that may be asked."""

    status, reason, title = 503, "no_instance", "No instance may be asked"


class Starting(Problem):
    """The instance has been started again, and does not take requests yet."""

    status, reason, title = 503, "starting", "The instance is starting"


SHED_REASONS = tuple(problem.reason for problem in Problem.__subclasses__() if problem.sheds)
