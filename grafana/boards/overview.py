"""The home dashboard: how the users are, what is broken, and the buttons that break it."""

from __future__ import annotations

from typing import Any

from grafana.canvas import control_panel
from grafana.dashboard import control_variable, dashboard
from grafana.kpis import UNKNOWN, attempts_stat, kpi
from grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    ON_OFF,
    ORANGE,
    PURPLE,
    SKY,
    STATUS,
    VERMILLION,
    Panel,
    ever,
    line,
    now,
    query,
    stat,
    state_timeline,
    timeseries,
)
from services.control_room.status import MEMORY_RED, MEMORY_YELLOW, RED_BELOW, SLOW_P95_SECONDS, YELLOW_BELOW

NO_ANSWERS = {-1: ("no users", GREY), -2: ("no answers", VERMILLION), -3: UNKNOWN}
MEMORY_STEPS = ((None, GREEN), (MEMORY_YELLOW, ORANGE), (MEMORY_RED, VERMILLION))


def _verdict_of_users() -> list[Panel]:
    return [
        stat(
            "Status",
            "The lab's verdict over 15 seconds. GREEN: 99 % of users succeed, fast. YELLOW: slow, or some fail, or "
            "memory runs short. RED: more than a tenth fail, or something is down.",
            [now("lab_status or on () vector(3)")],
            unit="none",
            meanings=STATUS,
        ),
        stat(
            "Scene",
            "The scene on the stage. A scene starts with a reset, and its switches stay on until the next one or a "
            "reset.",
            [
                now(
                    '(lab_scene_active == 1) or on () label_replace(vector(0), "scene", "no scene", "", "")',
                    "{{scene}}",
                )
            ],
            unit="none",
            text="name",
            steps=((None, GREY), (1, BLUE)),
        ),
        stat(
            "Users who succeed",
            "Of the users who ended in the last 15 seconds, how many had their order. The objective is 99 %.",
            [now(f"{kpi('success_ratio')} or on () (-1 - ({kpi('in_flight')} > bool 0)) or on () vector(-3)")],
            unit="percentunit",
            decimals=0,
            meanings=NO_ANSWERS,
            steps=((None, VERMILLION), (RED_BELOW, ORANGE), (YELLOW_BELOW, GREEN)),
        ),
        stat(
            "19 of 20 users wait",
            "The 95th percentile of what users waited, failures included. 20 to 50 ms is normal here; from 1 s on it "
            "hurts.",
            [now(f"{kpi('p95_seconds')} or on () vector(-1)")],
            unit="s",
            decimals=2,
            meanings={-1: ("no answers", GREY)},
            steps=((None, GREEN), (SLOW_P95_SECONDS, ORANGE), (5, VERMILLION)),
        ),
    ]


def _verdict_of_load() -> list[Panel]:
    return [
        stat(
            "Users who come",
            "Arrivals per second. Users do not wait for each other: they come, however the lab is doing.",
            [now(f"{kpi('offered_rps')} or on () vector(0)")],
            unit="reqps",
            decimals=1,
            steps=((None, BLUE),),
        ),
        stat(
            "Users served",
            "Users per second who had their order. Compare it with those who come: the difference is the outage.",
            [now(f"{kpi('served_rps')} or on () vector(0)")],
            unit="reqps",
            decimals=1,
            steps=((None, BLUE),),
        ),
        attempts_stat(),
        stat(
            "Api memory, of limit",
            "How much of its memory limit the api has in use. At 100 % the kernel kills it.",
            [now('lab_service_memory_ratio{service="api"} >= 0 or on () vector(-1)')],
            unit="percentunit",
            decimals=0,
            meanings={-1: ("down", PURPLE)},
            steps=MEMORY_STEPS,
        ),
    ]


