"""`scene NAME --with DEFENCE --compare`: the same users without and with a defence, one run after the other.

The control room plays both, so that its page lays them over each other meanwhile; here they end in one table.
"""

from __future__ import annotations

from .actions import POLL_SECONDS
from .api import Document
from .context import Context
from .errors import LabError
from .playing import GRACE_SECONDS, cut_short, patient_get, progress_of
from .table import table

GOOD_RATIO = 0.9


def compare(ctx: Context, about: Document, added: list[Document], seed: int) -> int:
    """Play a scene without and then with the defences, and print both outcomes in one table.

    0 if the scene was as expected without the defences, and more users were served with them.
    """
    words = " and ".join(f"{each['service']}.{each['name']}" for each in added)
    started = ctx.room.post(f"/api/scenes/{about['name']}", {"then_with": added, "seed": seed})
    seed = started["seed"]
    ctx.console.note(f"{about['name']} without and then with {words}, arrivals of seed {seed} ...")
    without, defended = (run | _outcome(ctx, run) for run in _stay(ctx, about, started))
    better = defended["served_ratio"] > without["served_ratio"]
    as_expected = all(check["outcome"] == "pass" for check in without["checks"])
    grafana = _grafana(ctx, without, defended)
    ctx.console.data(
        {
            "scene": about["name"],
            "seed": seed,
            "defences": added,
            "without": without,
            "with": defended,
            "better": better,
            "grafana": grafana,
        }
    )
    for line in (*_table(ctx, words, without, defended), "", f"both in Grafana: {grafana}"):
        ctx.console.say(line)
    if not (as_expected and better):
        ctx.console.say("Without the defences the scene was not as expected." if better else "They did not help.")
    return 0 if as_expected and better else 1


def _stay(ctx: Context, about: Document, started: Document) -> list[Document]:
    """Watch until both runs have measured everything; both.

    Raises:
        LabError: another scene, or none, is on; or they take too long.
    """
    deadline = ctx.clock() + 2 * (about["duration_seconds"] + GRACE_SECONDS)
    while ctx.clock() < deadline:
        now = patient_get(ctx, "/api/state")["scene"]
        runs: list[Document] = (patient_get(ctx, "/api/outcomes")["comparison"] or {"runs": []})["runs"]
        is_ours = bool(runs) and runs[0]["started_at"] == started["started_at"]
        decided = [run for run in runs if is_ours and run["checks"]]
        if len(decided) == 2:  # without, with
            return decided
        if not is_ours or now is None or (now["name"], now["seed"]) != (started["name"], started["seed"]):
            raise cut_short(about["name"], now)
        ctx.console.progress(f"{len(decided) + 1} of 2  {progress_of(about, now)}")
        ctx.sleep(POLL_SECONDS)
    raise LabError(f"scene {about['name']} has not measured everything {GRACE_SECONDS:.0f} s after its time")


def _outcome(ctx: Context, run: Document) -> Document:
    """What the users had of a run: the share that was not lost, and for how many seconds fewer than 90 % succeeded."""
    history = ctx.room.get(f"/api/history?after={run['started_at']}")
    ended = run["started_at"] + run["decided_seconds"]
    points = [dict(zip(history["columns"], point, strict=True)) for point in history["points"]]
    points = [point for point in points if point["time"] <= ended]
    offered = sum(point["offered_rps"] or 0.0 for point in points)
    bad = sum(point["success_ratio"] is not None and point["success_ratio"] < GOOD_RATIO for point in points)
    return {"served_ratio": max(0.0, 1 - run["total"] / offered) if offered else 0.0, "bad_seconds": bad}


def _table(ctx: Context, words: str, *runs: Document) -> list[str]:
    rows = [["", "without", f"with {words}"]]
    rows.append(["users served, of those who came", *(f"{run['served_ratio'] * 100:.0f} %" for run in runs)])
    rows.append(["users lost", *(f"{run['total']}" for run in runs)])
    rows.append(["seconds in which fewer than 90 % succeed", *(f"{run['bad_seconds']}" for run in runs)])
    for checks in zip(*(run["checks"] for run in runs), strict=True):
        rows.append([checks[0]["text"], *(str(check["measured"] or "-") for check in checks)])
    return ["", *table(rows, ctx.console.style.paint)]


def _grafana(ctx: Context, without: Document, defended: Document) -> str:
    """The dashboard with the second run in view, and the first one laid over it."""
    first, second = without["started_at"] * 1000, defended["started_at"] * 1000
    ended = second + defended["decided_seconds"] * 1000
    shown = f"from={second:.0f}&to={ended:.0f}&var-ago={second - first:.0f}ms"
    return f"{ctx.config.address('GRAFANA_PORT')}/d/lab-cascade?{shown}"
