"""The log of calls, looked through: by endpoint, errcode, outcome and text, page by page towards the past."""

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.state import SandboxState

ROWS = 50
LOOKED_AT = 10_000
"""Of a long log one page looks through so many rows; the next goes on from there."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What a reader looks for. Empty is everything."""

    endpoint: str = ""
    errcode: int | None = None
    only_bad: bool = False
    text: str = ""

    def holds(self, call: Row) -> bool:
        if self.endpoint not in ("", call["endpoint"]):
            return False
        if self.errcode not in (None, call["errcode"]):
            return False
        if self.only_bad and not call["errcode"] and not call["fault"]:
            return False
        return not self.text or self.text.lower() in _text(call)


@dataclass
class Page:
    """Newest first. `older` is where the next page begins, None at the end of the log."""

    rows: list[Row] = field(default_factory=list)
    older: int | None = None


def find_calls(state: SandboxState, wanted: Wanted, *, before: int | None = None) -> Page:
    """The latest calls that are wanted, of those before a number."""
    page, looked_at = Page(), 0
    for call in reversed(state.calls):
        if before is not None and call["id"] >= before:
            continue
        if len(page.rows) == ROWS or looked_at == LOOKED_AT:
            page.older = call["id"] + 1
            break
        looked_at += 1
        if wanted.holds(call):
            page.rows.append(call)
    return page


def _text(call: Row) -> str:
    """All that is shown of a call, in small letters."""
    asked = json.dumps([call["query"], call["body"]], ensure_ascii=False)
    return f"{call['path']} {call['app']} {asked} {call['answer']}".lower()
