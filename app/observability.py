"""Logs with a correlation id, and the metric names. No secret, token, body or phone number goes through here."""

from __future__ import annotations

import logging
import re
import secrets
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal

import structlog
from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from structlog.typing import FilteringBoundLogger

LogFormat = Literal["console", "json"]

# A second line for each, which nobody reads: the time at which it was first counted.
disable_created_metrics()  # type: ignore[no-untyped-call]  # published without types

BUILD_INFO = Gauge("steward_build_info", "The running version", ["version", "python"])
READY = Gauge("steward_ready", "1 while a callback could be committed, as /readyz says")
DEGRADED = Gauge("steward_degraded", "1 for each entry under `degraded` in /readyz", ["what"])
OLDEST_WAITING = Gauge(
    "steward_oldest_waiting_seconds", "Age of the oldest that could be worked on and waits for a worker", ["what"]
)
CLOCK_OFFSET = Gauge(
    "steward_clock_offset_seconds", "How far the clock of the platform or the database is ahead of ours", ["against"]
)
POOL_CONNECTIONS = Gauge("steward_database_pool_connections", "This process's database connections", ["state"])
HTTP_REQUESTS = Counter("steward_http_requests_total", "Requests of REST and pages", ["method", "route", "status"])
HTTP_SECONDS = Histogram("steward_http_seconds", "Time from a request's arrival to its end", ["method", "route"])
CALLBACKS_TOTAL = Counter("steward_callbacks_total", "Callbacks received", ["channel", "outcome"])
CALLBACK_REFUSALS = Counter("steward_callback_refusals_total", "Callbacks refused", ["channel", "reason"])
CALLBACK_SECONDS = Histogram(
    "steward_callback_seconds",
    "Time from a callback's arrival to our answer",
    ["channel"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
CALLBACK_GAPS = Counter("steward_callback_gaps_total", "Times in which callbacks may have been lost", ["reason"])
CALLBACKS_WAITING = Gauge("steward_callbacks_waiting", "Callbacks that are received and not yet committed")
CALLBACK_BYTES_WAITING = Gauge("steward_callback_bytes_waiting", "Their bodies, in bytes")
INBOX_EVENTS = Counter("steward_inbox_events_total", "Events handled, by final state", ["type", "state"])
INBOX_LAG = Gauge("steward_inbox_lag_seconds", "Age of the oldest event that waits to be handled")
HINTS_NOT_FOUND = Counter(
    "steward_hints_not_found_total", "Events about an object that the platform then did not show us", ["object"]
)
FAILED_NOW = Gauge(
    "steward_failed_now",
    "Recipients and calls of the last day that the platform refused",
    ["what"],
)
UNKNOWN_EVENTS = Counter("steward_unknown_events_total", "Events of a type we do not know", ["type"])
PLATFORM_CALLS = Counter("steward_platform_calls_total", "Calls to the platform", ["path", "outcome"])
PLATFORM_SECONDS = Histogram("steward_platform_seconds", "Duration of calls to the platform", ["path"])
TOKEN_REFRESHES = Counter("steward_token_refreshes_total", "Access tokens fetched", ["app", "outcome"])
DELIVERIES = Counter("steward_deliveries_total", "Recipients by final state", ["state"])
JOBS = Counter("steward_jobs_total", "Background jobs run", ["name", "outcome"])
TIMERS = Counter("steward_timers_total", "Deadlines that fell due", ["kind", "outcome"])
SYNC_RUNS = Counter("steward_sync_runs_total", "Organisation sync runs", ["state"])
LIMIT_USED = Gauge("steward_limit_used", "Used of a limit of the platform, by the subject that used most", ["limit"])
LIMIT_ALLOWED = Gauge("steward_limit_allowed", "Our share of a limit of the platform", ["limit"])
LIMIT_WAITING = Gauge("steward_limit_waiting", "Calls that wait for a limit of the platform", ["limit"])
PATH_BLOCKED = Gauge("steward_path_blocked_seconds", "How long the platform still blocks a path", ["path"])

# Query parameters and values that must never reach a log, wherever a library puts them.
_SECRET = re.compile(r"(?i)\b(access_token|corpsecret|msg_signature|response_code|key)=[^&\s\"']+")


def get_logger() -> FilteringBoundLogger:
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def current_correlation_id() -> str:
    """The id bound for this request or job; a fresh one where none is bound (a command, a test)."""
    bound = structlog.contextvars.get_contextvars().get("correlation_id")
    return str(bound) if bound else new_correlation_id()


def new_correlation_id() -> str:
    return secrets.token_hex(16)


@contextmanager
def bound_correlation(correlation_id: str | None = None) -> Iterator[str]:
    """Everything logged and stored inside carries this id."""
    bound = correlation_id or new_correlation_id()
    # Not structlog's own context manager, which copies all that is bound, twice: this is on the path of every callback.
    tokens = structlog.contextvars.bind_contextvars(correlation_id=bound)
    try:
        yield bound
    finally:
        structlog.contextvars.reset_contextvars(**tokens)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Last gate: strips secrets from strings that a library's message may carry."""
    for name, value in event.items():
        if isinstance(value, str) and "=" in value:
            event[name] = _SECRET.sub(r"\1=…", value)
    return event


def configure_logging(log_format: LogFormat = "console", level: int = logging.INFO) -> None:
    """One pipeline for our own events and for the libraries' log records, to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These say at INFO what we log ourselves, with addresses that carry tokens.
    for noisy in ("httpx", "httpcore", "uvicorn.access", "alembic.runtime.migration", "pgqueuer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
