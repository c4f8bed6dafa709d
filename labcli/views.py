"""What the lab's documents look like in a terminal: pure functions from JSON to lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from services.common.topology import MB, TRAFFIC
from services.common.words import duration_words, minutes_words, params_words, percent

from .api import Document
from .console import Style
from .table import GAP, WIDTH, column_widths, row_lines, table

STATUS_ROLES = {"GREEN": "good", "YELLOW": "warning", "RED": "error"}
HEALTH_ROLES = ("good", "warning", "error", "error")  # ok, strained, failing, down
LEVEL_ROLES = {"good": "good", "warning": "warning", "error": "error"}
OUTCOMES = {"pass": ("PASS", "good"), "fail": ("MISS", "error"), "pending": ("open", "dim")}
ADVICE_INDENT = 2  # as Console.error has it
HOP_WIDTH = 29  # of a hop without its attempts
WRAPPERS = ("probability", "duration_seconds")  # parameters that every switch may have


def rate_words(rps: float) -> str:
    """A rate of users: "4 users a second"."""
    return f"{rps:g} user{'' if rps == 1 else 's'} a second" if rps else "nobody"


def switch_words(kind: str, name: str, params: Mapping[str, Any]) -> str:
    """A switch with the parameters that say something: "failure slow_query (min_seconds 2, max_seconds 5)"."""
    return f"{kind} {name}{params_words(params)}"


def switch_lines(
    catalogue: Mapping[str, Sequence[Document]], kind: str, service: str | None, name: str | None = None
) -> list[str]:
    """The switches of one kind, of one service or of all, with their parameters and defaults, as advice."""
    rows = []
    for owner, switches in catalogue.items():
        for switch in switches:
            if switch["kind"] == kind and service in (None, owner) and name in (None, switch["name"]):
                params = [param for param in switch["params"] if param["name"] not in WRAPPERS]
                shown = " ".join(f"{param['name']}={param['default']}" for param in params)
                rows.append([owner, switch["name"], shown, switch["story"]])
    return table(rows, width=WIDTH - ADVICE_INDENT)


def status_lines(state: Document, style: Style) -> list[str]:
    """Everything that `status` shows."""
    return [
        *_headline(state, style),
        state.get("sentence", ""),
        "",
        *table(_facts(state, style)),
        "",
        *table(_service_rows(state["services"], style), style.paint),
    ]


def _headline(state: Document, style: Style) -> list[str]:
    """The status word and its reasons, one a line."""
    word = state["status"]
    reasons = state.get("reasons") or [""]
    indent = " " * (len(word) + 2)
    first = f"{style.paint(word, STATUS_ROLES.get(word, 'bold'))}  {reasons[0]}".rstrip()
    return [first, *(indent + reason for reason in reasons[1:])]


def _facts(state: Document, style: Style) -> list[list[str]]:
    """Scene, traffic and KPIs as rows of a name and words."""
    traffic = state.get("traffic")
    users = f"{rate_words(traffic['rps'])}, {traffic['in_flight']} in flight" if traffic else "unknown"
    rows = [
        ["scene", scene_words(state.get("scene"), style)],
        [TRAFFIC.name, users],
        ["users", "   ".join(_kpi_words(state))],
    ]
    if state.get("scene") and state["scene"].get("step"):
        rows.insert(1, ["", state["scene"]["step"]])
    drill = state.get("drill")
    if drill and drill["phase"] == "running":
        rows.insert(1, ["drill", f"on for {minutes_words(drill['seconds'])}: what is wrong is hidden"])
    return rows


def _kpi_words(state: Document) -> list[str]:
    """The six KPIs; a dash is nothing measured."""
    kpis = state["kpis"]
    ratio = kpis.get("success_ratio")
    rates = [kpis.get("served_rps"), kpis.get("offered_rps")]
    served, offered = ("-" if rate is None else f"{rate:.1f}" for rate in rates)
    attempts = kpis.get("attempts_per_request")
    return [
        f"success {'-' if ratio is None else f'{percent(ratio)} %'}",
        f"p50 {duration_words(kpis.get('p50_seconds'))}",
        f"p95 {duration_words(kpis.get('p95_seconds'))}",
        f"served {served} of {offered} a second",
        "no retries" if state["cascade"]["attempts_allowed"] == 1 else f"attempts {_number(attempts)}",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def scene_words(scene: Document | None, style: Style) -> str:
    """The scene that is on, how long, and how its expectations stand."""
    if scene is None:
        return "none"
    outcomes = [check["outcome"] for check in scene["checks"]]
    counts = ", ".join(
        f"{outcomes.count(outcome)} {style.paint(*OUTCOMES[outcome])}" for outcome in OUTCOMES if outcome in outcomes
    )
    return f"{scene['name']} ({scene['title']}), {clock_words(scene)}: {counts or 'nothing to check'}"


def clock_words(scene: Document) -> str:
    """How long a scene has been on: "38 of 60 s"."""
    elapsed = f"{scene['elapsed_seconds']:.0f}"
    duration = scene.get("duration_seconds")
    if duration and not scene.get("finished"):
        return f"{elapsed} of {duration:g} s"
    return f"{elapsed} s"


def _service_rows(services: Mapping[str, Document], style: Style) -> list[list[str]]:
    """A row for each service, under a header."""
    rows = [["service", "health", "threads", "memory", "switched on"]]
    for name, state in services.items():
        instances = _instance_rows(state, style)
        rows += [_row(name, state | {"active": {}} if instances else state, style), *instances]
    return rows


def _row(name: str, state: Document, style: Style) -> list[str]:
    """A service or an instance: health, threads, memory, and what is on."""
    health = state["health"]
    switches = [
        style.paint(switch_words(kind, switch, params), "warning" if kind == "failure" else "bold")
        for kind, active in (state.get("active") or {}).items()
        for switch, params in active.items()
    ]
    if "role" in state:
        switches = [word for word in (_share_words(state), *switches) if word]
    word = style.paint(health["word"], HEALTH_ROLES[health["level"]])
    return [name, word, _threads(state, style), _memory(state, style), ", ".join(switches)]


def instances_of(service: Document) -> Mapping[str, Document]:
    """The instances of a service that has several; none of one that is alone."""
    found: Mapping[str, Document] = service.get("instances", {})
    return found


def _instance_rows(service: Document, style: Style) -> list[list[str]]:
    """A row for each instance, where more than the first one is in use or has something on."""
    instances = instances_of(service)
    differs = [one for one in list(instances.values())[1:] if one["role"] != "standby" or any(one["active"].values())]
    return [row for name, one in instances.items() for row in [_row(f"  {name}", one, style)]] if differs else []


def _share_words(instance: Document) -> str:
    """What an instance gets: "33 % of the calls", or why it gets none."""
    if instance["role"] != "in_use":
        return str(instance["role"])
    return "" if instance["share"] is None else f"{percent(instance['share'])} % of the calls"


def cure_lines(state: Document, touched: Collection[str], hint: Callable[[str], str]) -> list[str]:
    """How each service that the lab has given up on comes back; `touched` are those to which `infra` did something."""
    silent = [
        name
        for service, found in state["services"].items()
        for name, one in (instances_of(found) or {service: found}).items()
        if "down" in one["health"]["problems"] and one.get("role") != "standby"
    ]
    return [
        f"{name} waits for you, `infra` did this: {hint(f'infra heal {name}')}"
        if name in touched
        else f"{name}: what crashes is back in seconds; what was stopped by hand is not: {hint(f'infra heal {name}')}"
        for name in silent
    ]


def _threads(state: Document, style: Style) -> str:
    """Busy threads of all, with a bar; traffic has none."""
    busy, total = state.get("threads_busy"), state.get("threads_total")
    if busy is None or not total:
        return ""
    return f"{style.bar(busy / total)} {busy:>3}/{total}"


def _memory(state: Document, style: Style) -> str:
    """Memory of its limit, with a bar where there is one, and how much of it is leaked."""
    used, limit, leaked = (state.get(key) for key in ("rss_bytes", "memory_limit_bytes", "leaked_bytes"))
    if used is None:
        return ""
    tail = f", {leaked / MB:.0f} leaked" if leaked else ""
    if not limit:
        return f"{used / MB:.0f} MB{tail}"
    words = f"{style.bar(used / limit)} {used / MB:>4.0f}/{limit / MB:.0f} MB{tail}"
    level = state["health"]["problems"].get("memory", 0)
    return style.paint(words, HEALTH_ROLES[level]) if level else words


def event_line(event: Document, style: Style) -> str:
    """One event in one line: when, how bad, what."""
    moment = time.strftime("%H:%M:%S", time.localtime(event["time"]))
    level = style.paint(f"{event['level']:<7}", LEVEL_ROLES.get(event["level"], "dim"))
    return f"{style.paint(moment, 'dim')}  {level}  {' '.join(event['text'].split())}"


def request_lines(result: Document, style: Style) -> list[str]:
    """A test request and the hops it took."""
    word = style.paint("ok", "good") if result["ok"] else style.paint("FAILED", "error")
    reason = f"  {result['reason']}" if result.get("reason") else ""
    first = f"{result['n']:>3}  {word}  {result['status']}  {duration_words(result['seconds'])}{reason}"
    return [first, *(line for hop in result.get("hops") or [] for line in _hop_lines(hop))]


def _hop_lines(hop: Document) -> list[str]:
    """One service that a test request came through, with the attempts that it made at the next one."""
    attempts = [
        f"{attempt['peer']} {attempt['outcome']} {duration_words(attempt['seconds'])}"
        for attempt in hop.get("attempts") or []
    ]
    head = f"       {hop['service']:<9} {hop['status']}  {duration_words(hop['seconds']):>7}"
    tail = f"-> {', '.join(attempts)}" if attempts else ""
    return row_lines([head, tail], (HOP_WIDTH, WIDTH - HOP_WIDTH - len(GAP)))


def scene_list_lines(scenes: Sequence[Document], style: Style) -> list[str]:
    """All scenes: name, how long, and the first sentence of the story."""
    rows = [["scene", "takes", "what it shows"]]
    for scene in scenes:
        sentence = " ".join(scene["story"].split()).split(". ")[0].rstrip(".")
        rows.append([scene["name"], f"{scene['duration_seconds']:g} s", f"{scene['title']}: {sentence}"])
    return table(rows, style.paint)


class CheckTable:
    """Expected beside measured, and beside what was predicted, if that was asked: each check once, when it is decided.

    `expectations` are the scene's, from its script: the columns are as wide as all of them need, so that the rows that
    come later stand below the first ones.
    """

    def __init__(self, expectations: Sequence[Document], style: Style, predicted: Sequence[Document] = ()) -> None:
        self._style = style
        self._expectations = expectations
        self._predicted = [predicted_words(entry) for entry in predicted]
        titles = ["outcome", "after", "expectation", "expected", *(["predicted"] if predicted else []), "measured"]
        likely = [
            self._row(number, {"outcome": "pending", "measured": entry["expected"]})
            for number, entry in enumerate(expectations)
        ]
        self._widths = column_widths([titles, *likely])
        self.header = [style.paint(line, "dim") for line in row_lines(titles, self._widths)]
        self._told: set[int] = set()

    def news(self, checks: Sequence[Document], *, with_open: bool = False) -> list[str]:
        """The rows of what has been decided since the last time, or of all that is left."""
        news = [
            number
            for number, check in enumerate(checks)
            if number not in self._told and (with_open or check["outcome"] != "pending")
        ]
        self._told.update(news)
        return [line for number in news for line in row_lines(self._row(number, checks[number]), self._widths)]

    def _row(self, number: int, check: Document) -> list[str]:
        measured, after = check["measured"], check.get("confirmed_after_seconds")
        entry = self._expectations[number]
        return [
            self._style.paint(*OUTCOMES[check["outcome"]]),
            "" if after is None else f"{after:.0f} s",
            entry["text"],
            entry["expected"],
            *self._predicted[number : number + 1],
            "-" if measured is None else str(measured),
        ]


def prediction_table(predicted: Sequence[Document], style: Style) -> list[str]:
    """Expected beside predicted, with the range over the seeds."""
    rows = [["expectation", "expected", "predicted", "range", "as expected"]]
    for entry in predicted:
        if entry["predicted"] is None:
            rows.append([entry["text"], entry["expected"], f"not modelled: {entry['not_modelled']}", "", ""])
            continue
        met, seeds = entry["as_expected"], entry["seeds"]
        share = style.paint(f"{met} of {seeds} seeds", "good" if met == seeds else "warning" if met else "error")
        rows.append([entry["text"], entry["expected"], entry["predicted"], entry["range"], share])
    return table(rows, style.paint)


def policy_table(predicted: Mapping[str, Sequence[Document]], style: Style) -> list[str]:
    """What each policy makes of each expectation, the median; in the colour of whether it is as expected."""
    policies = list(predicted)
    rows = [["expectation", *policies]]
    for entries in zip(*predicted.values(), strict=True):
        cells = [
            "not modelled"
            if entry["predicted"] is None
            else style.paint(entry["predicted"], "good" if entry["as_expected"] == entry["seeds"] else "warning")
            for entry in entries
        ]
        rows.append([entries[0]["text"], *cells])
    return table(rows, style.paint)


def predicted_words(entry: Document) -> str:
    """A prediction in a cell: "39 % (37 to 41 %)"."""
    if entry["predicted"] is None:
        return "not modelled"
    is_alone = entry["range"] == entry["predicted"]
    return str(entry["predicted"]) if is_alone else f"{entry['predicted']} ({entry['range']})"


def trial_table(trials: Sequence[Document], style: Style) -> list[str]:
    """What became of a scene at each load that was tried."""
    rows = [["users a second", "success before", "after the trigger", ""]]
    for trial in trials:
        shares = ["-" if trial[when] is None else f"{percent(trial[when])} %" for when in ("before", "after")]
        word = style.paint("recovers", "good") if trial["recovered"] else style.paint("stuck", "error")
        rows.append([f"{trial['rps']:g}", *shares, word])
    return table(rows, style.paint)
