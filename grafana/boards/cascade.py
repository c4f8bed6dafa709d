"""Anatomy of a cascade: why does it not recover?"""

from __future__ import annotations

from typing import Any

from grafana.dashboard import dashboard, text_variable
from grafana.kpis import attempts_stat, kpi
from grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Panel,
    line,
    now,
    query,
    stat,
    state_timeline,
    timeseries,
)
from services.common.topology import API
from services.control_room.health import WHY

WHY_COLORS = (GREEN, VERMILLION, VERMILLION, VERMILLION, ORANGE, PURPLE, ORANGE)
WHY_WORDS = {
    **{code: (text, color) for (code, text), color in zip(WHY.items(), WHY_COLORS, strict=True)},
    len(WHY): ("Nobody knows: the control room does not answer", PURPLE),
}
BREAKER = {
    0: ("closed: calls go through", GREEN),
    1: ("half open: trying", ORANGE),
    2: ("OPEN: fails fast", VERMILLION),
}

# Seconds of everything that a second of user requests takes, divided by those requests: seconds for each request.
HOPS = (
    ("waits before the frontend", GREY, 'sum(rate(lab_queue_wait_seconds_sum{job="frontend"}[15s]))'),
    (
        "in the frontend itself",
        SKY,
        """clamp_min(sum(rate(http_server_request_duration_seconds_sum{job="frontend"}[15s]))
        - sum(rate(http_client_request_duration_seconds_sum{job="frontend"}[15s])), 0)""",
    ),
    ("waits before the api", PURPLE, 'sum(rate(lab_queue_wait_seconds_sum{job="api"}[15s]))'),
    (
        "in the api itself",
        ORANGE,
        """clamp_min(sum(rate(http_server_request_duration_seconds_sum{job="api"}[15s]))
        - sum(rate(http_client_request_duration_seconds_sum{job="api"}[15s])), 0)""",
    ),
    (
        "waits for a pool connection",
        VERMILLION,
        "sum(rate(lab_pool_wait_seconds_sum[15s]))",
    ),
    ("waits before the database", BLUE, 'sum(rate(lab_queue_wait_seconds_sum{job="database"}[15s]))'),
    ("waits in the database's queue", YELLOW, "sum(rate(lab_db_queue_wait_seconds_sum[15s]))"),
    (
        "the query itself",
        GREEN,
        """clamp_min(sum(rate(http_server_request_duration_seconds_sum{job="database"}[15s]))
        - sum(rate(lab_db_queue_wait_seconds_sum[15s])), 0)""",
    ),
)


def _trigger_and_retries() -> list[Panel]:
    return [
        stat(
            "The trigger",
            "Whether any failure is on now. An outage that goes on without its trigger lives on its own load.",
            [now('max(lab_switch_active{kind="failure"}) or vector(0)')],
            unit="none",
            meanings={0: ("removed: no failure is on", GREEN), 1: ("a failure is ON", VERMILLION)},
        ),
        attempts_stat(),
    ]


def _lost_work() -> list[Panel]:
    return [
        stat(
            "Longest queue, of its callers' patience",
            "Half of the requests wait so long before their work begins, measured by what their callers wait in all. "
            "From 100 % on, what is worked on is already lost.",
            [now(f"{kpi('queue_patience_ratio')} or on () vector(0)")],
            unit="percentunit",
            decimals=0,
            steps=((None, GREEN), (0.5, ORANGE), (1, VERMILLION)),
        ),
        stat(
            "Work for nobody",
            "Of the queries that the database finished, how many ended in no answer to a user: who asked had given "
            "up, or was told no. It all costs, and helps no one.",
            [now(f"{kpi('wasted_work_ratio')} or on () vector(0)")],
            unit="percentunit",
            decimals=0,
            steps=((None, GREEN), (0.1, ORANGE), (0.3, VERMILLION)),
        ),
    ]


def _load() -> list[Panel]:
    return [
        timeseries(
            "One user, how many calls?",
            "Users at the bottom, and what each layer makes of them. The lines lie on each other when all is well; "
            "the gap is retries.",
            [
                query("lab:offered_rps:15s", "users"),
                query('lab:attempts_rps:15s{job="frontend"}', "frontend → api"),
                query('lab:attempts_rps:15s{job="api"}', "api → database"),
            ],
            unit="reqps",
            overrides=[
                line("users", SKY, fill=25),
                line("frontend → api", VERMILLION),
                line("api → database", ORANGE),
            ],
        ),
        timeseries(
            "Work done, and work that counted",
            "The database's finished queries against users who had their order. Busy and useless at the same time: "
            "that is the gap.",
            [
                query(
                    """sum(rate(http_server_request_duration_seconds_count{job="database", http_route="/query",
                    http_response_status_code="200"}[15s]))""",
                    "queries finished (throughput)",
                ),
                query("lab:served_rps:15s", "users served (goodput)"),
                query("sum(rate(lab_db_abandoned_total[15s]))", "finished after its caller hung up"),
            ],
            unit="reqps",
            overrides=[
                line("queries finished (throughput)", SKY),
                line("users served (goodput)", GREEN, fill=25),
                line("finished after its caller hung up", VERMILLION),
            ],
        ),
    ]


