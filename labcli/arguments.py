"""The command line: every command with its options."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from . import actions, defences, doctor, infra, lifecycle, values, watch
from . import completion as completions
from . import predict as prediction
from . import scene as scenes
from . import switching as switches
from .arguments_room import add_drill, add_room, add_workshop
from .classroom.arguments import add_class
from .context import Context
from .errors import UsageError
from .examples import ABOUT, TOUR
from .names import Names
from .parsers import Commands, Help, Parser

REPO = Path(__file__).resolve().parents[1]


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line as a namespace, with the command's function as `run`; exits with 2 on nonsense."""
    whole, words = parser(), sys.argv[1:] if argv is None else argv
    _check_text(whole, words)
    # Not as argparse's defaults: it would give them to each command's options too, which then undo those before it.
    found = whole.parse_args(words, argparse.Namespace(json=False, port_offset=None, project=None, kubernetes=None))
    if "run" not in found:
        whole.print_help()
        sys.exit(0)
    return found


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    common = _common_options()
    whole = Parser(
        prog="lab", description=ABOUT, epilog=TOUR, formatter_class=Help, parents=[common], allow_abbrev=False
    )
    whole.add_argument("--version", action="version", version=f"sre-failure-lab {_version()}")
    commands = Commands(whole, common)
    _add_lifecycle(commands)
    _add_looking(commands)
    _add_switching(commands)
    _add_acting(commands)
    add_room(commands)
    add_drill(commands, common)
    add_workshop(commands, common)
    _add_predicting(commands)
    _add_infra(commands, common)
    _add_class(commands)
    _add_helping(commands, whole)
    return whole


def _version() -> str:
    """The version of this checkout."""
    found: str = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"]
    return found


def _check_text(parser: argparse.ArgumentParser, words: list[str]) -> None:
    """Refuse what the system's encoding could not read: it can stand in no address and no document."""
    for word in words:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            parser.error(f"{word!r} is no text")


