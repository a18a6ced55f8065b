"""Every place of a document that says who is meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.policy.schema import PolicyDocument
from app.policy.sections.people import Expression
from app.policy.sections.values import Section

KEYS = frozenset(
    {"approver", "administered_by", "informed", "fallback", "supervised_by", "to", "applied_by", "held_by"}
)
"""Under these keys stands an expression, or a list of them."""


def expressions_in(document: PolicyDocument | Mapping[Any, Any]) -> Iterator[tuple[str, Expression]]:
    """Each expression with its path: `groups.types.project.join.steps[0].approver`.

    A raw document may have faults; what is no expression there is left out, because the schema reports it.
    """
    return _expressions(document, path="", meant=False)


def _expressions(node: Any, *, path: str, meant: bool) -> Iterator[tuple[str, Expression]]:
    if isinstance(node, Section | Mapping):
        for key, value in dict(node).items():
            yield from _expressions(value, path=f"{path}.{key}" if path else str(key), meant=key in KEYS)
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _expressions(value, path=f"{path}[{place}]", meant=meant)
    elif isinstance(node, Expression):
        yield path, node
    elif meant and isinstance(node, str):
        yield from ((path, expression) for expression in _parsed(node))


def _parsed(text: str) -> Iterator[Expression]:
    try:
        yield Expression.parse(text)
    except ValueError:
        return
