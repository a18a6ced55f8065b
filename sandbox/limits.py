"""Every documented rate limit, as one table, and who has used how much of it (doc path/90312).

Whether the platform's windows are fixed or sliding is not documented: `limit_windows` chooses. Either way the
largest use in *any* window of a rule's length is remembered, so that a test can prove that a service never went
over, wherever the platform's windows begin.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.clock import Clock
from sandbox.config import Limits, SandboxConfig
from sandbox.errors import PlatformError

MINUTE = 60
HOUR = 3_600
DAY = 86_400
MONTH = 30 * DAY
"""A month's limit counts and blocks 30 days, not a calendar month."""

BEIJING = 8 * HOUR
CORP = "corp"
TRIM_FROM = 512

Most = Callable[[Limits, int], int | None]
"""The number, from the configuration and the number of accounts; None is no limit."""


@dataclass(frozen=True)
class Rule:
    """One row. `block` stops every call for a while (45009), `drop` loses the excess without a word."""

    name: str
    """The number's name in `Limits`."""
    per: str
    window: int
    most: Most
    source: str
    excess: Literal["block", "drop"] = "block"
    errcode: int = 45009
    block_seconds: int | None = None
    """None: as long as the platform blocks for a window of this length."""

    def blocked_until(self, now: float) -> float:
        if self.block_seconds is not None:
            return now + self.block_seconds
        return end_of_day(now) if self.window == DAY else now + self.window


def _rule(name: str, per: str, window: int, source: str, **more: Any) -> Rule:
    """A rule whose number is a plain field of `Limits`."""
    return Rule(name, per, window, lambda limits, _accounts: getattr(limits, name), source, **more)


def _daily_messages(limits: Limits, accounts: int) -> int:
    return limits.app_daily_factor * accounts


