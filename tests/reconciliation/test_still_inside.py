"""Who should be out of a group, and whom the platform has kept in: no intruder, and each rule cites its own clause."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.database import transaction
from app.groups import service
from models.events import PublishedEvent
from models.groups import FindingState, Group, GroupFinding
from models.ids import GroupId
from tests.groups.office import Office

REFUSED = 86005


async def exits(office: Office, group: Group) -> None:
    """2.5."""
    await office.granted("exit", "han", group_id=str(group.id))


async def is_removed(office: Office, group: Group) -> None:
    """2.8."""
    async with transaction(office.sessions) as session:
        await service.remove_by_hand(
            session,
            group_id=GroupId(group.id),
            person=office.people["han"],
            reason="长期不参与",
            actor=office.actor,
            now=office.clock.now(),
        )
    await office.work()


async def departs(office: Office, _group: Group) -> None:
    """2.6."""
    await office.departed(await office.leaves_the_company("han", "disabled"))


WAYS = pytest.mark.parametrize(
    ("leaves", "reason", "rule", "said", "clause", "do"),
    [
        (exits, "exit", "member.exit", "退群申请已同意", "2.5", "本人改为留下的，请重新办理入群申请。"),
        (is_removed, "removed", "member.remove", "管理员已决定移出", "2.8", "改为留下的，请办理入群申请。"),
        (departs, "departure", "member.departure", "已离职或账号已停用", "2.6", "请由群管理员移出。"),
    ],
    ids=["exit", "removal", "departure"],
)


async def _kept_in(office: Office, leaves: object) -> Group:
    group = await office.project("li", "han")
    await office.sandbox.fail("appchat/update", errcode=REFUSED, times=1)
    await leaves(office, group)  # type: ignore[operator]
    assert "han" in await office.roster(group)
    await office.reconcile(group)
    await office.work()
    return group


@WAYS
async def test_they_are_told_as_what_they_are(
    office: Office, leaves: object, reason: str, rule: str, said: str, clause: str, do: str
) -> None:
    group = await _kept_in(office, leaves)

    [finding] = await office.findings(group)
    assert (finding.rule_key, finding.details["should_leave"]) == (rule, reason)
    [text] = await office.messages("group.finding")
    first, second, cited = text.splitlines()
    assert (
        first
        == f"【应移出而未能移出】韩梅（han） {said}，应从“{group.desired_name}”移出，但移出没有完成，目前仍在群内。"
    )
    assert second.endswith(do)
    assert clause in cited
    assert "未经批准" not in text.replace(cited, "")
    assert "6.6" not in text


@WAYS
async def test_it_is_over_when_they_are_out(
    office: Office, leaves: object, reason: str, rule: str, said: str, clause: str, do: str
) -> None:
    group = await _kept_in(office, leaves)
    await office.sandbox.remove_from_group(group.chatid, "han")

    await office.reconcile(group)

    [finding] = await office.findings(group, None)
    assert (finding.state, finding.resolution) == (FindingState.RESOLVED, "核对一致")
    async with office.sessions() as session:
        left = select(PublishedEvent).where(col(PublishedEvent.type) == "member.left")
        assert (await session.scalars(left)).one().rule_key == rule


async def test_what_the_release_before_has_noted_is_put_right_and_not_told_again(office: Office) -> None:
    group = await _kept_in(office, exits)
    async with transaction(office.sessions) as session:
        found = (await session.scalars(select(GroupFinding))).one()
        found.rule_key, found.details = "member.unapproved_join", {"detail": "（退群已同意，未能移出）"}

    await office.reconcile(group)
    await office.work()

    [finding] = await office.findings(group)
    assert (finding.rule_key, finding.details["should_leave"]) == ("member.exit", "exit")
    assert len(await office.messages("group.finding")) == 1
    await office.sandbox.remove_from_group(group.chatid, "han")
    await office.reconcile(group)
    assert await office.findings(group) == []


async def test_an_intruder_whom_nobody_let_in_is_one_as_before(office: Office) -> None:
    group = await office.project("li", "han")
    await office.sandbox.add_to_group(group.chatid, "zhao")

    await office.reconcile(group)

    [finding] = await office.findings(group)
    assert (finding.rule_key, finding.details) == ("member.unapproved_join", {})
    [text] = await office.messages("group.finding")
    assert "未经批准入群" in text
    assert "6.6" in text
