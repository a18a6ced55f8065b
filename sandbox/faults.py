"""Misbehaviour on demand, per endpoint: an errcode, an HTTP error, silence, slowness, half an answer, a block."""

import itertools
import random
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from sandbox.limits import DAY, HOUR, MINUTE, MONTH

When = Literal["before", "after"]
Window = Literal["minute", "hour", "day", "month"]

SECONDS: dict[Window, int] = {"minute": MINUTE, "hour": HOUR, "day": DAY, "month": MONTH}


@dataclass(frozen=True)
class Subject:
    """A call as far as a fault can tell it from others."""

    endpoint: str
    app: str
    """The agent id, or `contacts`."""
    query: dict[str, str]
    body: dict[str, Any]
    text: str


class Fault(BaseModel):
    """What to do to the next `times` calls of an endpoint (`message/send`, or `*` for all).

    `before` keeps the effect from happening, `after` hides the answer of an effect that happened.
    A `timeout` answers nothing until the caller gives up; a `drop` closes the connection; a `truncated`
    answer breaks off in its body, `broken_json` arrives whole and is no JSON. With only a `delay` the
    call succeeds late.
    """

    model_config = ConfigDict(extra="forbid")

    endpoint: str

    # Which calls
    times: int | None = 1
    """None for every call until the faults are cleared."""
    skip: int = Field(default=0, ge=0)
    """So many matching calls pass first."""
    chance: float = Field(default=1.0, ge=0, le=1)
    """The share of matching calls that it hits; the same ones for the same `seed`."""
    seed: int = 1
    app: str | None = None
    """Calls of this agent id only, or of `contacts`."""
    match: dict[str, Any] = Field(default_factory=dict)
    """Calls whose query or body has these values, by dotted path: `{"text.content": "你好"}`."""
    contains: str = ""
    """Calls with this text anywhere in the raw body."""

    # What happens to them
    when: When = "before"
    errcode: int | None = None
    http_status: int | None = Field(default=None, ge=100, le=599)
    timeout: bool = False
    drop: bool = False
    truncated: bool = False
    broken_json: bool = False
    delay: float = 0.0
    """Seconds of real time, since the caller's patience is real."""
    expire_token: bool = False
    """The token of the call dies; it and all that follow with it get 42001."""
    rate_limit: Window | None = None
    """45009 now and for as long as the platform blocks after such a limit, by the sandbox's clock."""
    invalid_users: list[str] = Field(default_factory=list)
    """Recipients taken for unknown; the others get the message."""
    lost_users: list[str] = Field(default_factory=list)
    """Recipients whom the message silently does not reach."""
    answer: dict[str, Any] | None = None
    """Fields laid over the real answer of an effect that happened, such as an `invaliduser`."""

    spelled: dict[str, str] = Field(default_factory=dict)
    """Texts of the real answer, and the bytes (hexadecimal) that stand there instead: a raw control character, half an
    emoji, another encoding."""

    _random: random.Random | None = PrivateAttr(default=None)

    @property
    def goes_through(self) -> bool:
        """The call itself goes through: late, with another answer, or refused in the ordinary way."""
        hidden = self.timeout or self.drop or self.truncated or self.broken_json
        return self.errcode is None and self.http_status is None and not hidden

    def concerns(self, call: Subject) -> bool:
        if self.endpoint not in (call.endpoint, "*") or self.app not in (None, call.app):
            return False
        return self.contains in call.text and all(_at(call, path) == value for path, value in self.match.items())

    def strikes(self) -> bool:
        """Whether this matching call is one of those to be hit."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self._random is None:
            self._random = random.Random(self.seed)  # noqa: S311 - misfortune that repeats, not secrets
        return self._random.random() < self.chance


def _at(call: Subject, path: str) -> Any:
    if path in call.query:
        return call.query[path]
    value: Any = call.body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


@dataclass
class Faults:
    _armed: dict[int, Fault] = field(default_factory=dict)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def arm(self, fault: Fault) -> int:
        fault_id = next(self._ids)
        self._armed[fault_id] = fault
        return fault_id

    def clear(self) -> None:
        self._armed.clear()

    def disarm(self, fault_id: int) -> bool:
        return self._armed.pop(fault_id, None) is not None

    def numbered(self) -> dict[int, Fault]:
        return dict(self._armed)

    def listed(self) -> list[Fault]:
        return list(self._armed.values())

    def take(self, call: Subject) -> Fault | None:
        """The oldest fault that hits this call, counted down."""
        for fault_id, fault in self._armed.items():
            if fault.concerns(call) and fault.strikes():
                self._count_down(fault_id, fault)
                return fault
        return None

    def _count_down(self, fault_id: int, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            del self._armed[fault_id]
