from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from app.groups import group_names, rules, succession
from app.groups.errors import NameRefused, SizeRefused
from app.groups.succession import Succession, SuccessionBasis
from app.policy.document import default_document
from app.policy.sections.groups import GroupTypeRule
from app.reconciliation import rules as reconciliation_rules
from app.reconciliation.rules import Stay
from models.ids import WecomUserId, fold, new_id

DOCUMENT = default_document()
BUDGET = DOCUMENT.org.loss_budget


def rule(group_type: str = "project") -> GroupTypeRule:
    return DOCUMENT.groups.types[group_type]


class TestNames:
    """Policy 1.3: 群名称格式为“部门名称-项目名称”或“部门名称-工作事项”，不超过 50 个字符。"""

    @pytest.mark.parametrize("name", ["研发部-新品项目", "行政部-办公用品", "研发部-" + "长" * 46])
    def test_department_and_matter_are_a_name(self, name: str) -> None:
        group_names.check_name(name, rule(), longest=50, clause="第 1.3 条")

    @pytest.mark.parametrize("name", ["新品项目", "-新品", "研发部-", "研发部-" + "长" * 47])
    def test_anything_else_is_refused_with_the_clause(self, name: str) -> None:
        with pytest.raises(NameRefused, match=r"第 1\.3 条"):
            group_names.check_name(name, rule(), longest=50, clause="第 1.3 条")

    def test_an_interest_group_may_be_called_anything(self) -> None:
        group_names.check_name("羽毛球", rule("interest"), longest=50, clause="第 1.3 条")


class TestSizes:
    """Policy 1.6: 平台上限为 2000 人（含应用）。"""

    @pytest.mark.parametrize(("people", "fits"), [(1, False), (2, True), (1999, True), (2000, False)])
    def test_the_app_takes_one_of_the_2000_places(self, people: int, fits: bool) -> None:
        if fits:
            rules.check_size(people, rule("department"), clause="第 1.6 条")
        else:
            with pytest.raises(SizeRefused):
                rules.check_size(people, rule("department"), clause="第 1.6 条")


class TestChatid:
    """F37: at most 32 characters of 0-9a-zA-Z, the same on every attempt."""

    def test_it_is_the_groups_own_id(self) -> None:
        group_id = new_id()
        assert rules.chatid_of(group_id) == rules.chatid_of(group_id)
        assert len(rules.chatid_of(group_id)) == 32
        assert rules.chatid_of(group_id).isalnum()


def stay(userid: str, *, desired: bool = True, observed: bool = True) -> Stay:
    return Stay(fold(userid), uuid4(), desired, observed)


def ids(*userids: str) -> set[WecomUserId]:
    return {fold(userid) for userid in userids}


class TestDifference:
    """P4: what WeCom says about membership is the truth; what we wanted is a second column."""

    def test_agreement_is_no_difference(self) -> None:
        found = reconciliation_rules.difference([stay("Li"), stay("han")], ids("li", "Han"))
        assert found.present == ids("li", "han")
        assert not (found.should_leave | found.unregistered | found.missing | found.has_left)

    def test_everybody_is_in_exactly_one_place(self) -> None:
        rows = [stay("seen"), stay("ran"), stay("out", desired=False), stay("stuck", desired=False)]
        found = reconciliation_rules.difference(rows, ids("seen", "stuck", "guest"))
        assert found.missing == ids("ran")
        assert found.has_left == ids("out")
        assert found.should_leave == ids("stuck")
        assert found.unregistered == ids("guest")

    def test_who_was_never_seen_is_not_missing(self) -> None:
        assert not reconciliation_rules.difference([stay("new", observed=False)], ids()).missing

    def test_whom_a_change_under_way_concerns_is_left_alone(self) -> None:
        rows = [stay("ran"), stay("out", desired=False)]
        found = reconciliation_rules.difference(rows, ids("out", "guest"), pending=ids("ran", "out", "guest"))
        assert not (found.missing | found.should_leave | found.unregistered | found.has_left | found.present)


class TestBelievableLosses:
    """P6, policy 8.5: 超过 50 个且超过 20%，或不超过 50 个但超过 80% 的，暂停执行。"""

    @pytest.mark.parametrize(
        ("lost", "of", "believed"),
        [
            (0, 0, True),
            (1, 2, True),
            (4, 5, True),
            (5, 5, False),
            (9, 11, False),
            (50, 100, True),
            (51, 100, False),
            (51, 300, True),
            (1, 1, False),
        ],
    )
    def test_the_organisations_budget_holds_for_each_group(self, lost: int, of: int, believed: bool) -> None:
        assert reconciliation_rules.is_believable_loss(lost, of, BUDGET) is believed


class TestSuccession:
    """Policy 1.9: 群主离职或调动时，确定接任人。The deputy first."""

    DEPUTY, HEAD, FIRST = (UUID(int=number) for number in (1, 2, 3))

    def test_the_deputy_follows(self) -> None:
        found = succession.choose_successor(deputy=self.DEPUTY, heads={self.HEAD}, remaining=[self.FIRST, self.DEPUTY])
        assert found == Succession(self.DEPUTY, SuccessionBasis.DEPUTY)

    def test_without_a_deputy_in_the_group_its_department_head_follows(self) -> None:
        found = succession.choose_successor(deputy=self.DEPUTY, heads={self.HEAD}, remaining=[self.FIRST, self.HEAD])
        assert found == Succession(self.HEAD, SuccessionBasis.HEAD)

    def test_else_who_has_been_in_longest(self) -> None:
        found = succession.choose_successor(deputy=None, heads={self.HEAD}, remaining=[self.FIRST])
        assert found == Succession(self.FIRST, SuccessionBasis.FIRST)

    def test_an_empty_group_has_no_successor(self) -> None:
        assert succession.choose_successor(deputy=self.DEPUTY, heads={self.HEAD}, remaining=[]) is None