def _waiting() -> list[Panel]:
    return [
        timeseries(
            "Queues against patience",
            "How long half of the requests wait in each queue, against how long those who called wait in all. A "
            "queue above its caller's dashed line works for nobody: every answer comes too late.",
            [
                query('lab:queue_wait_seconds:15s{quantile="p50", queue="threads", job="api"}', "before the api"),
                query('lab:queue_wait_seconds:15s{quantile="p50", queue="pool"}', "for a pool connection"),
                query('lab:queue_wait_seconds:15s{quantile="p50", queue="connections"}', "in the database's queue"),
                query('lab:caller_timeout_seconds{job="api"}', "the frontend gives up"),
                query('lab:caller_timeout_seconds{job="database"}', "the api gives up"),
            ],
            unit="s",
            overrides=[
                line("before the api", PURPLE),
                line("for a pool connection", VERMILLION),
                line("in the database's queue", YELLOW, fill=25),
                line("the frontend gives up", SKY, dashed=True),
                line("the api gives up", ORANGE, dashed=True),
            ],
        ),
        timeseries(
            "Where a request's time goes",
            "Seconds for each user's request, retries included, hop by hop. Which colour is the mountain: one that "
            "works, or one that waits?",
            [query(f"{seconds} / (lab:ended_rps:15s > 0)", name) for name, _, seconds in HOPS],
            unit="s",
            stacked=True,
            overrides=[line(name, color) for name, color, _ in HOPS],
        ),
    ]


def _limits() -> list[Panel]:
    return [
        timeseries(
            "The pool: who has a connection, who waits",
            "Connections of the api in use against how many there are, and those who wait for one. When the lines "
            "touch, requests fail without the database having seen them.",
            [
                query("sum(lab_pool_connections_in_use)", "in use"),
                query("sum(lab_pool_connections_max)", "there are"),
                query("sum(lab_pool_waiting)", "wait for one"),
            ],
            unit="none",
            overrides=[
                line("in use", ORANGE, fill=25),
                line("there are", GREY, dashed=True),
                line("wait for one", VERMILLION),
            ],
        ),
        timeseries(
            "Turned away early",
            "Calls that were refused without trying: the breaker was open, no connection came free, or the door was "
            "shut. An early no is cheap; a late no has used up everything on its way.",
            [
                query(
                    'sum by (job) (rate(http_client_request_duration_seconds_count{outcome="rejected"}[15s]))',
                    "{{job}}: not tried",
                ),
                query("sum by (job) (rate(lab_requests_shed_total[15s]))", "{{job}}: shed at the door"),
            ],
            unit="reqps",
            overrides=[
                line("frontend: not tried", SKY),
                line("api: not tried", ORANGE),
                line("frontend: shed at the door", BLUE),
                line("api: shed at the door", VERMILLION),
                line("database: shed at the door", GREEN),
            ],
        ),
    ]


def _defences() -> list[Panel]:
    return [
        state_timeline(
            "Circuit breakers",
            "Closed lets calls through, open fails them at once. A breaker does nothing until its defence is switched "
            "on.",
            [query("max by (job, peer) (lab_breaker_state)", "{{job}} → {{peer}}")],
            meanings=BREAKER,
        ),
        timeseries(
            "Retries that the budget still allows",
            "Tokens of the retry budget: each retry takes one, successes bring them back. At 0 there are no more "
            "retries. The budget does nothing until its defence is switched on.",
            [query("sum by (job, peer) (lab_retry_budget_tokens)", "{{job}} → {{peer}}")],
            unit="none",
            overrides=[line("frontend → api", SKY), line("api → database", ORANGE)],
        ),
    ]


