"""Names that two places must agree on: jobs, timers, buttons, settings, migrations."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.bootstrap import REGISTRY
from app.database import MIGRATIONS, expected_revision
from app.manifest import Domain, DuplicateName, collect
from app.settings import is_secret, setting_names
from app.web.scopes import scopes_of
from tests.architecture.source import modules, tree

NAME = re.compile(r"^[a-z_]+\.[a-z_]+$")


def calls(*names: str) -> list[tuple[Path, ast.Call]]:
    return [
        (path, node)
        for path in modules("app", "callbacks")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


def value_of(path: Path, expression: ast.expr) -> Any:
    """The text an argument stands for: a literal, or a constant of the module. None for a variable."""
    if isinstance(expression, ast.Constant):
        return expression.value
    module = importlib.import_module(".".join(path.with_suffix("").parts))
    try:
        return eval(ast.unparse(expression), vars(module))  # noqa: S307 -- our own source
    except NameError:
        return None


def before_colon(path: Path, key: ast.expr) -> Any:
    """The action of a button's key; None where only the running program knows it."""
    if isinstance(key, ast.JoinedStr):
        first = key.values[0]
        key = first.value if isinstance(first, ast.FormattedValue) else first
    value = value_of(path, key)
    return value.partition(":")[0] if isinstance(value, str) else None


class TestJobs:
    def test_every_job_timer_and_recurring_job_is_registered_once(self) -> None:
        """`collect` refuses a name that two domains claim."""
        assert REGISTRY.jobs
        assert REGISTRY.timers

    @pytest.mark.parametrize(
        "what", ["jobs", "timers", "card_actions", "card_absorbers", "outcomes", "kinds", "rungs", "departure_parts"]
    )
    def test_a_name_given_twice_fails_at_start_with_both_owners(self, what: str) -> None:
        first, second = (_domain(name, **{what: {"org.sync": _nothing}}) for name in ("tasks", "conduct"))
        with pytest.raises(DuplicateName, match=f"{what}.*org.sync.*tasks.*conduct"):
            collect([first, second])

    def test_two_domains_of_one_name_fail_at_start(self) -> None:
        with pytest.raises(DuplicateName):
            collect([Domain(name="tasks"), Domain(name="tasks")])

    def test_a_scope_given_twice_fails_at_start(self) -> None:
        with pytest.raises(DuplicateName, match=r"tasks.*conduct"):
            collect([Domain(name="tasks", scopes=["x"]), Domain(name="conduct", scopes=["x"])])

    def test_every_package_with_a_manifest_is_listed(self) -> None:
        """A domain is a package and one line in `bootstrap`."""
        packages = {path.parent.name for path in modules("app") if path.name == "domain.py"}
        assert packages == {domain.name for domain in REGISTRY.domains}

    def test_what_is_scheduled_is_a_job(self) -> None:
        assert set(REGISTRY.schedule) <= set(REGISTRY.jobs)

    def test_what_is_enqueued_is_a_job(self) -> None:
        """The queue carries names; a wrong one would wait for ever."""
        found = [value_of(path, call.args[0]) for path, call in calls("Job", "QueuedJob")]
        defined = [name for name in found if name is not None]
        assert defined
        assert sorted(defined) == sorted(REGISTRY.jobs)

    def test_only_the_queue_itself_handles_untyped_payloads(self) -> None:
        """Everybody else defines a `Job` and says what it carries."""
        raw = {path for path, _ in calls("enqueue", "enqueue_many")}
        imported = {
            path
            for path in modules("app", "callbacks")
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom) and node.module == "app.jobs.queue"
        }
        assert {path.parent for path in raw | imported} == {Path("app/jobs")}

    def test_every_timer_that_is_set_has_a_handler(self) -> None:
        wanted = {value_of(path, call.args[1]) for path, call in calls("set_timer") if len(call.args) > 1}
        assert wanted - {None}
        assert wanted - {None} <= set(REGISTRY.timers)

    def test_names_are_a_noun_and_a_verb(self) -> None:
        assert [name for name in [*REGISTRY.jobs, *REGISTRY.timers] if not NAME.fullmatch(name)] == []


