"""Habit 35: the documentation is current. What can be checked is."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic_core import PydanticUndefined

from app.bootstrap import REGISTRY
from app.main import create_app
from app.settings import setting_names
from tests.architecture.source import ROOT
from tests.cli.test_start import commands

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EVERYTHING = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
OPERATORS = EVERYTHING[ROOT / "docs" / "operators.md"]
INTEGRATORS = EVERYTHING[ROOT / "docs" / "integrators.md"]

_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


def shown_default(name: str) -> str:
    """As the table in docs/operators.md writes it."""
    field = dict(setting_names())[name][1]
    if field.is_required() or field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, timedelta):
        unit = next(unit for unit, length in _UNITS.items() if field.default % length == timedelta())
        return f"`{field.default // _UNITS[unit]}{unit}`"
    if isinstance(field.default, Path):
        return f"`./{field.default}`"
    return f"`{field.default}`" if field.default is not None else "–"


class TestOperators:
    def test_every_setting_is_in_the_table_with_its_default(self) -> None:
        rows = dict(re.findall(r"^\| `(STEWARD_\w+)` \| (.+?) \|", OPERATORS, re.MULTILINE))
        assert list(rows) == [name for name, _ in setting_names()]
        for name, default in rows.items():
            assert default == shown_default(name) or (
                shown_default(name) == "–" and default in {"embedded", "built-in"}
            )

    def test_every_command_that_is_named_exists(self) -> None:
        known = {" ".join(command) for command in commands()}
        named = {
            match.strip()
            for text in EVERYTHING.values()
            for match in re.findall(r"^(?:\.venv/bin/)?steward ([a-z][a-z-]*(?: [a-z]+)?)", text, re.MULTILINE)
        }
        assert named
        wrong = {words for words in named if words not in known and words.split()[0] not in known}
        assert wrong == set()

    def test_every_setting_that_is_named_exists(self) -> None:
        known = {name for name, _ in setting_names()} | {f"{name}_FILE" for name, _ in setting_names()}
        for path, text in EVERYTHING.items():
            assert set(re.findall(r"STEWARD_[A-Z_]*[A-Z]", text)) <= known, path


class TestIntegrators:
    def test_every_path_that_is_called_exists(self) -> None:
        paths = create_app(SimpleNamespace(registry=REGISTRY)).openapi()["paths"]  # type: ignore[arg-type]  # nothing is asked of it
        patterns = [re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)) for path in paths]
        called = set(re.findall(r"\$A(/[^\s\"'?]+)", INTEGRATORS))
        assert called
        assert [path for path in called if not any(pattern.fullmatch(f"/api/v1{path}") for pattern in patterns)] == []

    def test_every_scope_is_named(self) -> None:
        assert [resource for resource in REGISTRY.scopes if f"`{resource}`" not in INTEGRATORS] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", EVERYTHING[path])
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(path: Path) -> None:
    named = re.findall(
        r"`((?:app|callbacks|listening|models|sandbox|tests|docs|alembic)/[\w/]+(?:\.py|\.md|\.yaml|/))`",
        EVERYTHING[path],
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_classes_of_tests_that_are_named_exist(path: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", EVERYTHING[path])
    assert [f"{file}::{name}" for file, name in named if f"class {name}" not in (ROOT / file).read_text()] == []
