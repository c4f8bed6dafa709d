"""One service in detail: rate, errors, duration, saturation, memory."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import choice_variable, dashboard
from grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    LEVELS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Panel,
    heatmap,
    line,
    now,
    query,
    stat,
    timeseries,
)

SERVICES = ("api", "frontend", "database")
ANSWERED = 'http_server_request_duration_seconds_count{job="$service"}'
WAITS = {"threads": (SKY, BLUE), "pool": (ORANGE, VERMILLION), "connections": (YELLOW, GREEN)}
QUANTILES = ((0.5, "p50", SKY), (0.95, "p95", ORANGE), (0.99, "p99", VERMILLION))


def _answers_now() -> list[Panel]:
    return [
        stat(
            "$service is",
            "The worst of: down, failing, stuck, slow, saturated, short of memory.",
            [now('lab_service_health{service="$service"} or on () vector(3)')],
            unit="none",
            meanings=LEVELS,
        ),
        stat(
            "Requests answered",
            "Answers per second, good and bad.",
            [now(f"sum(rate({ANSWERED}[15s])) or vector(0)")],
            unit="reqps",
            decimals=1,
        ),
        stat(
            "Answers that are errors",
            "The share of its answers that are 5xx. It may be passing on what others did to it.",
            [
                now(
                    """sum(rate(http_server_request_duration_seconds_count{job="$service",
                    http_response_status_code=~"5.."}[15s]))
                    / (sum(rate(http_server_request_duration_seconds_count{job="$service"}[15s])) > 0) or vector(0)"""
                )
            ],
            unit="percentunit",
            decimals=0,
            steps=((None, GREEN), (0.01, ORANGE), (0.1, VERMILLION)),
        ),
    ]


def _resources_now() -> list[Panel]:
    return [
        stat(
            "Threads busy",
            "Of all its worker threads. At 100 % new requests wait where nobody sees them.",
            [now('lab:saturation{job="$service", resource="threads"} or on () vector(0)')],
            unit="percentunit",
            decimals=0,
            steps=((None, GREEN), (0.8, ORANGE), (1, VERMILLION)),
        ),
        stat(
            "Memory of its limit",
            "At 100 % the kernel kills the process.",
            [now('lab_service_memory_ratio{service="$service"} >= 0 or on () vector(0)')],
            unit="percentunit",
            decimals=0,
            steps=((None, GREEN), (0.75, ORANGE), (0.9, VERMILLION)),
        ),
        stat(
            "Restarts in 5 minutes",
            "How often its process ended and was started again. More than one is a loop.",
            [now('sum(changes(process_start_time_seconds{job="$service"}[5m])) or on () vector(0)')],
            unit="none",
            decimals=0,
            steps=((None, GREEN), (1, ORANGE), (2, VERMILLION)),
        ),
    ]


def _requests() -> list[Panel]:
    return [
        timeseries(
            "Answers, by status",
            "Rate and errors in one. 200 is good; 500 its own error, 502 and 504 a bad or late answer from behind it, "
            "503 a refusal.",
            [
                query(
                    """sum by (http_response_status_code)
                    (rate(http_server_request_duration_seconds_count{job="$service"}[5s]))""",
                    "{{http_response_status_code}}",
                )
            ],
            unit="reqps",
            stacked=True,
            overrides=[
                line("200", GREEN),
                line("404", GREY),
                line("405", GREY),
                line("500", VERMILLION),
                line("502", PURPLE),
                line("503", ORANGE),
                line("504", BLUE),
            ],
        ),
        timeseries(
            "Time to answer",
            "From the start of the handler to its answer; time in line before it is not in here.",
            [
                query(
                    f"""histogram_quantile({share}, sum by (le)
                    (rate(http_server_request_duration_seconds_bucket{{job="$service"}}[15s]))) >= 0""",
                    name,
                )
                for share, name, _ in QUANTILES
            ],
            unit="s",
            overrides=[line(name, color) for _, name, color in QUANTILES],
        ),
    ]


def _shape() -> list[Panel]:
    return [
        heatmap(
            "How the times spread",
            "Each column is a second, each row a range of times. Two bands are two kinds of requests; an average "
            "would show neither.",
            'sum by (le) (increase(http_server_request_duration_seconds_bucket{job="$service"}[5s]))',
            unit="s",
        ),
        timeseries(
            "Waiting in line",
            "How long requests wait for a thread (from the caller's sending to the start of the handler), for a "
            "connection of the api's pool, for one of the database: half of them, and the unlucky ones.",
            [query('lab:queue_wait_seconds:15s{job="$service"}', "{{queue}} {{quantile}}")],
            unit="s",
            overrides=[
                line(f"{queue} {quantile}", color)
                for queue, colors in WAITS.items()
                for quantile, color in zip(("p50", "p95"), colors, strict=True)
            ],
        ),
    ]


def _resources() -> list[Panel]:
    return [
        timeseries(
            "Threads",
            "Busy in a handler, all that came in, and how many threads there are. What is above the dashed line waits.",
            [
                query('sum(lab_worker_threads_busy{job="$service"})', "busy"),
                query('sum(http_server_active_requests{job="$service"})', "requests inside"),
                query('sum(lab_worker_threads_total{job="$service"})', "threads"),
            ],
            unit="none",
            overrides=[
                line("busy", ORANGE, fill=25),
                line("requests inside", VERMILLION),
                line("threads", GREY, dashed=True),
            ],
        ),
        timeseries(
            "Memory",
            "What the kernel sees, what the leak holds, and the limit. The process is killed where the lines meet.",
            [
                query('max(process_resident_memory_bytes{job="$service"})', "resident"),
                query('max(lab_leaked_bytes{job="$service"})', "leaked"),
                query('max(lab_memory_limit_bytes{job="$service"}) > 0', "limit"),
            ],
            unit="bytes",
            overrides=[line("resident", ORANGE, fill=25), line("leaked", VERMILLION), line("limit", GREY, dashed=True)],
        ),
    ]


def _runtime() -> list[Panel]:
    return [
        timeseries(
            "Garbage collection",
            "The share of time in which a full collection stops every thread of the process.",
            [query('max(rate(lab_gc_pause_seconds_sum{job="$service"}[5s]))', "stopped")],
            unit="percentunit",
            overrides=[line("stopped", PURPLE, fill=25)],
        ),
        timeseries(
            "CPU",
            "Seconds of CPU time per second. Python runs one thread at a time: about 1 is all that it gets.",
            [query('sum(rate(process_cpu_seconds_total{job="$service"}[5s]))', "CPU")],
            unit="percentunit",
            overrides=[line("CPU", BLUE, fill=25)],
        ),
        timeseries(
            "Age of the process",
            "Seconds since it started. Each drop to zero is a crash or a kill.",
            [query('time() - max(process_start_time_seconds{job="$service"})', "age")],
            unit="s",
            overrides=[line("age", GREEN)],
        ),
    ]


def service() -> dict[str, Any]:
    """The dashboard of one service, chosen at the top."""
    rows = [
        (4, [(4, panel) for panel in _answers_now() + _resources_now()]),
        (9, [(12, panel) for panel in _requests()]),
        (9, [(12, panel) for panel in _shape()]),
        (9, [(12, panel) for panel in _resources()]),
        (9, [(8, panel) for panel in _runtime()]),
    ]
    variables = [choice_variable("service", "Service", SERVICES)]
    return dashboard("lab-service", "Rate, errors, duration and saturation of one service.", rows, variables=variables)
