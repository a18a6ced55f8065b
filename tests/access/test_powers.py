"""D21: what each key may, in words that somebody reads through."""

from __future__ import annotations

import pytest

from app.access.keys.powers import ACTS, NOUNS, Powers
from app.bootstrap import REGISTRY
from app.web.scopes import EVERYTHING, scopes_of
from models.access import ActAs


def powers(*scopes: str, act_as: ActAs = ActAs.NOBODY, departments: tuple[str, ...] = ()) -> Powers:
    return Powers(scopes, act_as, departments)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (powers("org:read", "groups:read"), "只读群、组织架构"),
        (powers("org:read", act_as=ActAs.ANYBODY), "只读组织架构"),
        (powers("requests:write", "org:read"), "可写申请，只读组织架构，不能代任何人办理"),
        (
            powers("requests:write", "requests:decide", act_as=ActAs.ANYBODY),
            "可写申请，可代任何人提交申请、审批",
        ),
        (
            powers("tasks:act", act_as=ActAs.DEPARTMENTS, departments=("销售部", "客服部")),
            "可代销售部、客服部及其下级的人办理任务",
        ),
        (powers(EVERYTHING), "全部权限，不能代任何人办理"),
    ],
)
def test_the_sentence(found: Powers, says: str) -> None:
    assert found.sentence == says


def test_who_only_reads_is_not_wide_whomever_it_may_act_for() -> None:
    assert not powers("org:read", act_as=ActAs.ANYBODY).is_wide
    assert powers("tasks:act", act_as=ActAs.ANYBODY).is_wide
    assert not powers("tasks:act").is_wide


def test_the_words_are_of_scopes_that_there_are() -> None:
    scopes = set(scopes_of(REGISTRY))
    assert set(ACTS) <= scopes
    assert {f"{resource}:read" for resource in NOUNS} <= scopes
