"""Who is meant, as a value, and every place of a document that says it."""

from __future__ import annotations

from typing import Any

import pytest

from app.policy.document import default_document
from app.policy.expressions import KEYS, expressions_in
from app.policy.schema import PolicyDocument
from app.policy.sections.people import Expression, ExpressionKind, StepRule
from tests.builders.policy import changed

EVERYWHERE = {
    "approvals__fallback": ["role:hr", "tag:值班"],
    "tasks__escalation": [{"after": "0m", "to": "tag:督办"}],
    "groups__types__project__administered_by": "tag:项目经理",
    "groups__types__project__informed": ["userid:sun"],
}


def everywhere() -> dict[str, str]:
    return {path: str(found) for path, found in expressions_in(changed(default_document(), **EVERYWHERE))}


class TestValue:
    """Text outside, a value inside."""

    @pytest.mark.parametrize(
        ("text", "kind", "name"),
        [
            ("department_head", ExpressionKind.DEPARTMENT_HEAD, ""),
            ("role:hr", ExpressionKind.ROLE, "hr"),
            ("tag:值班: 夜班", ExpressionKind.TAG, "值班: 夜班"),
            ("userid:Li.Ming", ExpressionKind.USERID, "Li.Ming"),
        ],
    )
    def test_it_is_read_and_written_as_the_same_text(self, text: str, kind: ExpressionKind, name: str) -> None:
        expression = Expression.parse(text)
        assert expression == Expression(kind, name)
        assert str(expression) == text

    @pytest.mark.parametrize("text", ["", "head", "role:", "role", "department_head:x", "Role:hr"])
    def test_what_names_nobody_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="可写 department_head"):
            Expression.parse(text)

    @pytest.mark.parametrize("mode", ["json", "python"])
    def test_a_stored_step_holds_the_text(self, mode: str) -> None:
        step = StepRule(name="人力资源", approver=Expression.parse("role:hr"))
        stored = step.model_dump(mode=mode)
        assert type(stored["approver"]) is str
        assert stored["approver"] == "role:hr"
        assert StepRule.model_validate(stored) == step

    def test_interfaces_describe_it_as_text(self) -> None:
        described = StepRule.model_json_schema()["properties"]["approver"]
        assert described == {"title": "Approver", "type": "string"}

    def test_a_document_without_fallback_falls_back_to_the_head(self) -> None:
        plain = default_document().model_dump(mode="json")
        del plain["approvals"]["fallback"]
        document = PolicyDocument.model_validate(plain)
        assert document.approvals.fallback == [Expression(ExpressionKind.DEPARTMENT_HEAD)]


class TestWalk:
    """One function finds them all, with the paths that faults are reported under."""

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("approvals.fallback[1]", "tag:值班"),
            ("tasks.escalation[0].to", "tag:督办"),
            ("groups.types.project.administered_by", "tag:项目经理"),
            ("groups.types.project.informed[0]", "userid:sun"),
            ("groups.types.project.create[0].approver", "department_head"),
            ("groups.types.project.join.steps[1].approver", "role:hr"),
            ("groups.types.project.exit.steps[0].approver", "group_administrator"),
            ("groups.supervised_by", "role:hr"),
        ],
    )
    def test_each_place_is_found(self, path: str, text: str) -> None:
        assert everywhere()[path] == text

    def test_who_applied_is_no_expression(self) -> None:
        document = changed(default_document(), groups__types__project__administered_by="applicant")
        assert "groups.types.project.administered_by" not in dict(expressions_in(document))

    def test_a_raw_document_has_the_same_places(self) -> None:
        """Faults of a draft are found where the document will have its expressions."""
        document = changed(default_document(), **EVERYWHERE)
        assert list(expressions_in(document.model_dump(mode="json"))) == list(expressions_in(document))

    @pytest.mark.parametrize(
        "broken", [{"to": "nobody"}, {"to": 3}, {"to": {"x": "role:hr"}}, {"title": "role:hr"}, {}]
    )
    def test_what_is_none_in_a_raw_document_is_left_out(self, broken: dict[str, Any]) -> None:
        assert list(expressions_in({"tasks": {"escalation": [broken]}})) == []

    def test_no_key_is_forgotten(self) -> None:
        assert {path.split(".")[-1].split("[")[0] for path in everywhere()} == KEYS