def _users() -> list[Panel]:
    return [
        timeseries(
            "Users who succeed",
            "The line that pays the bills. The dashed line is the objective, 99 %. A gap: nobody had an answer.",
            [query(kpi("success_ratio"), "succeed"), query("vector(0.99)", "objective, 99 %")],
            unit="percentunit",
            min=0,
            max=1,
            overrides=[line("succeed", GREEN, fill=25), line("objective, 99 %", GREY, dashed=True)],
        ),
        timeseries(
            "What users wait",
            "p50: half of the users wait less. p95: one in twenty waits longer, and leaves first. Watch them part.",
            [
                query(kpi("p50_seconds"), "p50"),
                query(kpi("p95_seconds"), "p95"),
                query("vector(1)", "slow, 1 s"),
            ],
            unit="s",
            overrides=[
                line("p50", SKY),
                line("p95", ORANGE),
                line("slow, 1 s", GREY, dashed=True),
            ],
        ),
    ]


def _failing_and_memory() -> list[Panel]:
    return [
        timeseries(
            "Failing users, by kind",
            "error: an answer that says no. timeout: patience ran out. refused: not even a connection. Which one "
            "comes first?",
            [query('sum by (outcome) (rate(lab_user_requests_total{outcome!="success"}[5s]))', "{{outcome}}")],
            unit="reqps",
            stacked=True,
            overrides=[line("error", VERMILLION), line("timeout", ORANGE), line("refused", PURPLE)],
        ),
        timeseries(
            "Memory, of each limit",
            "A saw tooth is a leak: it climbs, the kernel kills the process at 100 %, and it starts again from below. "
            "A line marks each kill.",
            [
                query('max by (job) (lab:memory_ratio{job=~"frontend|api|database"})', "{{job}}"),
                query("vector(1)", "limit: killed"),
            ],
            unit="percentunit",
            overrides=[
                line("frontend", SKY),
                line("api", ORANGE),
                line("database", GREEN),
                line("limit: killed", VERMILLION, dashed=True),
            ],
            max=1.05,
        ),
    ]


def _full_and_waiting() -> list[Panel]:
    return [
        timeseries(
            "What is full",
            "Threads, pool and connections in use, of what there are. At 100 % everyone else waits, and the wait is "
            "what spreads.",
            [query("lab:saturation", "{{job}} {{resource}}"), query("vector(1)", "full")],
            unit="percentunit",
            overrides=[
                line("frontend threads", SKY),
                line("api threads", ORANGE),
                line("api pool", VERMILLION),
                line("database threads", BLUE),
                line("database connections", GREEN),
                line("full", GREY, dashed=True),
            ],
            max=1.05,
        ),
        timeseries(
            "Who waits in line",
            "Requests that wait: for a connection of the api's pool, and for one of the database's. A line that does "
            "not come down again is work that nobody waits for any more.",
            [
                query("sum(lab_pool_waiting)", "for the api's pool"),
                query("lab_db_queue_depth", "for the database"),
                query("lab_traffic_in_flight", "users waiting"),
            ],
            unit="none",
            overrides=[
                line("for the api's pool", ORANGE),
                line("for the database", GREEN),
                line("users waiting", VERMILLION),
            ],
        ),
    ]


def _switches() -> list[Panel]:
    return [
        state_timeline(
            "Failures: what was on, and when",
            "Every failure that was on. Find the first bar before the users' line fell, and then the last one to go.",
            [
                query(
                    ever('lab_switch_active{kind="failure"}', "job, kind, name", "none was on"),
                    "{{job}} {{name}}",
                )
            ],
            meanings=ON_OFF,
        ),
        state_timeline(
            "Defences and settings: what was changed, and when",
            "Every defence, and every setting that differed from its default. Which of these bars ended the outage?",
            [
                query(
                    ever(
                        'lab_switch_active{kind!="failure"}',
                        "job, kind, name",
                        "none was on",
                    ),
                    "{{job}} {{name}}",
                )
            ],
            meanings={0: ("off", GREY), 1: ("ON", SKY)},
        ),
    ]


def overview() -> dict[str, Any]:
    """The home dashboard."""
    rows = [
        (4, [(3, panel) for panel in _verdict_of_users() + _verdict_of_load()]),
        (13, [(24, control_panel())]),
        (9, [(12, panel) for panel in _users()]),
        (11, [(12, panel) for panel in _failing_and_memory()]),
        (11, [(12, panel) for panel in _full_and_waiting()]),
        (22, [(12, panel) for panel in _switches()]),
    ]
    about = "How the users are, what is broken, and the buttons that break it."
    return dashboard("lab-overview", about, rows, variables=[control_variable()])
