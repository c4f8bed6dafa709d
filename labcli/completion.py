"""Completion for bash, zsh and fish: the shell asks the hidden command `complete`, which knows every word."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from .bets import ACTIONS
from .context import Context

if TYPE_CHECKING:
    from services.common.scenes.model import Scene

SHELLS = {
    "bash": """\
# In ~/.bashrc: eval "$({lab} completion bash)"
_lab() {{ mapfile -t COMPREPLY < <("${{COMP_WORDS[0]}}" complete -- "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null); }}
complete -o default -F _lab lab {lab}
""",
    "zsh": """\
# In ~/.zshrc: eval "$({lab} completion zsh)"
_lab() {{ compadd -- ${{(f)"$("${{words[1]}}" complete -- "${{(@)words[2,CURRENT]}}" 2>/dev/null)"}} }}
compdef _lab lab {lab}
""",
    "fish": """\
# In ~/.config/fish/config.fish: {lab} completion fish | source
complete -c lab -c {lab} -f -a '({lab} complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
""",
}
KINDS = {"fail": "failure", "heal": "failure", "defend": "defence", "undefend": "defence", "set": "setting"}


def completion(ctx: Context, args: Namespace) -> int:
    """Print what the shell reads at its start."""
    lab = Path(__file__).resolve().parents[1] / "scripts" / "lab"
    ctx.console.answer({"shell": args.shell}, SHELLS[args.shell].format(lab=lab).rstrip("\n"))
    return 0


def complete(ctx: Context, args: Namespace) -> int:
    """Print the words that may stand where the last one of these stands, a line each."""
    from .arguments import parser

    words = args.words or [""]
    found = [word for word in candidates(parser(), words[:-1]) if word.startswith(words[-1])]
    ctx.console.answer({"words": found}, "\n".join(found))
    return 0


def candidates(parser: argparse.ArgumentParser, before: list[str]) -> list[str]:
    """What may come after these words."""
    from services.common.scenes.files import all_scenes
    from services.common.switches.catalogue import CATALOGUE
    from services.common.topology import SWITCHED_NAMES, instances

    commands = subcommands(parser)
    if not before:
        return [*commands, *options(parser)]
    command, *words = before
    if command not in commands:
        return []
    if command in KINDS and not words:
        return list(SWITCHED_NAMES)
    if command in KINDS and words[0] in SWITCHED_NAMES:
        switches = [one for one in CATALOGUE[SWITCHED_NAMES[words[0]][0].spec.name] if one.kind == KINDS[command]]
        if len(words) == 1:
            return [one.name for one in switches]
        return [f"{param.name}=" for one in switches if one.name == words[1] for param in one.all_params()]
    if command == "bet":
        return _bet_words(all_scenes(), words)
    if command in ("scene", "predict") and not words:
        return [*all_scenes(), *options(commands[command])]
    actions = subcommands(commands[command])
    if actions and not words:
        return list(actions)
    if command == "workshop":
        return _workshop_words(actions, words)
    if command == "class":
        found = options(actions[words[0]]) if words[0] in actions else []
        return [*all_scenes(), *found] if words == ["scene"] else found
    if actions:
        return [*SWITCHED_NAMES, *(each.name for each in instances() if each.name not in SWITCHED_NAMES)]
    return options(commands[command])


def _bet_words(scenes: dict[str, Scene], words: list[str]) -> list[str]:
    """An action, a scene that has a bet, and which of its bets."""
    if not words:
        return [*ACTIONS]
    if len(words) == 1:
        return [scene.name for scene in scenes.values() if scene.bet]
    return [bet.key for bet in scenes[words[1]].bet] if len(words) == 2 and words[1] in scenes else []


def _workshop_words(actions: dict[str, argparse.ArgumentParser], words: list[str]) -> list[str]:
    """A plan where one is run, and the options of the action."""
    from services.control_room.workshop.files import all_plans

    plans = list(all_plans()) if words == ["run"] else []
    return [*plans, *options(actions[words[0]])] if words[0] in actions else []


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser, by their names; those without help are hidden."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            shown = {choice.dest for choice in action._choices_actions}
            return {name: found for name, found in action.choices.items() if name in shown}
    return {}


def options(parser: argparse.ArgumentParser) -> list[str]:
    """The long options of a parser."""
    return [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