def _cache() -> list[Panel]:
    return [
        timeseries(
            "The cache: orders that need no query",
            "The share of the api's orders that its cache answers. 0 is a cache that is off, or empty: then every "
            "order is a query, and the database was not built for that.",
            [
                query(
                    """sum(rate(lab_cache_lookups_total{outcome="hit"}[15s]))
                    / (sum(rate(lab_cache_lookups_total[15s])) > 0) or vector(0)""",
                    "hit ratio",
                )
            ],
            unit="percentunit",
            overrides=[line("hit ratio", GREEN, fill=25)],
        ),
        timeseries(
            "Misses, and those that share a query",
            "Orders that the cache could not answer. With single-flight, those who want the same wait for one query, "
            "which fills the cache even when they have all left.",
            [
                query('sum(rate(lab_cache_lookups_total{outcome="miss"}[15s]))', "misses"),
                query("sum(rate(lab_single_flight_shared_total[15s]))", "wait for another's query"),
            ],
            unit="reqps",
            overrides=[line("misses", VERMILLION, fill=25), line("wait for another's query", GREEN)],
        ),
    ]


INSTANCES = [instance.name for instance in API.instances]
INSTANCE_LINES = [line(name, color) for name, color in zip(INSTANCES, (SKY, VERMILLION, GREEN), strict=True)]
ROLES = {
    0: ("in use", GREEN),
    1: ("standby", GREY),
    2: ("EJECTED", PURPLE),
    3: ("FAILS its checks", VERMILLION),
}


def _instances() -> list[Panel]:
    return [
        timeseries(
            "Who gets the traffic",
            "The requests that each instance of the api gets, by the caller's balancer. An average over three hides "
            "the one that is broken.",
            [query("sum by (target) (rate(lab_upstream_requests_total[15s]))", "{{target}}")],
            unit="reqps",
            overrides=INSTANCE_LINES,
        ),
        timeseries(
            "Who answers",
            "Of the requests that each instance gets, the share with a good answer. One at 50 % beside two at 100 % is "
            "a bad release; one at 0 % that gets all the traffic is a black hole.",
            [
                query(
                    """sum by (target) (rate(lab_upstream_requests_total{outcome="ok"}[15s]))
                    / (sum by (target) (rate(lab_upstream_requests_total[15s])) > 0)""",
                    "{{target}}",
                )
            ],
            unit="percentunit",
            min=0,
            max=1,
            overrides=INSTANCE_LINES,
        ),
        state_timeline(
            "What each instance is to its caller",
            "In use, standing by, ejected since it failed, or failing its health checks.",
            [query('lab_upstream_state{peer="api"}', "{{target}}")],
            meanings=ROLES,
        ),
    ]


def before(name: str) -> str:
    """A KPI, as long ago as the variable `ago` says."""
    return f'lab_kpi{{name="{name}"}} offset $ago >= 0'


def _two_runs() -> list[Panel]:
    return [
        timeseries(
            "Users who succeed, and those of the run before",
            "One scene, played twice with the same users: without a defence, then with it. `scene NAME --with DEFENCE "
            "--compare` prints the address at which both runs lie on each other here.",
            [query(kpi("success_ratio"), "now"), query(before("success_ratio"), "the run before")],
            unit="percentunit",
            min=0,
            max=1,
            overrides=[line("now", GREEN, fill=25), line("the run before", GREY, dashed=True)],
        ),
        timeseries(
            "Attempts per request, and those of the run before",
            "What the defence changes: the load that the same users make. Without it their retries are the outage.",
            [
                query(kpi("attempts_per_request"), "now"),
                query(before("attempts_per_request"), "the run before"),
            ],
            unit="none",
            overrides=[line("now", ORANGE, fill=25), line("the run before", GREY, dashed=True)],
        ),
    ]


def cascade() -> dict[str, Any]:
    """The dashboard for the minutes in which nothing helps."""
    why = stat(
        "Why does it not recover?",
        "The first reason that holds now, of six, as the control room computes it. Ask the room before "
        "you read it out.",
        [now(f"lab_why or on () vector({len(WHY)})")],
        unit="none",
        meanings=WHY_WORDS,
    )
    rows = [
        (4, [(24, why)]),
        (4, [(6, panel) for panel in _trigger_and_retries() + _lost_work()]),
        (10, [(12, panel) for panel in _load()]),
        (10, [(12, panel) for panel in _waiting()]),
        (10, [(12, panel) for panel in _limits()]),
        (7, [(12, panel) for panel in _defences()]),
        (8, [(12, panel) for panel in _cache()]),
        (9, [(8, panel) for panel in _instances()]),
        (9, [(12, panel) for panel in _two_runs()]),
    ]
    about_ago = "How long before this run the one began that it is compared with, such as 200s."
    variables = [text_variable("ago", "The run before, ago", about_ago, "0s")]
    return dashboard("lab-cascade", "Why does it not recover?", rows, variables=variables)
