from __future__ import annotations

from uuid import UUID

import pytest

from app.groups import group_names, rules
from app.groups.errors import NameRefused, SizeRefused
from app.groups.succession.candidates import in_turn
from app.policy.document import default_document
from app.policy.sections.groups import GroupTypeRule
from app.policy.service import Citation
from models.ids import new_id

DOCUMENT = default_document()
NAME = Citation("group.name", "1.3", DOCUMENT.clauses["1.3"], 1)
SIZE = Citation("group.size", "1.6", DOCUMENT.clauses["1.6"], 1)


def rule(group_type: str = "project") -> GroupTypeRule:
    return DOCUMENT.groups.types[group_type]


class TestNames:
    """Policy 1.3: 群名称格式为“部门名称-项目名称”或“部门名称-工作事项”，不超过 50 个字符。"""

    @pytest.mark.parametrize("name", ["研发部-新品项目", "行政部-办公用品", "研发部-" + "长" * 46])
    def test_department_and_matter_are_a_name(self, name: str) -> None:
        group_names.check_name(name, rule(), longest=50, citation=NAME)

    @pytest.mark.parametrize("dash", ["-", "－", "—", "–"])
    def test_any_dash_that_people_type_is_a_dash(self, dash: str) -> None:
        group_names.check_name(f"研发部{dash}新品项目", rule(), longest=50, citation=NAME)

    @pytest.mark.parametrize("name", ["新品项目", "-新品", "研发部-", "研发部-" + "长" * 47])
    def test_anything_else_is_refused_with_the_clause(self, name: str) -> None:
        with pytest.raises(NameRefused, match=r"第 1\.3 条") as refused:
            group_names.check_name(name, rule(), longest=50, citation=NAME)
        assert "(clause 1.3)" in refused.value.english

    def test_an_interest_group_may_be_called_anything(self) -> None:
        group_names.check_name("羽毛球", rule("interest"), longest=50, citation=NAME)


class TestSizes:
    """Policy 1.6: 平台上限为 2000 人（含应用）。"""

    @pytest.mark.parametrize(("people", "fits"), [(1, False), (2, True), (1999, True), (2000, False)])
    def test_the_app_takes_one_of_the_2000_places(self, people: int, fits: bool) -> None:
        if fits:
            rules.check_size(people, rule("department"), citation=SIZE)
        else:
            with pytest.raises(SizeRefused):
                rules.check_size(people, rule("department"), citation=SIZE)


class TestChatid:
    """F37: at most 32 characters of 0-9a-zA-Z, the same on every attempt."""

    def test_it_is_the_groups_own_id(self) -> None:
        group_id = new_id()
        assert rules.chatid_of(group_id) == rules.chatid_of(group_id)
        assert len(rules.chatid_of(group_id)) == 32
        assert rules.chatid_of(group_id).isalnum()


class TestSuccession:
    """Policy 1.9: 群主离职或调动时，确定接任人。The deputy is asked first, then heads, then the longest-standing."""

    DEPUTY, HEAD, FIRST, SECOND, THIRD, FOURTH = (UUID(int=number) for number in range(1, 7))

    def test_deputy_heads_and_the_longest_standing_in_this_order(self) -> None:
        remaining = [self.FIRST, self.HEAD, self.SECOND, self.DEPUTY]
        found = in_turn(deputy=self.DEPUTY, heads={self.HEAD}, remaining=remaining)
        assert found == [self.DEPUTY, self.HEAD, self.FIRST, self.SECOND]

    def test_who_is_not_in_the_group_is_not_asked(self) -> None:
        assert in_turn(deputy=self.DEPUTY, heads={self.HEAD}, remaining=[self.FIRST]) == [self.FIRST]
        assert in_turn(deputy=self.DEPUTY, heads={self.HEAD}, remaining=[]) == []

    def test_nobody_asks_hundreds_one_by_one(self) -> None:
        remaining = [self.FIRST, self.SECOND, self.THIRD, self.FOURTH]
        assert in_turn(deputy=None, heads=(), remaining=remaining) == remaining[:3]
