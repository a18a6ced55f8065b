"""What one domain may know of another: `service`, `queries`, `errors`, and what PUBLISHED lists.

The layers in pyproject.toml say which way imports go; this says through which door. The composition root (`bootstrap`,
`main`) builds everything and may open all of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, modules, tree

PLUMBING = {"audit", "jobs", "limits", "pages", "spreadsheets", "web", "wecom"}
"""Packages that are made to be taken apart: below the domains, and the frame of the pages above them."""

DOMAINS = {path.parent.name for path in modules("app") if path.name in {"domain.py", "service.py"}} - PLUMBING

FACE = {"service", "queries", "errors"}

PUBLISHED = (
    "app.policy.schema",
    "app.policy.sections",  # value types of the document: what a rule is made of
    "app.org.rules",  # pure: who is employed, reachable, may act, is gone
)

COMPOSITION = {Path("app/bootstrap.py"), Path("app/main.py")}


def imported(path: Path) -> Iterator[str]:
    """Every module of `app` that this one imports from."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("app."))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "app":
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                is_module = (ROOT / Path(*name.split("."))).with_suffix(".py").exists()
                yield name if is_module else node.module


def is_allowed(importer: Path, module: str) -> bool:
    _, domain, *rest = module.split(".")
    if domain not in DOMAINS or importer.parts[1] == domain:
        return True
    return rest[:1] in [[name] for name in FACE] or module.startswith(PUBLISHED)


def past_the_face() -> set[tuple[str, str]]:
    return {
        (".".join(path.with_suffix("").parts), module)
        for path in modules("app")
        if path not in COMPOSITION
        for module in imported(path)
        if not is_allowed(path, module)
    }


def test_a_domain_is_known_by_its_face() -> None:
    assert past_the_face() == set(), "import from service, queries or errors of the other domain"


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_every_domain_has_a_face(domain: str) -> None:
    assert (ROOT / "app" / domain / "service.py").exists()


@pytest.mark.parametrize(
    ("importer", "module", "allowed"),
    [
        ("app/tasks/assign.py", "app.org.queries", True),
        ("app/tasks/assign.py", "app.tasks.context", True),
        ("app/tasks/assign.py", "app.policy.sections.values", True),
        ("app/tasks/assign.py", "app.jobs.timers", True),
        ("app/tasks/assign.py", "app.org.identity", False),
        ("app/cli/org.py", "app.sync.full_run", False),
    ],
)
def test_the_rule_itself(importer: str, module: str, allowed: bool) -> None:
    assert is_allowed(Path(importer), module) is allowed


ROUTERS = [path for path in modules("app") if path.name == "router.py" and path.parts[1] != "probes"]


@pytest.mark.parametrize("path", ROUTERS, ids=str)
def test_a_router_neither_selects_nor_turns_rows_into_schemas(path: Path) -> None:
    """SELECTs stand in `queries.py`, schemas are filled in `presentation.py`."""
    nodes = list(ast.walk(tree(path)))
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called & {"select", "text"} == set()
    loops = [ast.unparse(node) for node in nodes if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp)]
    assert loops == []
