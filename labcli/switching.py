"""The commands that switch failures, defences and settings: fail, heal, defend, undefend, set."""

from __future__ import annotations

import http
import math
import re
from argparse import ArgumentTypeError, Namespace
from typing import Any
from urllib.parse import quote

from services.common.topology import SWITCHED_NAMES

from .api import Document
from .context import Context
from .errors import LabError, Refused, UsageError
from .names import COMMANDS, Names, Switches, Wish, near_names, owner
from .views import instances_of, switch_lines, switch_words

Value = bool | int | float | str
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
_WORDS = {"true": True, "false": False}


def key_value(text: str) -> tuple[str, Value]:
    """A parameter of the command line, in its JSON type; argparse calls this."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ArgumentTypeError(f"{text!r}: write it as key=value, such as rate=0.5")
    return name, typed(value)


def typed(text: str) -> Value:
    """A number, true or false where the text is one, else the text: the server knows what it takes."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def fail(ctx: Context, args: Namespace) -> int:
    """Switch a failure on."""
    return _switch_on(ctx, args, "failure")


def defend(ctx: Context, args: Namespace) -> int:
    """Switch a defence on."""
    return _switch_on(ctx, args, "defence")


def set_setting(ctx: Context, args: Namespace) -> int:
    """Change a setting, or put its default back."""
    _want_names(ctx, args, "setting")
    if bool(args.params) == args.default:
        lines = switch_lines(_catalogue(ctx), "setting", _owner(args.service), args.name)
        raise UsageError(
            "set needs key=value, or --default to put the default back",
            *(lines or Names.of_lab(ctx).switch_guesses(args.service, "setting", args.name, Wish(args.service))),
        )
    answer = _change(ctx, args.service, "setting", args.name, not args.default, dict(args.params))
    ctx.console.answer(answer, _told(answer))
    return 0


def heal(ctx: Context, args: Namespace) -> int:
    """Switch failures off: one, a service's, or all."""
    return _switch_off(ctx, args, "failure")


def undefend(ctx: Context, args: Namespace) -> int:
    """Switch defences off: one, a service's, or all."""
    return _switch_off(ctx, args, "defence")


def _switch_on(ctx: Context, args: Namespace, kind: str) -> int:
    """Switch something on with the parameters of the command line."""
    _want_names(ctx, args, kind)
    answer = _change(ctx, args.service, kind, args.name, True, dict(args.params))
    ctx.console.answer(answer, _told(answer))
    return 0


def _want_names(ctx: Context, args: Namespace, kind: str) -> None:
    """List what there is, for somebody who left out the names, or one of them."""
    if args.name is not None and "=" not in args.name:
        return
    lines = switch_lines(_catalogue(ctx), kind, _owner(args.service))
    colon = ": one of these" if lines else ""
    if not lines and args.service is not None:
        lines = Names.of_lab(ctx).switch_guesses(args.service, kind, "", Wish())
    raise UsageError(f"{COMMANDS[kind]} needs SERVICE and NAME{colon}", *lines)


def _owner(service: str | None) -> str | None:
    """The service whose switches are meant: that of an instance; what is unknown stays as it is."""
    return owner(service) if service in SWITCHED_NAMES else service


def _catalogue(ctx: Context) -> Switches:
    """Every service's switches."""
    catalogue: Switches = ctx.room.get("/api/catalogue")["services"]
    return catalogue


def _switch_off(ctx: Context, args: Namespace, kind: str) -> int:
    """Switch off what the command line names, or whatever is on."""
    if args.name:
        found, silent = [(args.service, args.name)], list[str]()
    else:
        found, silent = _switched_on(ctx, args.service, kind)
    answers = []
    for service, name in found:
        answers.append(_change(ctx, service, kind, name, False, {}))
        ctx.console.say(_told(answers[-1]))
    if not found:
        ctx.console.say(f"nothing to do: no {kind} is on{f' in {args.service}' if args.service else ''}")
    ctx.console.data({"switched_off": answers, "silent": silent})
    if silent:
        hints = [f"if it was stopped from outside: {ctx.config.hint(f'infra heal {name}')}" for name in silent]
        raise LabError(f"{' and '.join(silent)} does not answer: what is on there stays on", *hints)
    return 0


def _switched_on(ctx: Context, only: str | None, kind: str) -> tuple[list[tuple[str, str]], list[str]]:
    """What is on of this kind, as service and name, and the services that do not answer."""
    services = ctx.room.get("/api/state")["services"]
    if only is not None:
        known = services | {name: one for state in services.values() for name, one in instances_of(state).items()}
        if only not in known:
            guesses = Names.of_lab(ctx).guesses(only, known, "services", Wish(active=False))
            raise LabError(f"there is no service {only!r}", *guesses)
        services = {only: known[only]}
    silent = [service for service, state in services.items() if not state["up"]]
    found = [(where, name) for service, state in services.items() for where, name in _on_in(service, state, kind)]
    return found, silent


def _on_in(service: str, state: Document, kind: str) -> list[tuple[str, str]]:
    """What is on in a service: under its own name where all of its instances have it, else under theirs."""
    instances = instances_of(state) or {service: state}
    names = {name: None for one in instances.values() for name in one["active"].get(kind, {})}
    having = {name: [where for where, one in instances.items() if name in one["active"][kind]] for name in names}
    return [
        (where, name)
        for name, found in having.items()
        for where in ([service] if len(found) == len(instances) else found)
    ]


def _change(ctx: Context, service: str, kind: str, name: str, active: bool, params: dict[str, Any]) -> Document:
    """Ask the control room to switch; its refusals get the names that may have been meant."""
    path = f"/api/services/{quote(service, safe='')}/{kind}s/{quote(name, safe='')}"
    try:
        return ctx.room.post(path, {"active": active, "params": params})
    except Refused as refused:
        if refused.status == http.HTTPStatus.NOT_FOUND:
            wish = Wish(service, active, params)
            raise refused.with_advice(*Names.of_lab(ctx).switch_guesses(service, kind, name, wish)) from None
        raise refused.with_advice(*_parameter_advice(refused, params)) from None


def _parameter_advice(refused: Refused, params: dict[str, Any]) -> list[str]:
    """What may have been meant with a parameter, or with its value, that is none of those allowed."""
    field, allowed = refused.problem.get("field"), refused.problem.get("allowed")
    if field not in params or not isinstance(allowed, list):
        return []
    names = [str(entry) for entry in allowed]
    near = near_names(field, names) or near_names(str(params[field]), names)
    return [f"did you mean {' or '.join(near)}?"] if near else []


def _told(answer: Document) -> str:
    """What a switch is now, in a sentence."""
    kind, on = answer["kind"], answer["active"]
    if kind == "setting" and not on:
        return f"{answer['service']}: setting {answer['name']} is back at its default"
    words = switch_words(kind, answer["name"], answer["params"] if on else {})
    return f"{answer['service']}: {words} is {'on' if on else 'off'}"
