"""The command `predict`, and `scene --predict`: what the simulation says of a scene, without a lab.

The simulation and the lab's own code are imported where they are used: other commands start without them.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .api import Document
from .context import Context
from .defences import Wanted, resolved, services_of
from .errors import LabError, UsageError
from .names import Names
from .switching import typed
from .views import policy_table, prediction_table, trial_table

if TYPE_CHECKING:
    from services.common.scenes.model import Scene
    from simulation.changes import Change

DEFAULT_SEEDS = 5
TRIAL_SEEDS = 3


def change(text: str) -> tuple[str, Any, float | None]:
    """SERVICE.NAME.PARAM=VALUE: the place, the value, and what it is multiplied by if VALUE is xN."""
    place, equals, value = text.partition("=")
    if not (equals and value and place.count(".") in (1, 2)):
        raise argparse.ArgumentTypeError(f"{text!r}: write it as api.client.attempts=2, or api.threads=400")
    factor = typed(value[1:]) if value[0] == "x" else None
    if isinstance(factor, int | float) and not isinstance(factor, bool):
        return place, None, float(factor)
    return place, typed(value), None


def predict(ctx: Context, args: Namespace) -> int:
    """Predict a scene's numbers, or the load below which it recovers."""
    from services.common.http.problems import Problem
    from simulation.prediction import ASSUMPTIONS

    scene = _find(args.name)
    count = args.seeds or (TRIAL_SEEDS if args.recovers_below else DEFAULT_SEEDS)
    seeds = range(1, count + 1)
    try:
        scene, threads = _changed(scene, args)
        run = _threshold if args.recovers_below else _policies if args.compare_policies else _numbers
        run(ctx, scene, seeds, threads)
    except Problem as problem:
        raise UsageError(*problem.lines()) from None
    ctx.console.say()
    ctx.console.say("The model takes for granted (docs/prediction.md says more):")
    for line in ASSUMPTIONS:
        ctx.console.say(f"  - {line}")
    return 0


def _find(name: str) -> Scene:
    """The scene of this folder; the lab need not run.

    Raises:
        LabError: there is none of that name, or a scene's file cannot be read.
    """
    from services.common.http.problems import Problem
    from services.common.scenes.files import all_scenes

    try:
        scenes = all_scenes()
    except Problem as problem:
        raise LabError(*problem.lines()) from None
    if name not in scenes:
        raise LabError(f"there is no scene {name!r}", *Names.of_this_checkout().guesses(name, scenes, "scenes"))
    return scenes[name]


def _changed(scene: Scene, args: Namespace) -> tuple[Scene, dict[str, int]]:
    """The scene as the command line wants it, and the threads that differ."""
    from services.common.scenes.model import Switched
    from simulation.changes import changed_scene, changed_threads

    defences = resolve_locally(args.added, scene.describe())
    changes = [_change(*each) for each in args.changes]
    scene = changed_scene(
        scene.defended([Switched(kind="defence", **defence) for defence in defences]), changes, args.rps
    )
    return scene, changed_threads(changes)


def _change(place: str, value: Any, times: float | None) -> Change:
    from simulation.changes import THREADS, Change

    service, name, *param = place.split(".")
    if (name == THREADS) == bool(param):
        raise UsageError(f"{place}: write it as SERVICE.SWITCH.PARAMETER=VALUE, or SERVICE.threads=N")
    return Change(service, name, param[0] if param else THREADS, value, times)


def resolve_locally(asked: Sequence[Wanted], scene: Document) -> list[Document]:
    """The defences of the command line, by the catalogue of this folder."""
    from services.common.switches.catalogue import CATALOGUE

    catalogue = {service: [switch.describe() for switch in switches] for service, switches in CATALOGUE.items()}
    return [resolved(each, catalogue, services_of(scene)) for each in asked]


def predicted_beside(ctx: Context, name: str, defences: Sequence[Document], count: int) -> list[Document]:
    """The prediction of a scene that is about to be played: an entry for each expectation, in its order."""
    from services.common.scenes.model import Switched
    from simulation.prediction import predict as simulate

    ctx.console.note(f"predicting {name} with {count} seeds ...")
    scene = _find(name).defended([Switched(kind="defence", **defence) for defence in defences])
    return [entry.describe() for entry in simulate(scene, range(1, count + 1), {}, _progress(ctx, name))]


def _progress(ctx: Context, name: str) -> Any:
    """Tells how much of a longer simulation is done."""
    return lambda share: ctx.console.progress(f"{name}: {share * 100:.0f} % simulated")


def _numbers(ctx: Context, scene: Scene, seeds: Sequence[int], threads: dict[str, int]) -> None:
    """Print what each expectation would measure."""
    from simulation.prediction import predict as simulate

    predicted = [entry.describe() for entry in simulate(scene, seeds, threads, _progress(ctx, scene.name))]
    ctx.console.data({"scene": scene.name, "rps": scene.rps, "seeds": len(seeds), "predicted": predicted})
    ctx.console.say(f"{scene.name} at {scene.rps:g} users a second, simulated with {len(seeds)} seeds: the median")
    ctx.console.say()
    for line in prediction_table(predicted, ctx.console.style):
        ctx.console.say(line)


def _policies(ctx: Context, scene: Scene, seeds: Sequence[int], threads: dict[str, int]) -> None:
    """Print what each expectation would measure with each balancing policy, from the scene's start to its end."""
    from services.common.calls.balancing import BALANCERS
    from services.common.switches.settings import UpstreamSetting
    from services.common.topology import FRONTEND
    from simulation.changes import Change, changed_scene
    from simulation.prediction import predict as simulate

    predicted = {}
    for policy in BALANCERS:
        change = Change(FRONTEND.name, UpstreamSetting.name, UpstreamSetting.policy.name, policy, None)
        progress = _progress(ctx, f"{scene.name} with {policy}")
        entries = simulate(changed_scene(scene, [change], None), seeds, threads, progress)
        predicted[policy] = [entry.describe() for entry in entries]
    ctx.console.data({"scene": scene.name, "rps": scene.rps, "seeds": len(seeds), "policies": predicted})
    ctx.console.say(f"{scene.name} with each policy from its start to its end, {len(seeds)} seeds: the median")
    ctx.console.say()
    for line in policy_table(predicted, ctx.console.style):
        ctx.console.say(line)


def _threshold(ctx: Context, scene: Scene, seeds: Sequence[int], threads: dict[str, int]) -> None:
    """Print the load below which the lab recovers once the trigger is gone."""
    from simulation.threshold import SETTLE_SECONDS, WELL, recovers_below

    highest = scene.rps
    below, trials = recovers_below(scene, highest, seeds, threads, _progress(ctx, scene.name))
    ctx.console.data(
        {"scene": scene.name, "highest_rps": highest, "recovers_below_rps": below, "trials": [vars(t) for t in trials]}
    )
    if below == highest:
        words = f"recovers at {highest:g} users a second, the highest load that was asked about"
    elif below:
        words = f"recovers below {below:.3g} users a second"
    else:
        words = f"does not recover at any load down to {trials[0].rps:.3g} users a second"
    ctx.console.say(f"{scene.name} {words}")
    ctx.console.say(f"(success of {WELL:.0%} within {SETTLE_SECONDS:.0f} s of the trigger's end, with no cure)")
    ctx.console.say()
    for line in trial_table([vars(trial) for trial in trials], ctx.console.style):
        ctx.console.say(line)
