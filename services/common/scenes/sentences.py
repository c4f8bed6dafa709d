"""Sentences for the stage: the arithmetic of this moment, in a scene file's words and with the lab's numbers.

A sentence holds facts in braces: "{users} users a second. The database can do {database_capacity}."
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

from services.common.http import problems

UNKNOWN = "…"
FACTS = {
    "users": "users who come, a second",
    "served": "users who are served, a second",
    "success": "users who are served, of all who came",
    "wait": "how long half of those who are served wait at most",
    "tail": "how long 95 in 100 of those who are served wait at most",
    "attempts": "what one user's request becomes",
    "since": "how long this sentence has been true: the seconds since its step",
    "memory": "the api's resident memory",
    "memory_limit": "and its limit",
    "api_calls": "requests a second that the api gets",
    "api_capacity": "requests a second that the api's instances in use can do, where that is limited",
    "database_calls": "queries a second that the database gets",
    "database_capacity": "queries a second that the database can do",
    "database_queue": "queries that wait in the database",
    "database_wait": "how long half of the queries wait in the database, at least",
    "wasted": "work of the database for callers who have gone",
    "frontend_threads": "threads of the frontend that are busy, of all",
    "api_threads": "threads of the api that are busy, of all",
    "api_pool": "connections to the database that the api has in use, of all",
}


def check_sentence(text: str) -> None:
    """Refuse what could not be said.

    Raises:
        InvalidParameter: it names a fact that there is not, or its braces do not match.
    """
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise problems.InvalidParameter(f"{text!r:.60} is no sentence: {error}", field="sentence") from error
    for name in names:
        if name not in FACTS:
            detail = f"there is no fact {name!r:.60} for a sentence"
            raise problems.InvalidParameter(detail, field="sentence", allowed=list(FACTS))


def say(sentence: str, facts: Mapping[str, str | None]) -> str:
    """The sentence with its facts; what is not known is "…"."""
    return sentence.format_map({name: facts.get(name) or UNKNOWN for name in FACTS})