class TestButtons:
    def test_every_button_we_draw_has_an_action(self) -> None:
        """A button key is `<domain>.<verb>:<id>`; the part before the colon finds the function."""
        drawn = {before_colon(path, call.args[1]) for path, call in calls("CardButton") if len(call.args) > 1}
        assert drawn - {None}
        assert drawn - {None} <= set(REGISTRY.card_actions)

    def test_the_grammar_of_actions(self) -> None:
        assert [name for name in REGISTRY.card_actions if not NAME.fullmatch(name)] == []


class TestScopes:
    def test_every_scope_that_is_required_can_be_given(self) -> None:
        """A key gets its scopes out of the manifests; another one would close an endpoint for ever."""
        required = {value_of(path, call.args[0]) for path, call in calls("require")}
        required |= {value_of(path, call.args[1]) for path, call in calls("allows")}
        assert required - {None}
        assert required - {None} <= set(scopes_of(REGISTRY))

    def test_every_resource_guards_something(self) -> None:
        required = {value_of(path, call.args[0]) for path, call in calls("require")}
        guarded = {scope.partition(":")[0] for scope in required}
        assert {scope for scope in REGISTRY.scopes if ":" not in scope} == guarded
        assert {scope for scope in REGISTRY.scopes if ":" in scope} <= required


class TestRequests:
    def test_kinds_register_themselves(self) -> None:
        """D12: `create_group`, `join`, `exit`."""
        assert {"create_group", "join", "exit"} <= set(REGISTRY.kinds)


class TestSettings:
    def test_no_secret_has_a_default(self) -> None:
        """Habit 27: a secret that was forgotten stops the start."""
        given = [name for name, (_, field) in setting_names() if is_secret(field) and field.default not in (None, ...)]
        assert [name for name in given if not _is_undefined(name)] == []

    def test_what_is_called_a_secret_is_treated_as_one(self) -> None:
        words = ("SECRET", "TOKEN", "AES_KEY", "API_KEY")
        names = {name for name, (_, field) in setting_names() if not is_secret(field)}
        assert [name for name in names if any(word in name for word in words)] == []

    def test_every_setting_says_where_to_find_its_value(self) -> None:
        assert [name for name, (_, field) in setting_names() if not field.description] == []


class TestMigrations:
    """Habit 19: migrations are a product."""

    def test_file_names_carry_date_and_purpose(self) -> None:
        pattern = re.compile(r"\d{4}_\d{2}_\d{2}_\d{4}_[a-z]+(_[a-z]+)+\.py")
        names = [path.name for path in (MIGRATIONS / "versions").glob("*.py")]
        assert names
        assert [name for name in names if not pattern.fullmatch(name)] == []

    def test_there_is_one_head(self) -> None:
        assert expected_revision()

    def test_their_order_in_the_folder_is_their_order(self) -> None:
        revisions, parents = [], []
        for path in sorted((MIGRATIONS / "versions").glob("*.py")):
            source = path.read_text(encoding="utf-8")
            revisions.append(_assigned(source, "revision"))
            parents.append(_assigned(source, "down_revision"))
        assert parents == [None, *revisions[:-1]]


def _domain(name: str, **said: Any) -> Domain:
    return Domain(name=name, **said)


async def _nothing(*_arguments: object) -> None:
    """A job that does nothing."""


def _is_undefined(name: str) -> bool:
    field = dict(setting_names())[name][1]
    return field.is_required() or not isinstance(field.default, SecretStr | str)


def _assigned(source: str, name: str) -> str | None:
    found = re.search(rf"^{name}(?:: [^=]+)? = (?:[\"'](.+)[\"']|None)$", source, re.MULTILINE)
    assert found, name
    return found[1]
