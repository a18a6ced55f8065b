from __future__ import annotations

from uuid import uuid4

import pytest

from app.policy.document import default_document
from app.reconciliation.believable_loss import is_believable_loss
from app.reconciliation.comparison import Stay, compare_roster
from models.ids import WecomUserId, fold

BUDGET = default_document().org.loss_budget


def stay(userid: str, *, desired: bool = True, observed: bool = True) -> Stay:
    return Stay(fold(userid), uuid4(), desired, observed)


def ids(*userids: str) -> set[WecomUserId]:
    return {fold(userid) for userid in userids}


class TestDifference:
    """P4: what WeCom says about membership is the truth; what we wanted is a second column."""

    def test_agreement_is_no_difference(self) -> None:
        found = compare_roster([stay("Li"), stay("han")], ids("li", "Han"))
        assert found.present == ids("li", "han")
        assert not (found.should_leave | found.unregistered | found.missing | found.has_left)

    def test_everybody_is_in_exactly_one_place(self) -> None:
        rows = [stay("seen"), stay("ran"), stay("out", desired=False), stay("stuck", desired=False)]
        found = compare_roster(rows, ids("seen", "stuck", "guest"))
        assert found.missing == ids("ran")
        assert found.has_left == ids("out")
        assert found.should_leave == ids("stuck")
        assert found.unregistered == ids("guest")

    def test_who_was_never_seen_is_not_missing(self) -> None:
        assert not compare_roster([stay("new", observed=False)], ids()).missing

    def test_whom_a_change_under_way_concerns_is_left_alone(self) -> None:
        rows = [stay("ran"), stay("out", desired=False)]
        found = compare_roster(rows, ids("out", "guest"), pending=ids("ran", "out", "guest"))
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
        assert is_believable_loss(lost, of, BUDGET) is believed
