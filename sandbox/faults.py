"""Misbehaviour on demand, per endpoint: an errcode, an HTTP error, silence, slowness."""

import itertools
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

When = Literal["before", "after"]


class Fault(BaseModel):
    """What to do to the next `times` calls of an endpoint (`message/send`, or `*` for all).

    `before` keeps the effect from happening, `after` hides the answer of an effect that happened.
    A `timeout` answers nothing until the caller gives up; a `drop` closes the connection.
    With only a `delay` the call succeeds late.
    """

    model_config = ConfigDict(extra="forbid")

    endpoint: str
    errcode: int | None = None
    http_status: int | None = Field(default=None, ge=100, le=599)
    times: int | None = 1
    """None for every call until the faults are cleared."""
    when: When = "before"
    timeout: bool = False
    drop: bool = False
    delay: float = 0.0
    answer: dict[str, Any] | None = None
    """Fields laid over the real answer of an effect that happened, such as an `invaliduser`."""

    @property
    def goes_through(self) -> bool:
        """Nothing but late, or nothing but another answer: the call itself goes through."""
        return self.errcode is None and self.http_status is None and not self.timeout and not self.drop


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

    def listed(self) -> list[Fault]:
        return list(self._armed.values())

    def take(self, endpoint: str) -> Fault | None:
        """The oldest fault for this endpoint, counted down."""
        for fault_id, fault in self._armed.items():
            if fault.endpoint in (endpoint, "*"):
                self._count_down(fault_id, fault)
                return fault
        return None

    def _count_down(self, fault_id: int, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            del self._armed[fault_id]
