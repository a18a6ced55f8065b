"""Our own source, as paths and syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "callbacks", "listening", "models", "sandbox")
DOMAINS = (
    "announcements",
    "approvals",
    "delivery",
    "groups",
    "inbox",
    "org",
    "policy",
    "reconciliation",
    "sync",
    "tasks",
)
"""Those with a REST interface of their own subject."""

PACKAGES_OF_THE_APP = tuple(
    sorted(path.parent.relative_to(ROOT) for path in (ROOT / "app").rglob("__init__.py") if path.parent != ROOT / "app")
)


@cache
def modules(*packages: str) -> tuple[Path, ...]:
    """Every module of these packages, or of all, as paths from the root."""
    found = (path for package in packages or PACKAGES for path in (ROOT / package).rglob("*.py"))
    return tuple(sorted(path.relative_to(ROOT) for path in found))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def imported_packages(node: ast.AST) -> set[str]:
    """The top-level packages that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {node.module.split(".")[0]}
    return set()
