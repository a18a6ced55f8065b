"""F57: the steps of a request as they were on submission, read by processes of other releases (policy 1.9: offers)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from app.approvals.kinds import Chain, ChainStep
from app.policy.sections.people import Expression, StepRule

HEAD = StepRule(name="部门负责人", approver=Expression.parse("department_head"), needed="all")
OFFER = ChainStep(name="担任群主", approver=Expression.parse("userid:qian"), is_offer=True)


class ChainBeforeOffers(BaseModel):
    """The column's schema in the release before offers came. Its steps refuse members that they do not know."""

    steps: list[StepRule]


def column() -> dict[str, Any]:
    return Chain(steps=[*Chain.of([HEAD]).steps, OFFER]).column()


class TestARollingUpgrade:
    """While it lasts, processes of two releases read the same rows."""

    def test_a_process_of_the_release_before_reads_a_chain_with_an_offer(self) -> None:
        assert [step.name for step in ChainBeforeOffers.model_validate(column()).steps] == ["部门负责人", "担任群主"]

    def test_this_one_knows_the_offers(self) -> None:
        assert [step.is_offer for step in Chain.model_validate(column()).steps] == [False, True]
        assert Chain.model_validate(column()).column() == column()

    def test_rows_that_say_it_at_the_step_are_read_too(self) -> None:
        """As they were written between two releases."""
        at_the_step = {"steps": [{"name": "担任群主", "approver": "userid:qian", "is_offer": True}]}
        chain = Chain.model_validate(at_the_step)
        assert [step.is_offer for step in chain.steps] == [True]
        assert chain.column()["offers"] == [1]

    def test_what_a_later_release_adds_is_passed_over(self) -> None:
        later = {"steps": [{"name": "部门负责人", "approver": "department_head", "weight": 3}], "rounds": 2}
        assert Chain.model_validate(later).steps == Chain.of([HEAD.model_copy(update={"needed": "any"})]).steps