def _which_options(offset_help: str, project_help: str) -> argparse.ArgumentParser:
    """Which lab or labs are meant, and --json."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--json", action="store_true", help="print JSON, one document a line")
    options.add_argument("--port-offset", type=values.offset, metavar="N", help=offset_help)
    options.add_argument("-p", "--project", type=values.project, metavar="NAME", help=project_help)
    return options


def _common_options() -> argparse.ArgumentParser:
    """What may stand before and after the command."""
    common = _which_options(
        "the lab whose ports are all N higher (default 0)",
        "the lab whose containers have this project's name (default sre-failure-lab, and -N with an offset)",
    )
    kubernetes_help = "the lab in this namespace of the cluster that kubectl talks to (docs/kubernetes.md)"
    common.add_argument("--kubernetes", type=values.namespace, metavar="NAMESPACE", help=kubernetes_help)
    return common


def _add_lifecycle(commands: Commands) -> None:
    """up, down, doctor, open."""
    up = commands.add("up", lifecycle.up, "start the lab, and wait until all of it is ready")
    down = commands.add("down", lifecycle.down, "stop the lab, and nothing else")
    for parser in (up, down):
        parser.add_argument("--local", action="store_true", help="as processes of this machine, without Docker")
    up.add_argument("--no-build", action="store_true", help="with published images: LAB_IMAGES and LAB_TAG say which")
    commands.add("doctor", doctor.doctor, "say whether this machine can run the lab, and what is missing")
    pages = commands.add("open", actions.open_pages, "open the control room and Grafana in the browser")
    pages.add_argument("--view", action="store_true", help="the link for the room: it shows all and changes nothing")


def _add_helping(commands: Commands, whole: argparse.ArgumentParser) -> None:
    """help, completion, and the command that completion asks."""

    def show_help(ctx: Context, args: argparse.Namespace) -> int:
        found = completions.subcommands(whole)
        if args.command and args.command not in found:
            guesses = Names.of_this_checkout(ctx.config.hint).guesses(args.command, found, "commands")
            raise UsageError(f"there is no command {args.command!r}", *guesses)
        ctx.console.answer({}, (found[args.command] if args.command else whole).format_help().rstrip("\n"))
        return 0

    shown = commands.add("help", show_help, "show the tour, or a command's own help")
    shown.add_argument("command", metavar="COMMAND", nargs="?")
    completion = commands.add("completion", completions.completion, "print completion for a shell")
    completion.add_argument("shell", choices=sorted(completions.SHELLS))
    complete = commands.add("complete", completions.complete, "")
    complete.add_argument("words", nargs="*")


def _add_looking(commands: Commands) -> None:
    """status, events."""
    status = commands.add("status", watch.status, "show how the lab is")
    status.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")
    events = commands.add("events", actions.events, "print the activity log")
    events.add_argument("--follow", action="store_true", help="go on with what comes, until Ctrl-C")


def _add_switching(commands: Commands) -> None:
    """fail, heal, defend, undefend, set."""
    fail = commands.add("fail", switches.fail, "switch a failure on")
    heal = commands.add("heal", switches.heal, "switch failures off")
    defend = commands.add("defend", switches.defend, "switch a defence on")
    undefend = commands.add("undefend", switches.undefend, "switch defences off")
    setting = commands.add("set", switches.set_setting, "change a setting, or put its default back")
    for parser in (fail, defend, setting):
        # Optional to argparse alone: who leaves them out is told what there is.
        parser.add_argument("service", metavar="SERVICE", nargs="?")
        parser.add_argument("name", metavar="NAME", nargs="?")
        parser.add_argument("params", metavar="key=value", nargs="*", type=switches.key_value)
    for parser in (heal, undefend):
        parser.add_argument("service", metavar="SERVICE", nargs="?")
        parser.add_argument("name", metavar="NAME", nargs="?")
    setting.add_argument("--default", action="store_true", help="put the default back")


def _add_acting(commands: Commands) -> None:
    """traffic, request, scene, reset."""
    traffic = commands.add("traffic", actions.traffic, "set how many users come each second")
    traffic.add_argument("rps", metavar="RPS", type=values.rps, help="users a second, on average; 0 is nobody")
    request = commands.add("request", actions.request, "send test requests, and show the way each took")
    request.add_argument("-n", dest="count", metavar="N", type=int, default=1, help="how many, at most 20 (default 1)")
    scene = commands.add("scene", scenes.scene, "list the scenes, or start one")
    scene.add_argument("name", metavar="NAME", nargs="?")
    scene.add_argument("--narrate", action="store_true", help="print the story and what happens")
    scene.add_argument("--verify", action="store_true", help="wait for its numbers, and judge them")
    scene.add_argument("--predict", action="store_true", help="as --verify, beside what a simulation predicts")
    _add_with(scene)
    scene.add_argument("--compare", action="store_true", help="without the defence, then with it, the same users")
    seed_help = "the same seed lets the same users come again (default 0: others each time)"
    scene.add_argument("--seed", type=values.count, default=0, metavar="N", help=seed_help)
    reset = commands.add("reset", actions.reset, "everything off and healthy, in three seconds")
    reset.add_argument("words", nargs="*", help=argparse.SUPPRESS)  # it takes none, and says what does


def _add_predicting(commands: Commands) -> None:
    """predict."""
    predict = commands.add("predict", prediction.predict, "simulate a scene, and predict its numbers; needs no lab")
    predict.add_argument("name", metavar="NAME", help="the scene")
    predict.add_argument(
        "--set",
        dest="changes",
        metavar="CHANGE",
        nargs="+",
        action="extend",
        default=[],
        type=prediction.change,
        help="SERVICE.SWITCH.PARAMETER=VALUE or SERVICE.threads=N; VALUE xN multiplies what the scene has",
    )
    predict.add_argument("--rps", type=values.some_rps, metavar="N", help="users a second, any number of them")
    _add_with(predict)
    predict.add_argument("--seeds", type=values.count, metavar="N", help="how often, with other dice (default 5, or 3)")
    instead = predict.add_mutually_exclusive_group()
    instead.add_argument(
        "--recovers-below", action="store_true", help="the load below which it recovers by itself after the trigger"
    )
    instead.add_argument(
        "--compare-policies", action="store_true", help="each number with every balancing policy of the frontend"
    )


def _add_with(parser: argparse.ArgumentParser) -> None:
    """--with."""
    parser.add_argument(
        "--with",
        dest="added",
        metavar="[SERVICE.]DEFENCE[:key=value,...]",
        type=defences.wanted,
        action="append",
        default=[],
        help="add a defence from the start; may be given again",
    )


def _add_infra(commands: Commands, common: argparse.ArgumentParser) -> None:
    """infra, with a command of its own for each action."""
    parser = commands.add("infra", None, "do something to a whole service, from outside")
    inner = Commands(parser, common, prefix="infra ")
    abouts = {
        "kill": "kill a service; it stays down until heal or reset",
        "pause": "freeze a service: its connections stay open, and nobody answers",
        "disconnect": "cut a service off from the network (not with --local)",
        "limit-cpu": "leave a service little CPU (not with --local)",
        "heal": "undo all of it, and wait until the service is well",
    }
    actions_ = {action: inner.add(action, infra.infra, about) for action, about in abouts.items()}
    for action, added in actions_.items():
        added.set_defaults(action=action)
        added.add_argument("service", metavar="SERVICE", nargs="?" if action == "heal" else None)
    actions_["limit-cpu"].add_argument(
        "--cpus", type=values.cpus, default=0.1, metavar="X", help="how many CPUs (default 0.1)"
    )


def _add_class(commands: Commands) -> None:
    """class, with its own commands and its own --kubernetes, which names no namespace: each team has one."""
    common = _which_options(
        "the first team's ports are 100 and N higher (default 0)",
        "the teams are NAME-1, NAME-2 and so on (default team)",
    )
    parser = commands.add("class", None, "a lab for each team of a class, and a board for the trainer")
    add_class(Commands(parser, common, prefix="class "))
