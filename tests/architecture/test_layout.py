"""Where things stand: somebody new guesses the file, and finds the rule there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES_OF_THE_APP, ROOT, functions, imported_packages, lines_of, modules, tree

USUAL = {
    "__init__.py",
    "router.py",
    "schemas.py",
    "presentation.py",
    "service.py",
    "rules.py",
    "queries.py",
    "errors.py",
    "messages.py",
    "jobs.py",
    "domain.py",
    "departures.py",
    "sight.py",
    "sheet.py",
    "personal_data.py",
}

MOST_FURTHER_FILES = 6
ONE_FOR_EACH = {Path("app/cli"), Path("app/policy/sections"), Path("app/console/pages"), Path("app/h5/pages")}
"""One file for each group of commands, for each domain of the policy, for each domain with pages."""

NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "shared", "lib", "core"}
EXCEPTIONS = {Path("models/base.py")}
"""What every table shares: one idea, and SQLAlchemy's own word for it."""

LONGEST_MODULE = 450
LONGEST_FUNCTION = 60


class TestPackages:
    """Habit 1: one domain, one package, the same few files. Where more are needed a package is hiding."""

    @pytest.mark.parametrize("package", PACKAGES_OF_THE_APP, ids=str)
    def test_a_package_holds_at_most_six_files_beyond_the_usual_ones(self, package: Path) -> None:
        further = sorted({path.name for path in (ROOT / package).glob("*.py")} - USUAL)
        assert package in ONE_FOR_EACH or len(further) <= MOST_FURTHER_FILES, further

    @pytest.mark.parametrize("package", PACKAGES_OF_THE_APP, ids=str)
    def test_a_package_says_what_it_is(self, package: Path) -> None:
        assert ast.get_docstring(tree(package / "__init__.py"))


class TestNames:
    def test_no_module_is_a_drawer(self) -> None:
        """Habit 6: a function belongs to a concept; give the concept a file."""
        drawers = [path for path in modules() if NAMELESS & {path.stem, *path.parent.parts} and path not in EXCEPTIONS]
        assert drawers == []

    def test_people_have_tasks_and_machines_have_jobs(self) -> None:
        """Habit 2: background code is `jobs.py`, never `tasks.py`."""
        allowed = {
            Path("models/tasks.py"),
            *(folder / "tasks.py" for folder in ONE_FOR_EACH),
        }
        assert [path for path in modules() if path.stem == "tasks" and path not in allowed] == []

    def test_alembic_is_not_a_package_of_ours(self) -> None:
        """Habit 19: it would shadow the library."""
        assert not (ROOT / "alembic" / "__init__.py").exists()


class TestSizes:
    """3.4: past these sizes a file or a function is split by use case."""

    def test_modules(self) -> None:
        sizes = {str(path): (ROOT / path).read_text(encoding="utf-8").count("\n") for path in modules()}
        assert {path: size for path, size in sizes.items() if size > LONGEST_MODULE} == {}

    def test_functions(self) -> None:
        sizes = {f"{path}:{node.name}": lines_of(node) for path in modules() for node in functions(path)}
        assert {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION} == {}


class TestImports:
    def test_arrows_point_one_way(self) -> None:
        """Habit 3: the layers stand in pyproject.toml."""
        program = Path(sys.executable).parent / "lint-imports"
        done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_nothing_of_ours_is_imported_inside_a_function(self) -> None:
        """Habit 3: a cycle is a misunderstanding between two domains, not something to dodge."""
        hidden = [
            f"{path}:{statement.lineno}"
            for path in modules()
            for function in functions(path)
            for statement in ast.walk(function)
            if isinstance(statement, ast.stmt)
            and imported_packages(statement) & {"app", "callbacks", "listening", "models", "sandbox", "tests"}
        ]
        assert hidden == []

    def test_every_module_imports_without_any_environment(self) -> None:
        """Habit 4: nothing is created at import, and nobody but the settings asks the environment."""
        names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in modules()]
        programs = {"app.cli.__main__", "sandbox.__main__"}
        script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
        wanted = [name for name in names if name not in programs]
        done = subprocess.run(
            [sys.executable, "-c", script, *wanted], cwd=ROOT, env={}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def test_the_environment_is_read_where_settings_are_made(self) -> None:
        """Habit 4. The demo passes the environment on to the programs it starts."""
        readers = {str(path) for path in modules("app", "callbacks", "listening", "models") if _reads_environment(path)}
        assert readers <= {"app/cli/session.py", "app/cli/doctor.py", "app/demo/processes.py"}


class TestTransactions:
    """Habit 11: transactions end at the edge. Domain code may flush, never commit."""

    def test_only_the_database_module_begins_and_commits(self) -> None:
        endings = [
            f"{path}:{node.lineno}"
            for path in modules("app", "callbacks", "listening", "models")
            if path != Path("app/database.py")
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"commit", "begin"}
        ]
        assert endings == []

    def test_rules_are_pure(self) -> None:
        """Habit 9: no await, no session, no clock, no settings."""
        impure = [
            f"{path}:{node.lineno}"
            for path in modules("app", "callbacks")
            if path.name == "rules.py"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.AsyncFunctionDef | ast.Await)
            or (isinstance(node, ast.ImportFrom) and node.module in {"app.settings", "app.clock", "app.database"})
        ]
        assert impure == []

    def test_services_take_a_session_or_a_client_and_never_both(self) -> None:
        """D5: nothing calls the platform while a transaction is open."""
        both = [
            f"{path}:{node.name}"
            for path in modules("app", "callbacks")
            for node in functions(path)
            if {"AsyncSession", "WecomClient"} <= _annotations(node)
            or {"AsyncSession", "Platform"} <= _annotations(node)
        ]
        assert both == []


class TestTests:
    def test_nobody_patches_our_own_code(self) -> None:
        """Habit 32: fakes live at the HTTP boundary."""
        patching = [
            str(path.relative_to(ROOT))
            for path in (ROOT / "tests").rglob("*.py")
            if re.search(r"unittest\.mock|monkeypatch\.setattr\(", path.read_text(encoding="utf-8"))
            and path != Path(__file__)
        ]
        assert patching == []


def _reads_environment(path: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in ast.walk(tree(path))
    )


def _annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return {ast.unparse(argument.annotation) for argument in arguments if argument.annotation}