def _misses(limits: Limits, accounts: int) -> int:
    return max(1, accounts * limits.lookup_miss_percent // 100)


def _creations(limits: Limits, accounts: int) -> int:
    return limits.account_creation_factor * accounts


RULES: dict[str, tuple[Rule, ...]] = {
    "api": (
        _rule("api_per_minute", "corp and API", MINUTE, "doc path/90312"),
        _rule("api_per_hour", "corp and API", HOUR, "doc path/90312"),
    ),
    "address": (
        _rule("ip_per_minute", "IP address and API", MINUTE, "doc path/90312"),
        _rule("ip_per_hour", "IP address and API", HOUR, "doc path/90312"),
    ),
    "debug": (_rule("debug_per_minute", "app", MINUTE, "doc path/90664"),),
    "contact write": (_rule("contact_writes_per_minute", "corp", MINUTE, "third-party notes, unconfirmed"),),
    "message day": (Rule("app_daily_factor", "app, in person-times", DAY, _daily_messages, "doc path/90312"),),
    "message member": (
        _rule("member_per_minute", "app and member", MINUTE, "doc path/90312", excess="drop"),
        _rule("member_per_hour", "app and member", HOUR, "doc path/90312", excess="drop"),
    ),
    "group create": (_rule("group_create_per_day", "corp", DAY, "doc path/90245"),),
    "group update": (_rule("group_update_per_hour", "corp", HOUR, "doc path/98913"),),
    "group send": (
        _rule("group_send_per_minute", "corp, in person-times", MINUTE, "doc path/90248"),
        _rule("group_send_per_hour", "corp, in person-times", HOUR, "doc path/90312, path/90248 disagree"),
    ),
    "group member": (
        _rule("group_member_per_minute", "app and member, all groups", MINUTE, "doc path/90248", excess="drop"),
        _rule("group_member_per_day", "app and member, all groups", DAY, "doc path/90248", excess="drop"),
    ),
    "webhook": (_rule("webhook_per_minute", "robot", MINUTE, "doc path/91770"),),
    "image": (
        _rule("image_per_day", "corp", DAY, "doc path/90256"),
        _rule("image_per_month", "corp", MONTH, "doc path/90256"),
    ),
    "calendar": (_rule("calendars_per_day", "app", DAY, "doc path/93647"),),
    "schedule": (_rule("schedules_per_day", "app", DAY, "doc path/93648"),),
    "customer group transfer": (
        _rule("customer_group_transfers_per_day", "departed owner and new owner", DAY, "doc path/92127"),
    ),
    "approval": (_rule("approval_per_minute", "corp and API", MINUTE, "doc path/91816"),),
    "ticket of corp": (_rule("ticket_per_hour", "corp", HOUR, "doc path/90506"),),
    "ticket of app": (_rule("ticket_per_hour_and_app", "app", HOUR, "doc path/90506"),),
    "account creation": (Rule("account_creation_factor", "corp", MONTH, _creations, "doc path/90312"),),
    "domain change": (_rule("domain_changes_per_month", "corp", MONTH, "doc path/90312", errcode=85004),),
    "workbench member": (_rule("workbench_member_per_minute", "app and member", MINUTE, "doc path/92535"),),
    "workbench people": (_rule("workbench_people_per_minute", "app, in person-times", MINUTE, "doc path/92535"),),
    "bad secret": (_rule("bad_secrets_per_hour", "IP address", HOUR, "doc path/91039, threshold unconfirmed"),),
    "lookup miss": (
        Rule("lookup_miss_percent", "app or credential", DAY, _misses, "doc path/95402", block_seconds=DAY),
    ),
    "on demand": (Rule("on_demand", "API", MINUTE, lambda _limits, _accounts: None, "a fault told to block"),),
}


@dataclass(slots=True)
class Gauge:
    """One rule for one subject."""

    slot: int = -1
    in_slot: int = 0
    in_window: int = 0
    first: int = 0
    """Where the newest window begins in the meter's list."""
    peak: int = 0
    """The most there ever was in any window of the rule's length."""
    refused: int = 0
    dropped: int = 0
    blocked_until: float = 0.0


@dataclass(slots=True)
class Meter:
    """What one subject used, moment by moment, and the gauges of all rules that look at it."""

    gauges: tuple[Gauge, ...]
    used: list[tuple[float, int]] = field(default_factory=list)

    def look(self, rules: tuple[Rule, ...], now: float) -> None:
        """Bring the windows up to now."""
        if self.used and now < self.used[-1][0] - 1:
            self._forget()  # the clock was put back: those moments are yet to come
        for rule, gauge in zip(rules, self.gauges, strict=True):
            slot = int((now + BEIJING) // rule.window)
            if gauge.slot != slot:
                gauge.slot, gauge.in_slot = slot, 0
            while gauge.first < len(self.used) and self.used[gauge.first][0] <= now - rule.window:
                gauge.in_window -= self.used[gauge.first][1]
                gauge.first += 1

    def count(self, now: float, amount: int) -> None:
        self.used.append((now, amount))
        for gauge in self.gauges:
            gauge.in_slot += amount
            gauge.in_window += amount
            gauge.peak = max(gauge.peak, gauge.in_window)
        self._trim()

    def _trim(self) -> None:
        past = min(gauge.first for gauge in self.gauges)
        if past > TRIM_FROM and past > len(self.used) // 2:
            del self.used[:past]
            for gauge in self.gauges:
                gauge.first -= past

    def _forget(self) -> None:
        self.used.clear()
        for gauge in self.gauges:
            gauge.first = gauge.in_window = 0


class RateLimits:
    """Counts per kind of use and subject: an API, a member, a robot, an address."""

    def __init__(self, config: SandboxConfig, clock: Clock, accounts: Callable[[], int]) -> None:
        self._config = config
        self.clock = clock
        self._accounts = accounts
        self._meters: dict[tuple[str, str], Meter] = {}

    def charge(self, kind: str, subject: str = CORP, *, amount: int = 1) -> None:
        """Count, or raise the rule's code and block for as long as the platform does."""
        if not self._config.limits:
            return
        now, rules = self.clock.now(), RULES[kind]
        meter = self._meter(kind, subject, now)
        self._refuse_blocked(meter, rules, now)
        for rule, gauge in zip(rules, meter.gauges, strict=True):
            if not self._fits(rule, gauge, amount):
                gauge.refused += 1
                gauge.blocked_until = rule.blocked_until(now)
                raise PlatformError(rule.errcode)
        meter.count(now, amount)

    def take(self, kind: str, subject: str) -> bool:
        """Count one, or drop it silently."""
        if not self._config.limits:
            return True
        now, rules = self.clock.now(), RULES[kind]
        meter = self._meter(kind, subject, now)
        for rule, gauge in zip(rules, meter.gauges, strict=True):
            if not self._fits(rule, gauge, 1):
                gauge.dropped += 1
                return False
        meter.count(now, 1)
        return True

    def refuse_if_blocked(self, kind: str, subject: str = CORP) -> None:
        meter = self._meters.get((kind, subject)) if self._config.limits else None
        if meter is not None:
            self._refuse_blocked(meter, RULES[kind], self.clock.now())

    def block(self, kind: str, subject: str, window: int) -> None:
        """As if a limit of this length had been hit now, also where limits are off."""
        now = self.clock.now()
        meter = self._meter(kind, subject, now)
        meter.gauges[0].blocked_until = end_of_day(now) if window == DAY else now + window

    def refuse_on_demand(self, subject: str) -> None:
        meter = self._meters.get(("on demand", subject))
        if meter is not None:
            self._refuse_blocked(meter, RULES["on demand"], self.clock.now())

    @staticmethod
    def _refuse_blocked(meter: Meter, rules: tuple[Rule, ...], now: float) -> None:
        for rule, gauge in zip(rules, meter.gauges, strict=True):
            if now < gauge.blocked_until:
                gauge.refused += 1
                raise PlatformError(rule.errcode)

    def _meter(self, kind: str, subject: str, now: float) -> Meter:
        meter = self._meters.get((kind, subject))
        if meter is None:
            meter = Meter(tuple(Gauge() for _ in RULES[kind]))
            self._meters[kind, subject] = meter
        meter.look(RULES[kind], now)
        return meter

    def _fits(self, rule: Rule, gauge: Gauge, amount: int) -> bool:
        most = self._most(rule)
        used = gauge.in_window if self._config.limit_windows == "sliding" else gauge.in_slot
        return most is None or used + amount <= most

    def _most(self, rule: Rule) -> int | None:
        return rule.most(self._config.limit_numbers, self._config.account_limit or self._accounts())

    # Views

    def forget(self) -> None:
        self._meters.clear()

    def counters(self, kind: str | None = None, subject: str | None = None) -> Iterator[dict[str, Any]]:
        """One row per rule and subject."""
        now = self.clock.now()
        for (its_kind, its_subject), meter in self._meters.items():
            if kind not in (None, its_kind) or subject not in (None, its_subject):
                continue
            meter.look(RULES[its_kind], now)
            for rule, gauge in zip(RULES[its_kind], meter.gauges, strict=True):
                yield self._row(its_kind, its_subject, rule, gauge, now)

    def _row(self, kind: str, subject: str, rule: Rule, gauge: Gauge, now: float) -> dict[str, Any]:
        return {
            "kind": kind,
            "rule": rule.name,
            "subject": subject,
            "window_seconds": rule.window,
            "most": self._most(rule),
            "used": gauge.in_window if self._config.limit_windows == "sliding" else gauge.in_slot,
            "peak": gauge.peak,
            "refused": gauge.refused,
            "dropped": gauge.dropped,
            "blocked_until": gauge.blocked_until if gauge.blocked_until > now else None,
        }

    def rules(self) -> list[dict[str, Any]]:
        """The whole table, each rule with the largest use and peak of any subject, and the sums of what went wrong."""
        rows = {(kind, rule.name): self._summary(kind, rule) for kind, rules in RULES.items() for rule in rules}
        for counter in self.counters():
            row = rows[counter["kind"], counter["rule"]]
            row["subjects"] += 1
            row["used"] = max(row["used"], counter["used"])
            row["peak"] = max(row["peak"], counter["peak"])
            row["refused"] += counter["refused"]
            row["dropped"] += counter["dropped"]
            row["blocked"] += counter["blocked_until"] is not None
        return list(rows.values())

    def _summary(self, kind: str, rule: Rule) -> dict[str, Any]:
        about = {"kind": kind, "rule": rule.name, "per": rule.per, "window_seconds": rule.window}
        about |= {"most": self._most(rule), "excess": rule.excess, "errcode": rule.errcode, "source": rule.source}
        return about | dict.fromkeys(("subjects", "used", "peak", "refused", "dropped", "blocked"), 0)


def end_of_day(now: float) -> float:
    """A day limit blocks for the rest of the calendar day, on the company's clock (UTC+8)."""
    return ((now + BEIJING) // DAY + 1) * DAY - BEIJING


def day_of(at: float) -> int:
    """The calendar day in UTC+8."""
    return int((at + BEIJING) // DAY)


def format_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + BEIJING))
