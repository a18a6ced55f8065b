"""Which clauses a change of the policy touches. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.policy.differences import Change
from app.policy.schema import PolicyDocument

_SECTIONS: Final = ("clauses.", "carried_out.")
_RULES: Final = "rules."


@dataclass(frozen=True, slots=True)
class ClauseChanges:
    """What changes about one clause. Of no clause: what the document says of itself."""

    clause: str
    text: str
    changes: tuple[Change, ...]


def by_clause(changes: Sequence[Change], document: PolicyDocument) -> list[ClauseChanges]:
    """Each change stands once, below the first clause that it touches; clauses in the order of the document."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(clause_touched(change, document.rules), []).append(change)
    order = {number: place for place, number in enumerate(document.clauses)}
    return [
        ClauseChanges(number, document.clauses.get(number, ""), tuple(found[number]))
        for number in sorted(found, key=lambda one: (order.get(one, len(order)), one))
    ]


def clause_touched(change: Change, rules: Mapping[str, str]) -> str:
    """The clause itself, else the one on which a rule rests that reads the value; "" where neither is known."""
    for section in _SECTIONS:
        if change.path.startswith(section):
            return _numbered(change.path.removeprefix(section))
    if change.path.startswith(_RULES):
        return change.after or change.before or ""
    return next((rules[key] for key in change.rule_keys if key in rules), "")


def _numbered(rest: str) -> str:
    """`3.6` of `3.6.enforced`: what follows the number is a word."""
    parts = rest.split(".")
    return ".".join(part for part in parts if part[:1].isdigit())
