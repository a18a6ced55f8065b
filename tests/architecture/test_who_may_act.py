"""Who is employed, may act or is gone is decided in `app/org/rules.py`: nobody writes a second definition (P6)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from models.org import PersonStatus
from tests.architecture.source import modules, tree

HOME = Path("app/org/rules.py")
WRITES = {
    Path("app/org/identity.py"),  # ends the second of two people who are one
    Path("app/sync/rules.py"),  # what a reading makes of a status
    Path("app/sync/changes/compare.py"),  # the same for a hundred thousand at once
    Path("app/sync/changes/apply.py"),
    Path("app/sync/changes/new_and_returned_people.py"),
    Path("app/limits/numbers.py"),  # how many accounts the platform counts: chooses nobody
}
TELLING = {status.value for status in PersonStatus} - {"active", "disabled"}
"""Words that in a statement can only be the status of a person."""

EVERYWHERE = [path for path in modules("app", "callbacks") if path not in {HOME, *WRITES}]
ACTING = ("announcements", "approvals", "cards", "delivery", "departures", "findings", "groups", "ledger")
CHOOSERS = [
    path
    for path in EVERYWHERE
    if path.parts[1] in {*ACTING, "reconciliation", "roles", "tasks"} and len(path.parts) > 2
]


def chosen_by_hand(source: ast.Module) -> list[int]:
    """Lines that name a status of a person, which only a definition of one's own needs."""
    return [
        node.lineno
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "PersonStatus"
        and node.attr.isupper()
    ]


def chosen_in_sql(source: ast.Module) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(source)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "people" in node.value
        and any(f"'{word}'" in node.value for word in TELLING)
    ]


def compared(source: ast.Module) -> list[int]:
    """Lines that compare the `status` of a person, or of an account that was read, with values of their own."""
    return [
        node.lineno
        for node in ast.walk(source)
        if isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Attribute)
        and node.left.attr == "status"
        and not (isinstance(node.left.value, ast.Name) and node.left.value.id == "failure")  # of HTTP
    ]


@pytest.mark.parametrize("path", EVERYWHERE, ids=str)
def test_nobody_else_names_a_status(path: Path) -> None:
    assert chosen_by_hand(tree(path)) + chosen_in_sql(tree(path)) == []


@pytest.mark.parametrize("path", CHOOSERS, ids=str)
def test_whoever_chooses_people_asks_the_rules(path: Path) -> None:
    assert compared(tree(path)) == []


@pytest.mark.parametrize(
    "second",
    [
        "able = [one for one in people if one.status is PersonStatus.ACTIVE]",
        "OUT = frozenset({2, 5})\nif user.status in OUT: pass",
        "ROWS = \"SELECT id FROM people WHERE status NOT IN ('left', 'missing')\"",
    ],
)
def test_a_second_definition_would_be_found(second: str) -> None:
    source = ast.parse(second)
    assert chosen_by_hand(source) + chosen_in_sql(source) + compared(source)
